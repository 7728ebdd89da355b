import NIOCore

@testable import Transport

/// Runs the work of a conversation when the test says so, without a loop.
final class MemoryHost: ConversationHost {
  private var pending: [(work: @Sendable () async -> HTTPResponse, finish: (HTTPResponse) -> Void)] = []
  private(set) var streams:
    [(stream: HTTPStream, task: @Sendable (HTTPStream) async -> Void, progress: () -> Void)] = []
  var isFull = false

  var pendingCount: Int { self.pending.count }

  func start(
    _ work: @escaping @Sendable () async -> HTTPResponse,
    then finish: @escaping (HTTPResponse) -> Void
  ) -> Bool {
    if self.isFull { return false }
    self.pending.append((work, finish))
    return true
  }

  func start(
    _ task: @escaping @Sendable (HTTPStream) async -> Void,
    progress: @escaping () -> Void
  ) -> HTTPStream? {
    if self.isFull { return nil }
    let stream = HTTPStream(capacityBytes: 64 * 1024) {}
    self.streams.append((stream, task, progress))
    return stream
  }

  /// Runs what is waiting, in order.
  func runPending() async {
    let jobs = self.pending
    self.pending = []
    for job in jobs { job.finish(await job.work()) }
  }

  /// Runs the tasks of all streams, whose bodies must be whole, and lets the conversation see the outcome.
  func runStreams() async {
    let all = self.streams
    self.streams = []
    for one in all {
      await one.task(one.stream)
      one.stream.taskEnded()
      one.progress()
    }
  }
}

extension ConversationSetup {
  static func testing(
    _ service: any HTTPService,
    limits: Limits = Limits(),
    observer: any TransportObserver = TransportCounters()
  ) -> ConversationSetup {
    ConversationSetup(
      service: service, limits: limits, timeouts: .init(limits), observer: observer,
      peer: Peer(address: .ipv4([127, 0, 0, 1]), port: 1))
  }
}

extension Conversation {
  func receive(_ bytes: [UInt8], now: NIODeadline = .uptimeNanoseconds(1)) {
    unsafe bytes.withUnsafeBytes { unsafe self.receive($0, now: now) }
  }

  /// Everything the conversation has to say.
  func output() -> (bytes: [UInt8], answers: [AnswerMark]) {
    var bytes: [UInt8] = []
    var answers: [AnswerMark] = []
    while true {
      var buffer = ByteBuffer()
      self.produce(into: &buffer, max: 48 * 1024, answers: &answers)
      if buffer.readableBytes == 0 { return (bytes, answers) }
      bytes.append(contentsOf: buffer.readableBytesView)
    }
  }

  func outputText() -> String { String(decoding: self.output().bytes, as: UTF8.self) }
}
