internal import NIOCore
internal import Octets

/// The conversation of one HTTP/1 connection: one request at a time, further ones wait in the parser.
final class HTTP1Connection: Conversation {
  private enum Phase {
    /// Between requests, or inside a head.
    case head
    case collecting(maxBytes: Int)
    case waiting
    case streaming(HTTPStream)
    /// Nothing more is read.
    case closing
  }

  private let setup: ConversationSetup
  private unowned let host: any ConversationHost
  private var parser: HTTP1Parser
  private var request: HTTPRequest
  private var framing = HTTP1Framing(body: .none, keepsAlive: true, expectsContinue: false)
  private var phase = Phase.head
  /// The request's body has ended.
  private var isComplete = true
  private var output = HTTP1Output()
  private var now: NIODeadline
  private var since: NIODeadline
  private var isInsideHead = false
  private var heldBytes = 0
  private var isDraining = false
  private var isLost = false
  /// Which request an answer belongs to that was waited for.
  private var requestNumber = 0

  init(setup: ConversationSetup, host: any ConversationHost, now: NIODeadline) {
    self.setup = setup
    self.host = host
    self.parser = HTTP1Parser(maxHeadBytes: setup.limits.headerBytes, maxHeadCount: setup.limits.headerCount)
    self.request = HTTPRequest(peer: setup.peer)
    self.request.version = .http1_1
    self.now = now
    self.since = now
  }

  // MARK: Conversation

  var wantsRead: Bool {
    switch self.phase {
    case .head, .collecting: true
    case .streaming: self.heldBytes < self.setup.limits.streamWindowBytes
    // Pipelined requests wait in the socket but for one piece, so that a stop of the client is noticed.
    case .waiting: self.parser.bufferedBytes == 0
    case .closing: false
    }
  }

  var isFinished: Bool {
    guard self.output.isEmpty else { return false }
    return switch self.phase {
    case .closing: true
    case .head: self.isDraining && self.parser.bufferedBytes == 0
    case .collecting, .waiting, .streaming: false
    }
  }

  func receive(_ bytes: UnsafeRawBufferPointer, now: NIODeadline) {
    self.now = now
    if case .closing = self.phase { return }
    unsafe self.parser.feed(bytes)
    self.advance()
  }

  func produce(into out: inout ByteBuffer, max: Int, answers: inout [AnswerMark]) {
    self.output.move(to: &out, answers: &answers)
    self.pullStream()
    // Requests that waited because the output was full.
    self.advance()
  }

  func drain(now: NIODeadline) {
    self.now = now
    self.isDraining = true
  }

  func connectionLost() {
    self.isLost = true
    for mark in self.output.answers { mark.onDelivery(.lost) }
    self.output.answers.removeAll()
    if case .streaming(let stream) = self.phase { stream.fail(.gone) }
    self.phase = .closing
  }

  // MARK: requests

  private func advance() {
    while true {
      switch self.phase {
      case .closing: return
      case .waiting: return
      case .streaming where self.isComplete: return
      case .head where self.output.count >= self.setup.limits.outputBytes: return
      case .head, .collecting, .streaming: break
      }
      switch self.parser.next(into: self.request) {
      case .needsMore:
        return self.noteHead()
      case .head(let framing):
        self.begin(framing)
      case .body(let part):
        self.take(part)
      case .end:
        self.complete()
      case .failed(let error):
        return self.fail(error)
      }
    }
  }

  /// Starts the time for a head when its first byte is here.
  private func noteHead() {
    guard case .head = self.phase, self.parser.isInsideHead != self.isInsideHead else { return }
    self.isInsideHead = self.parser.isInsideHead
    self.since = self.now
  }

  private func begin(_ framing: HTTP1Framing) {
    self.framing = framing
    self.isInsideHead = false
    self.since = self.now
    self.isComplete = false
    self.requestNumber += 1
    self.request.body.removeAll(keepingCapacity: true)
    switch self.setup.service.intake(for: self.request) {
    case .whole(let maxBytes):
      self.phase = .collecting(maxBytes: maxBytes)
      // A declared length over the limit is refused before the body is sent.
      if case .length(let length) = framing.body, length > maxBytes { return self.fail(.bodyTooLarge) }
    case .stream(let task):
      guard let stream = self.host.start(task, progress: self.progress(of: self.requestNumber)) else {
        return self.refuse(.busy(isGRPC: false))
      }
      self.phase = .streaming(stream)
    }
    if framing.expectsContinue, framing.body != .none { self.output.append("HTTP/1.1 100 Continue\r\n\r\n") }
  }

