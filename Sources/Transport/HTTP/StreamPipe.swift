internal import Octets

/// Both directions of an ``HTTPStream`` as a pure state machine: each event returns the one action to do after the
/// lock is left. One reader and one writer at a time, since one task uses the stream.
struct StreamPipe {
  typealias Reader = CheckedContinuation<Result<[UInt8]?, HTTPStreamError>, Never>
  typealias Writer = CheckedContinuation<Result<Void, HTTPStreamError>, Never>

  typealias Watcher = CheckedContinuation<Void, Never>

  enum Action {
    case none
    case wake
    case resumeReader(Reader, Result<[UInt8]?, HTTPStreamError>, wake: Bool)
    case resumeWriter(Writer, Result<Void, HTTPStreamError>, wake: Bool)
    case resumeAll(Reader?, Writer?, Watcher?, HTTPStreamError)
    case resumeWatcher(Watcher?)
  }

  /// What the loop finds when it wants to send.
  enum Pull {
    case bytes(ArraySlice<UInt8>)
    /// Nothing yet; the loop will be woken.
    case nothing
    case end(trailers: FieldList)
    /// The task ended without finishing the answer.
    case cutOff
  }

  private enum Answer {
    case open
    case begun
    case finished(FieldList)
    case cutOff
  }

  private let capacityBytes: Int
  private var incoming: [[UInt8]] = []
  private var bodyEnded = false
  private var creditBytes = 0
  private var reader: Reader?
  private var head: HTTPResponse?
  private var answer = Answer.open
  private var outgoing: ArraySlice<UInt8> = []
  private var writer: Writer?
  private var watcher: Watcher?
  private var failure: HTTPStreamError?
  /// What the task hears although the answer still goes out.
  private var taskFailure: HTTPStreamError?
  private var wakeIsPending = false

  init(capacityBytes: Int) { self.capacityBytes = capacityBytes }

  /// Whether the head was given.
  var hasBegun: Bool {
    if case .open = self.answer { false } else { true }
  }

  /// The answer has ended, and nothing follows its head.
  var isHeadOnly: Bool {
    guard case .finished(let trailers) = self.answer else { return false }
    return trailers.isEmpty && self.outgoing.isEmpty
  }

  /// Whether parts wait to be sent.
  var hasOutput: Bool { !self.outgoing.isEmpty }

  // MARK: the task's side

  mutating func read(_ reader: Reader) -> Action {
    precondition(self.reader == nil, "a stream is read by one task at a time")
    if !self.incoming.isEmpty {
      let part = self.incoming.removeFirst()
      self.creditBytes += part.count
      return .resumeReader(reader, .success(part), wake: self.wakeOnce())
    }
    if self.bodyEnded { return .resumeReader(reader, .success(nil), wake: false) }
    if let failure = self.failure ?? self.taskFailure {
      return .resumeReader(reader, .failure(failure), wake: false)
    }
    if Task.isCancelled { return .resumeReader(reader, .failure(.cancelled), wake: false) }
    self.reader = reader
    return .none
  }

  mutating func cancelRead() -> Action {
    guard let reader = self.reader.take() else { return .none }
    return .resumeReader(reader, .failure(.cancelled), wake: false)
  }

  mutating func respond(_ head: HTTPResponse) -> (Action, Result<Void, HTTPStreamError>) {
    if let failure = self.failure ?? self.taskFailure { return (.none, .failure(failure)) }
    guard case .open = self.answer else { return (.none, .failure(.outOfOrder)) }
    self.answer = .begun
    self.head = head
    return (self.wakeOnce() ? .wake : .none, .success(()))
  }

  mutating func write(_ part: [UInt8], _ writer: Writer) -> Action {
    precondition(self.writer == nil, "a stream is written by one task at a time")
    if let failure = self.failure ?? self.taskFailure {
      return .resumeWriter(writer, .failure(failure), wake: false)
    }
    guard case .begun = self.answer else { return .resumeWriter(writer, .failure(.outOfOrder), wake: false) }
    if Task.isCancelled { return .resumeWriter(writer, .failure(.cancelled), wake: false) }
    self.outgoing.append(contentsOf: part)
    let wake = self.wakeOnce()
    if self.outgoing.count < self.capacityBytes { return .resumeWriter(writer, .success(()), wake: wake) }
    self.writer = writer
    return wake ? .wake : .none
  }

