internal import NIOCore
internal import Octets

/// The conversation of one HTTP/2 connection: turns the session's events into calls of the service, and answers
/// into frames.
final class HTTP2Connection: Conversation {
  /// How far a graceful stop has come.
  private enum Drain {
    case no
    /// GOAWAY without a number is out; the peer's PING answer is waited for until then.
    case announced(until: NIODeadline)
    case refusing
  }

  /// The peer gets this long to read the announcement of a stop before streams are refused.
  private static let announcement: TimeAmount = .seconds(1)

  private let setup: ConversationSetup
  private let session: HTTP2Session
  private unowned let host: any ConversationHost
  private var now: NIODeadline
  private var lastActivity: NIODeadline
  private var drainState = Drain.no
  /// Answers waited for, also those whose stream is gone.
  private var laterAnswers = 0
  /// No stream's deadline is earlier; may be stale.
  private var earliestDeadline = NIODeadline.distantFuture
  private var isLost = false

  init(setup: ConversationSetup, pool: HTTP2StreamPool, host: any ConversationHost, now: NIODeadline) {
    self.setup = setup
    self.session = HTTP2Session(limits: setup.limits, peer: setup.peer, pool: pool)
    self.host = host
    self.now = now
    self.lastActivity = now
  }

  // MARK: Conversation

  var wantsRead: Bool { true }
  var isFinished: Bool { self.session.isDone }

  func receive(_ bytes: UnsafeRawBufferPointer, now: NIODeadline) {
    self.now = now
    self.lastActivity = now
    unsafe self.session.receive(bytes, now: now)
    self.handleEvents()
    if let failure = self.session.takeFailure() { self.setup.observer.failed(failure) }
    if case .announced = self.drainState, self.session.pingAcknowledged { self.refuseNewStreams() }
  }

  func produce(into out: inout ByteBuffer, max: Int, answers: inout [AnswerMark]) {
    self.session.produce(into: &out, max: max, answers: &answers)
    // Streams that end with their answer are closed by sending it.
    self.handleEvents()
  }

  func connectionLost() {
    self.isLost = true
    for stream in self.session.live {
      stream.onDelivery.take()?(.lost)
      stream.parts?.fail(.gone)
    }
  }

  func drain(now: NIODeadline) {
    guard case .no = self.drainState else { return }
    self.now = now
    self.drainState = .announced(until: now + Self.announcement)
    self.session.announceShutdown()
  }

  private func refuseNewStreams() {
    self.drainState = .refusing
    self.session.refuseNewStreams()
  }

  // MARK: events

  private func handleEvents() {
    // Handling an event may close streams, which makes more events.
    while true {
      let events = self.session.takeEvents()
      if events.isEmpty { return }
      for event in events {
        switch event {
        case .head(let stream): self.begin(stream)
        case .data(let stream): self.takeBody(stream)
        case .end(let stream): self.complete(stream)
        case .closed(let stream): self.close(stream)
        }
      }
      self.session.recycle(events)
    }
  }

  private func begin(_ stream: HTTP2Stream) {
    guard stream.isOpen else { return }
    if stream.hasOversizedHead {
      return self.refuse(stream, 431, GRPCStatus(.resourceExhausted, "header too large"))
    }
    let request = stream.request
    request.version = .http2
    guard !request.method.matches("CONNECT") else { return self.submit(HTTPResponse(status: 501), stream) }
    // Both say where the request goes; two answers to that question are none (RFC 9113 §8.3.1).
    let traits = request.traits
    if traits.contains(.hasHost), !self.agreeOnHost(request) {
      return self.submit(HTTPResponse(status: 400), stream)
    }
    if traits.contains([.hasGRPCTimeout, .isGRPC]) { self.readDeadline(request) }
    switch self.setup.service.intake(for: request) {
    case .whole(let maxBytes):
      stream.phase = .collecting
      stream.maxBodyBytes = maxBytes
      if !stream.isComplete { self.setDeadline(of: stream, self.now + self.setup.timeouts.body) }
      self.takeBody(stream)
    case .stream(let task):
      self.start(task, stream)
    }
  }

  private func agreeOnHost(_ request: HTTPRequest) -> Bool {
    switch (request.authority, request.fields.only("host")) {
    case (_, .absent): return true
    case (.absent, .once(let host)):
      request.authority = .once(host)
      return true
    case (.once(let authority), .once(let host)): return authority.elementsEqual(host)
    default: return false
    }
  }

  private func readDeadline(_ request: HTTPRequest) {
    guard case .once(let text) = request.fields.only("grpc-timeout"), let timeout = GRPCFields.timeout(text)
    else {
      return
    }
    request.deadline = .now + timeout
  }

