private import Synchronization

/// Work of a listener's connections on its way into the task group of ``Listener/run()``.
final class ListenerWork: Sendable {
  typealias Job = @Sendable () async -> Void

  private struct State {
    var open = 0
    var isClosed = false
    var onEmpty: (@Sendable () -> Void)?
  }

  let jobs: AsyncStream<Job>
  private let continuation: AsyncStream<Job>.Continuation
  private let maxOpen: Int
  private let state = Mutex(State())

  /// - Parameter maxOpen: what runs at once, of all connections; also bounds the queue.
  init(maxOpen: Int) {
    self.maxOpen = maxOpen
    (self.jobs, self.continuation) = AsyncStream.makeStream()
  }

  /// False when there is too much already, or the listener has ended.
  func submit(_ job: @escaping Job) -> Bool {
    let isAccepted = self.state.withLock { state in
      guard !state.isClosed, state.open < self.maxOpen else { return false }
      state.open += 1
      return true
    }
    guard isAccepted else { return false }
    self.continuation.yield {
      await job()
      self.ended()
    }
    return true
  }

  private func ended() {
    let onEmpty = self.state.withLock { state in
      state.open -= 1
      return state.open == 0 ? state.onEmpty.take() : nil
    }
    onEmpty?()
  }

  /// No connection is left. When the last job has ended, too, the stream of jobs ends.
  func closeWhenEmpty() {
    let isEmpty = self.state.withLock { state in
      guard state.open > 0 else { return true }
      state.onEmpty = { self.close() }
      return false
    }
    if isEmpty { self.close() }
  }

  /// Ends the stream of jobs now.
  func close() {
    self.state.withLock { $0.isClosed = true }
    self.continuation.finish()
  }
}