  mutating func cancelWrite() -> Action {
    guard let writer = self.writer.take() else { return .none }
    return .resumeWriter(writer, .failure(.cancelled), wake: false)
  }

  /// Head and end in one, so that the loop sees that there is no body.
  mutating func answer(_ head: HTTPResponse) -> Action {
    guard self.failure == nil, self.taskFailure == nil, case .open = self.answer else { return .none }
    self.head = head
    self.answer = .finished(FieldList())
    return self.wakeOnce() ? .wake : .none
  }

  mutating func finish(_ trailers: FieldList) -> Action {
    guard self.failure == nil, self.taskFailure == nil, case .begun = self.answer else { return .none }
    self.answer = .finished(trailers)
    return self.wakeOnce() ? .wake : .none
  }

  mutating func taskEnded() -> Action {
    guard self.failure == nil else { return .none }
    switch self.answer {
    case .finished, .cutOff: return .none
    case .open:
      self.head = HTTPResponse(status: 500)
      self.answer = .finished(FieldList())
    case .begun:
      self.answer = .cutOff
    }
    return self.wakeOnce() ? .wake : .none
  }

  mutating func waitForEnd(_ watcher: Watcher) -> Action {
    if self.failure != nil || self.taskFailure != nil || Task.isCancelled { return .resumeWatcher(watcher) }
    self.watcher = watcher
    return .none
  }

  mutating func cancelWaitForEnd() -> Action { .resumeWatcher(self.watcher.take()) }

  // MARK: the loop's side

  mutating func deliver(_ part: [UInt8]) -> Action {
    guard self.failure == nil, !part.isEmpty else { return .none }
    guard let reader = self.reader.take() else {
      self.incoming.append(part)
      return .none
    }
    self.creditBytes += part.count
    return .resumeReader(reader, .success(part), wake: self.wakeOnce())
  }

  mutating func deliverEnd() -> Action {
    self.bodyEnded = true
    guard let reader = self.reader.take() else { return .none }
    return .resumeReader(reader, .success(nil), wake: false)
  }

  mutating func fail(_ error: HTTPStreamError) -> Action {
    guard self.failure == nil else { return .none }
    self.failure = error
    self.outgoing = []
    self.head = nil
    return .resumeAll(self.reader.take(), self.writer.take(), self.watcher.take(), error)
  }

  mutating func takeCredit() -> Int {
    self.wakeIsPending = false
    defer { self.creditBytes = 0 }
    return self.creditBytes
  }

  mutating func takeHead() -> HTTPResponse? {
    self.wakeIsPending = false
    return self.head.take()
  }

  /// The call's deadline has passed: what is queued still goes out, then the answer ends with `trailers`, or is the
  /// whole `head` if nothing was sent. The task gets ``HTTPStreamError/timedOut`` from now on.
  mutating func expire(head: HTTPResponse, trailers: FieldList) -> Action {
    guard self.failure == nil else { return .none }
    self.taskFailure = .timedOut
    switch self.answer {
    case .finished, .cutOff: break
    case .open:
      self.head = head
      self.answer = .finished(FieldList())
    case .begun:
      self.answer = .finished(trailers)
    }
    return .resumeAll(self.reader.take(), self.writer.take(), self.watcher.take(), .timedOut)
  }

  mutating func pull(max: Int) -> (Pull, Action) {
    self.wakeIsPending = false
    guard self.outgoing.isEmpty else {
      let part = self.outgoing.prefix(max)
      self.outgoing.removeFirst(part.count)
      if self.outgoing.isEmpty { self.outgoing = [] }
      if self.outgoing.count < self.capacityBytes, let writer = self.writer.take() {
        return (.bytes(part), .resumeWriter(writer, .success(()), wake: false))
      }
      return (.bytes(part), .none)
    }
    switch self.answer {
    case .open, .begun: return (.nothing, .none)
    case .finished(let trailers): return (.end(trailers: trailers), .none)
    case .cutOff: return (.cutOff, .none)
    }
  }

  /// True when the loop does not know yet.
  private mutating func wakeOnce() -> Bool {
    defer { self.wakeIsPending = true }
    return !self.wakeIsPending
  }
}