  private func start(_ task: @escaping @Sendable (HTTPStream) async -> Void, _ stream: HTTP2Stream) {
    let id = stream.id
    guard
      self.laterAnswers < self.setup.limits.laterAnswers,
      let parts = self.host.start(task, progress: { [self] in self.progress(id) })
    else { return self.submit(.busy(isGRPC: stream.request.traits.contains(.isGRPC)), stream) }
    stream.phase = .streaming
    stream.parts = parts
    self.setDeadline(of: stream, self.streamDeadline(stream))
    self.takeBody(stream)
  }

  /// More of the body is there.
  private func takeBody(_ stream: HTTP2Stream) {
    stream.hasDataEvent = false
    guard stream.isOpen else { return }
    guard self.session.heldBytes <= self.setup.limits.bufferedBodyBytes else {
      self.setup.observer.failed(.limit)
      return self.refuse(stream, 503, GRPCStatus(.unavailable, "too much is buffered"))
    }
    if let parts = stream.parts {
      guard !stream.request.body.isEmpty else { return }
      var part: [UInt8] = []
      swap(&part, &stream.request.body)
      stream.hasProgressed = true
      parts.deliver(part)
    } else if stream.phase == .collecting, stream.request.body.count > stream.maxBodyBytes {
      self.refuse(stream, 413, GRPCStatus(.resourceExhausted, "the request is longer than this server takes"))
    }
  }

  /// The request is whole.
  private func complete(_ stream: HTTP2Stream) {
    guard stream.isOpen else { return }
    if let parts = stream.parts {
      self.takeBody(stream)
      parts.deliverEnd()
    } else if stream.phase == .collecting {
      switch self.setup.service.respond(to: stream.request) {
      case .now(let answer): self.submit(answer, stream)
      case .later(let work): self.wait(for: work, stream)
      }
    }
  }

  private func wait(for work: @escaping @Sendable () async -> HTTPResponse, _ stream: HTTP2Stream) {
    let id = stream.id
    guard
      self.laterAnswers < self.setup.limits.laterAnswers,
      self.host.start(work, then: { [self] answer in self.arrive(answer, for: id) })
    else { return self.submit(.busy(isGRPC: stream.request.traits.contains(.isGRPC)), stream) }
    self.laterAnswers += 1
    stream.phase = .waiting
    self.setDeadline(of: stream, stream.request.deadline(from: self.now) ?? .distantFuture)
  }

  /// An answer that was waited for; its stream may be gone, or have been answered because it was late.
  private func arrive(_ answer: HTTPResponse, for id: Int32) {
    self.laterAnswers -= 1
    guard !self.isLost, let stream = self.session.stream(id), stream.phase == .waiting else {
      answer.onDelivery?(.lost)
      return
    }
    self.submit(answer, stream)
  }

  private func close(_ stream: HTTP2Stream) {
    stream.onDelivery.take()?(.lost)
    stream.parts?.fail(.gone)
    self.session.recycle(stream)
    self.lastActivity = self.now
  }

  // MARK: answers

  private func refuse(_ stream: HTTP2Stream, _ status: UInt16, _ grpc: GRPCStatus) {
    stream.parts?.fail(.tooLong)
    self.session.dropBody(of: stream)
    guard stream.phase != .answered else { return self.session.reset(stream, .cancel) }
    let isGRPC = stream.request.traits.contains(.isGRPC)
    self.submit(isGRPC ? HTTPResponse(grpc: grpc) : HTTPResponse(status: status), stream)
  }

  private func submit(_ answer: HTTPResponse, _ stream: HTTP2Stream) {
    stream.onDelivery = answer.onDelivery
    self.setDeadline(of: stream, self.now + self.setup.timeouts.write)
    stream.hasProgressed = false
    switch answer.grpcStatus {
    case .some(let status) where status.code == .ok:
      stream.framing = .grpc
      stream.payload = answer.body
      unsafe self.session.submitHead(
        stream, self.session.fixedFields.head, HTTP2FixedFields.headCount, hasBody: true)
    case .some(let status):
      var fields = GRPCFields.response
      GRPCFields.append(status, to: &fields)
      self.submitHead(stream, status: 200, fields, hasBody: false)
    case nil:
      self.submitPlain(answer, stream)
    }
  }

  private func submitPlain(_ answer: HTTPResponse, _ stream: HTTP2Stream) {
    guard (200...999).contains(answer.status), let fields = answer.wireFields(length: answer.body.count)
    else {
      // The service made an invalid answer; what it meant must not go out half.
      return self.submitHead(stream, status: 500, FieldList(), hasBody: false)
    }
    let isHead = stream.request.method.matches("HEAD")
    stream.framing = .plain
    stream.payload = answer.body
    let hasBody = !answer.body.isEmpty && answer.mayHaveBody && !isHead
    self.submitHead(stream, status: answer.status, fields, hasBody: hasBody)
  }

