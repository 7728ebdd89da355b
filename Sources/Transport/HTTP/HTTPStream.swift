package import Octets
private import Synchronization

/// One request as a stream of parts with back-pressure, both ways. Made by the connection, used by one task.
///
/// Reading gives the connection room for more; writing waits while the peer does not read. When the task returns
/// without `finish`, the answer is 500 if nothing was sent, else it is cut off so that the peer sees it is not whole.
package final class HTTPStream: Sendable {
  private let state: Mutex<StreamPipe>
  /// Tells the event loop that there is something to take.
  private let wake: @Sendable () -> Void

  init(capacityBytes: Int, wake: @escaping @Sendable () -> Void) {
    self.state = Mutex(StreamPipe(capacityBytes: capacityBytes))
    self.wake = wake
  }

  /// The next part of the body, or nil at its end.
  package func read() async throws(HTTPStreamError) -> [UInt8]? {
    let result: Result<[UInt8]?, HTTPStreamError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let action = self.state.withLock { $0.read(continuation) }
        self.perform(action)
      }
    } onCancel: {
      self.perform(self.state.withLock { $0.cancelRead() })
    }
    return try result.get()
  }

  /// The whole body; throws `tooLong` when it has more than `max` bytes.
  package func collect(max: Int) async throws(HTTPStreamError) -> [UInt8] {
    var whole: [UInt8] = []
    while let part = try await self.read() {
      guard part.count <= max - whole.count else { throw .tooLong }
      whole.append(contentsOf: part)
    }
    return whole
  }

  /// Sends the head of the answer; once, before the first `write`.
  package func respond(status: UInt16, fields: FieldList = FieldList()) throws(HTTPStreamError) {
    let head = HTTPResponse(status: status, fields: fields)
    let (action, result) = self.state.withLock { $0.respond(head) }
    self.perform(action)
    try result.get()
  }

  /// Sends a part of the answer's body; returns when there is room for another.
  package func write(_ part: [UInt8]) async throws(HTTPStreamError) {
    let result: Result<Void, HTTPStreamError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        self.perform(self.state.withLock { $0.write(part, continuation) })
      }
    } onCancel: {
      self.perform(self.state.withLock { $0.cancelWrite() })
    }
    try result.get()
  }

  /// Ends the answer. Without `respond` before, or called again, it does nothing.
  package func finish(trailers: FieldList = FieldList()) {
    self.perform(self.state.withLock { $0.finish(trailers) })
  }

  /// Whether `respond` was called.
  var hasBegun: Bool { self.state.withLock { $0.hasBegun } }

  // The event loop's side.

  /// Hands a part of the body over.
  func deliver(_ part: [UInt8]) { self.perform(self.state.withLock { $0.deliver(part) }) }

  func deliverEnd() { self.perform(self.state.withLock { $0.deliverEnd() }) }

  /// The stream or the connection is gone, or too slow.
  func fail(_ error: HTTPStreamError) { self.perform(self.state.withLock { $0.fail(error) }) }

  /// The call's deadline has passed.
  func expire(head: HTTPResponse, trailers: FieldList) {
    self.perform(self.state.withLock { $0.expire(head: head, trailers: trailers) })
  }

  /// The task has returned.
  func taskEnded() { self.perform(self.state.withLock { $0.taskEnded() }) }

  /// Returns when the peer is gone or the task has ended.
  func untilGone() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        self.perform(self.state.withLock { $0.waitForEnd(continuation) })
      }
    } onCancel: {
      self.perform(self.state.withLock { $0.cancelWaitForEnd() })
    }
  }

  /// A whole answer without a body, instead of `respond` and `finish`.
  func answer(_ head: HTTPResponse) { self.perform(self.state.withLock { $0.answer(head) }) }

  /// The answer has ended, and nothing follows its head.
  var isHeadOnly: Bool { self.state.withLock { $0.isHeadOnly } }

  /// Whether parts wait to be sent.
  var hasOutput: Bool { self.state.withLock { $0.hasOutput } }

  /// Bytes of the body read since the last call.
  func takeCredit() -> Int { self.state.withLock { $0.takeCredit() } }

  /// The head, once.
  func takeHead() -> HTTPResponse? { self.state.withLock { $0.takeHead() } }

  /// Up to `max` bytes of the answer's body.
  func pull(max: Int) -> StreamPipe.Pull {
    let (pull, action) = self.state.withLock { $0.pull(max: max) }
    self.perform(action)
    return pull
  }

  private func perform(_ action: StreamPipe.Action) {
    switch action {
    case .none: break
    case .wake: self.wake()
    case .resumeReader(let continuation, let result, let wake):
      continuation.resume(returning: result)
      if wake { self.wake() }
    case .resumeWriter(let continuation, let result, let wake):
      continuation.resume(returning: result)
      if wake { self.wake() }
    case .resumeAll(let reader, let writer, let watcher, let error):
      reader?.resume(returning: .failure(error))
      writer?.resume(returning: .failure(error))
      watcher?.resume()
    case .resumeWatcher(let watcher): watcher?.resume()
    }
  }
}

/// Why a stream gives or takes no more.
package enum HTTPStreamError: Error, Hashable, Sendable {
  /// The peer reset the stream or closed the connection.
  case gone
  /// The peer was too slow, or the call's deadline has passed.
  case timedOut
  /// The body is longer than asked for.
  case tooLong
  /// Called out of order: a second head, or a part without a head or after the end.
  case outOfOrder
  /// The task was cancelled.
  case cancelled
}

extension HTTPStream: AsyncSequence {
  package typealias Element = [UInt8]
  package typealias Failure = HTTPStreamError

  package struct AsyncIterator: AsyncIteratorProtocol {
    let stream: HTTPStream

    package mutating func next() async throws(HTTPStreamError) -> [UInt8]? { try await self.stream.read() }

    package mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HTTPStreamError) -> [UInt8]? {
      try await self.stream.read()
    }
  }

  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }
}