  private func progress(of number: Int) -> () -> Void {
    { [self] in if number == self.requestNumber { self.pullStream() } }
  }

  private func take(_ part: ArraySlice<UInt8>) {
    switch self.phase {
    case .collecting(let maxBytes):
      guard part.count <= maxBytes - self.request.body.count else { return self.fail(.bodyTooLarge) }
      self.request.body.append(contentsOf: part)
    case .streaming(let stream):
      self.heldBytes += part.count
      self.since = self.now
      stream.deliver(Array(part))
    case .head, .waiting, .closing: break
    }
  }

  private func complete() {
    self.isComplete = true
    switch self.phase {
    case .collecting:
      switch self.setup.service.respond(to: self.request) {
      case .now(let answer): self.answer(answer)
      case .later(let work): self.wait(for: work)
      }
    case .streaming(let stream): stream.deliverEnd()
    case .head, .waiting, .closing: break
    }
  }

  private func wait(for work: @escaping @Sendable () async -> HTTPResponse) {
    let number = self.requestNumber
    let started = self.host.start(work) { [self] answer in
      guard !self.isLost, number == self.requestNumber, case .waiting = self.phase else {
        answer.onDelivery?(.lost)
        return
      }
      self.answer(answer)
      self.advance()
    }
    if started { self.phase = .waiting } else { self.answer(.busy(isGRPC: false)) }
  }

  // MARK: answers

  /// What the client does not expect closes the connection: where the next request begins is not certain, or its
  /// body would have to be read first.
  private func fail(_ error: HTTP1Error) {
    switch error {
    case .headTooLarge, .bodyTooLarge: self.setup.observer.failed(.limit)
    default: self.setup.observer.failed(.protocolError)
    }
    self.refuse(HTTPResponse(status: error.status))
  }

  private func refuse(_ answer: HTTPResponse) {
    if case .streaming(let stream) = self.phase {
      stream.fail(.gone)
      if self.output.isInsideAnswer {
        self.phase = .closing
        return
      }
    }
    self.framing.keepsAlive = false
    self.answer(answer)
  }

  private func answer(_ answer: HTTPResponse) {
    let keepsAlive = self.framing.keepsAlive && self.isComplete && !self.isDraining
    self.output.append(answer, to: self.request, keepsAlive: keepsAlive)
    self.endAnswer(keepsAlive: keepsAlive)
  }

  private func endAnswer(keepsAlive: Bool) {
    self.heldBytes = 0
    self.since = self.now
    self.isInsideHead = false
    self.phase = keepsAlive ? .head : .closing
    if !isKnownUniquelyReferenced(&self.request) {
      self.request = HTTPRequest(peer: self.setup.peer)
    } else {
      self.request.reset()
    }
  }

  /// Takes what a stream's task has written.
  private func pullStream() {
    guard case .streaming(let stream) = self.phase else { return }
    self.heldBytes -= stream.takeCredit()
    if let head = stream.takeHead() {
      // The rest of a body that the task did not read would stand before the next request.
      let keepsAlive = self.framing.keepsAlive && self.isComplete && !self.isDraining
      self.output.beginStream(head, to: self.request, keepsAlive: keepsAlive)
    }
    while self.output.isInsideAnswer, self.output.count < self.setup.limits.outputBytes {
      switch stream.pull(max: self.setup.limits.streamOutputBytes) {
      case .bytes(let bytes): self.output.appendPart(bytes)
      case .nothing: return
      case .cutOff:
        self.phase = .closing
        return
      case .end:
        let keepsAlive = self.output.endStream()
        self.endAnswer(keepsAlive: keepsAlive && self.isComplete)
        return self.advance()
      }
    }
  }

  // MARK: time

  var nextTimeout: NIODeadline {
    switch self.phase {
    case .head where self.isInsideHead: self.since + self.setup.timeouts.header
    case .head: self.since + self.setup.timeouts.idle
    case .collecting: self.since + self.setup.timeouts.body
    case .streaming where !self.isComplete && self.heldBytes == 0: self.since + self.setup.timeouts.body
    case .streaming, .waiting: .distantFuture
    case .closing: .distantFuture
    }
  }

  func timeOut(now: NIODeadline) {
    self.now = now
    guard self.nextTimeout <= now else { return }
    switch self.phase {
    case .head where !self.isInsideHead:
      self.phase = .closing
    case .head, .collecting:
      self.setup.observer.failed(.timeout)
      self.refuse(HTTPResponse(status: 408))
    case .streaming(let stream):
      self.setup.observer.failed(.timeout)
      stream.fail(.timedOut)
      self.phase = .closing
    case .waiting, .closing: break
    }
  }
}