  private func submitHead(_ stream: HTTP2Stream, status: UInt16, _ fields: FieldList, hasBody: Bool) {
    unsafe HTTP2FieldBlock.with(status: status, fields) {
      unsafe self.session.submitHead(stream, $0, $1, hasBody: hasBody)
    }
  }

  /// A stream's task has read, written or ended.
  private func progress(_ id: Int32) {
    guard !self.isLost, let stream = self.session.stream(id), let parts = stream.parts else { return }
    let credit = parts.takeCredit()
    if credit > 0 { self.session.release(credit, of: stream) }
    if stream.phase == .streaming, let head = parts.takeHead() {
      let isHead = stream.request.method.matches("HEAD")
      if let fields = head.wireFields(length: nil), (200...999).contains(head.status) {
        stream.framing = .parts
        self.submitHead(
          stream, status: head.status, fields, hasBody: head.mayHaveBody && !isHead && !parts.isHeadOnly)
      } else {
        self.submitHead(stream, status: 500, FieldList(), hasBody: false)
        parts.fail(.outOfOrder)
      }
    } else if stream.phase == .answered {
      self.session.resume(stream)
    }
    stream.hasProgressed = false
    self.setDeadline(of: stream, self.streamDeadline(stream))
  }

  // MARK: time

  var nextTimeout: NIODeadline {
    if case .announced(let until) = self.drainState { return until }
    if let since = self.session.headerBlockSince { return since + self.setup.timeouts.header }
    if self.session.live.isEmpty { return self.lastActivity + self.setup.timeouts.idle }
    return self.earliestDeadline
  }

  func timeOut(now: NIODeadline) {
    self.now = now
    if case .announced(let until) = self.drainState, until <= now { self.refuseNewStreams() }
    if let since = self.session.headerBlockSince, since + self.setup.timeouts.header <= now {
      self.setup.observer.failed(.timeout)
      return self.session.terminate(.enhanceYourCalm)
    }
    if self.session.live.isEmpty, self.lastActivity + self.setup.timeouts.idle <= now {
      return self.session.terminate(.noError)
    }
    self.earliestDeadline = .distantFuture
    for stream in self.session.live {
      if stream.deadline <= now { self.timeOut(stream) }
      self.earliestDeadline = min(self.earliestDeadline, stream.deadline)
    }
  }

  private func timeOut(_ stream: HTTP2Stream) {
    stream.deadline = .distantFuture
    if let parts = stream.parts { return self.timeOut(stream, parts) }
    switch stream.phase {
    case .collecting, .head:
      self.setup.observer.failed(.timeout)
      self.refuse(stream, 408, GRPCStatus(.deadlineExceeded, "the request did not arrive in time"))
    case .waiting:
      self.submit(HTTPResponse(grpc: GRPCStatus(.deadlineExceeded)), stream)
    case .answered, .streaming:
      self.checkSending(stream)
    }
  }

  private func timeOut(_ stream: HTTP2Stream, _ parts: HTTPStream) {
    if let deadline = stream.request.deadline, deadline <= .now {
      var trailers = FieldList()
      GRPCFields.append(GRPCStatus(.deadlineExceeded), to: &trailers)
      var head = HTTPResponse(status: 200, fields: GRPCFields.response)
      GRPCFields.append(GRPCStatus(.deadlineExceeded), to: &head.fields)
      stream.request.deadline = nil
      parts.expire(head: head, trailers: trailers)
      return self.progress(stream.id)
    }
    if !stream.isComplete, !stream.hasProgressed, stream.heldBytes == 0 {
      self.setup.observer.failed(.timeout)
      parts.fail(.timedOut)
      return self.session.reset(stream, .cancel)
    }
    guard parts.hasOutput else {
      stream.hasProgressed = false
      return self.setDeadline(of: stream, self.streamDeadline(stream))
    }
    self.checkSending(stream)
  }

  /// An answer of which the peer took nothing since the deadline was set is given up.
  private func checkSending(_ stream: HTTP2Stream) {
    guard stream.hasProgressed else {
      self.setup.observer.failed(.timeout)
      stream.parts?.fail(.timedOut)
      return self.session.reset(stream, .cancel)
    }
    stream.hasProgressed = false
    self.setDeadline(of: stream, self.now + self.setup.timeouts.write)
  }

  /// The next moment at which a stream with a task must be looked at.
  private func streamDeadline(_ stream: HTTP2Stream) -> NIODeadline {
    var deadline = stream.request.deadline(from: self.now) ?? .distantFuture
    if !stream.isComplete { deadline = min(deadline, self.now + self.setup.timeouts.body) }
    if stream.phase == .answered, stream.parts?.hasOutput == true {
      deadline = min(deadline, self.now + self.setup.timeouts.write)
    }
    return deadline
  }

  private func setDeadline(of stream: HTTP2Stream, _ deadline: NIODeadline) {
    stream.deadline = deadline
    self.earliestDeadline = min(self.earliestDeadline, deadline)
  }
}
