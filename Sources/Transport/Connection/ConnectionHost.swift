internal import NIOCore

/// What a connection shares with its listener, seen by the conversation as ``ConversationHost``: work outside the
/// loop comes back to it, and what it brought is sent.
final class ConnectionHost: ConversationHost {
  let memory: LoopMemory
  private let work: ListenerWork
  private let limits: Limits
  private let onClose: () -> Void
  private weak var handler: ConnectionHandler?
  private var loop: (any EventLoop)?
  private var isAttached = false

  init(memory: LoopMemory, work: ListenerWork, limits: Limits, onClose: @escaping () -> Void) {
    self.memory = memory
    self.work = work
    self.limits = limits
    self.onClose = onClose
  }

  func attach(_ handler: ConnectionHandler, loop: any EventLoop) {
    self.handler = handler
    self.loop = loop
    self.isAttached = true
  }

  func detach() {
    guard self.isAttached else { return }
    self.isAttached = false
    self.onClose()
  }

  func start(
    _ work: @escaping @Sendable () async -> HTTPResponse,
    then finish: @escaping (HTTPResponse) -> Void
  ) -> Bool {
    guard let loop = self.loop else { return false }
    let back = NIOLoopBound(
      { [self] (answer: HTTPResponse) in
        finish(answer); self.handler?.flush()
      }, eventLoop: loop)
    return self.work.submit {
      let answer = await work()
      loop.execute { back.value(answer) }
    }
  }

  func start(
    _ task: @escaping @Sendable (HTTPStream) async -> Void,
    progress: @escaping () -> Void
  ) -> HTTPStream? {
    guard let loop = self.loop else { return nil }
    let back = NIOLoopBound(
      { [self] in
        progress(); self.handler?.flush()
      }, eventLoop: loop)
    let stream = HTTPStream(capacityBytes: self.limits.streamOutputBytes) { loop.execute { back.value() } }
    let started = self.work.submit {
      await withTaskGroup { group in
        group.addTask {
          await task(stream)
          stream.taskEnded()
        }
        // A task whose peer is gone has nobody to work for; one that waits for news would never notice.
        group.addTask { await stream.untilGone() }
        await group.next()
        group.cancelAll()
      }
    }
    return started ? stream : nil
  }
}
