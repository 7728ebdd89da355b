import NIOCore
import Testing

@testable import Transport

/// Any bytes may come from outside; none may trap, and every conversation stays within its bounds.
@Suite struct FuzzTests {
  /// SplitMix64: the same seed gives the same bytes everywhere.
  struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      self.state &+= 0x9E37_79B9_7F4A_7C15
      var z = self.state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }

  static let http1 = Array(
    """
    POST /stream-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
    GET /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi\
    HEAD http://a/later HTTP/1.1\r\nHost: a\r\n\r\n
    """.utf8)

  /// What a client sends for a few requests.
  static var http2: [UInt8] {
    let client = HTTP2Client()
    client.request("/x", method: "POST", body: [UInt8](repeating: 1, count: 100))
    client.request("/stream-echo", method: "POST", body: [UInt8](repeating: 1, count: 300))
    let reset = client.request("/later", fields: [("host", "test"), ("grpc-timeout", "1S")])
    client.ping()
    let begin = client.output()
    client.reset(reset)
    client.request("/t.T/Echo", method: "POST", fields: GRPCTests.fields, body: GRPCFraming.frame([1]))
    return begin + client.output()
  }

  static func mutate(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var out = bytes
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let index = Int.random(in: 0..<max(1, out.count), using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where !out.isEmpty: out[index] = UInt8.random(in: 0...255, using: &random)
      case 1 where !out.isEmpty: out[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: out.insert(UInt8.random(in: 0...255, using: &random), at: min(index, out.count))
      case 3 where !out.isEmpty: out.remove(at: index)
      case 4: out.removeLast(Int.random(in: 0...(out.count / 4), using: &random))
      default:
        let length = Int.random(in: 0...min(40, out.count), using: &random)
        out.insert(contentsOf: bytes.prefix(length), at: min(index, out.count))
      }
    }
    return out
  }

  /// Feeds `bytes` in random pieces, lets time pass and work end, and drops the connection.
  static func converse(_ bytes: [UInt8], _ make: (MemoryHost) -> any Conversation, _ random: inout Seeded)
    async
  {
    let host = MemoryHost()
    let conversation = make(host)
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var rest = bytes[...]
    var deliveries = 0
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 1...400, using: &random))
      rest.removeFirst(piece.count)
      conversation.receive(Array(piece), now: now)
      deliveries += conversation.output().answers.count
      if Int.random(in: 0..<8, using: &random) == 0 {
        await host.runPending()
        now = now + .seconds(Int64.random(in: 0...40, using: &random))
        if conversation.nextTimeout <= now { conversation.timeOut(now: now) }
        _ = conversation.output()
      }
      if conversation.isFinished { break }
    }
    if Bool.random(using: &random) { conversation.drain(now: now) }
    await host.runPending()
    conversation.connectionLost()
    await host.runPending()
    await host.runStreams()
  }

  @Test("HTTP/1 conversations with mistakes never trap", arguments: 0..<20 as Range<UInt64>)
  func http1Mutations(_ seed: UInt64) async {
    var random = Seeded(state: seed)
    for _ in 0..<100 {
      await Self.converse(Self.mutate(Self.http1, &random), Self.makeHTTP1, &random)
    }
  }

  @Test("HTTP/2 conversations with mistakes never trap", arguments: 0..<20 as Range<UInt64>)
  func http2Mutations(_ seed: UInt64) async {
    var random = Seeded(state: seed)
    let valid = Self.http2
    for _ in 0..<100 {
      await Self.converse(Self.mutate(valid, &random), Self.makeHTTP2, &random)
    }
  }

  @Test("random bytes never trap", arguments: 0..<10 as Range<UInt64>)
  func noise(_ seed: UInt64) async {
    var random = Seeded(state: seed)
    for _ in 0..<50 {
      let bytes = (0..<Int.random(in: 0...600, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      await Self.converse(bytes, Self.makeHTTP1, &random)
      await Self.converse(bytes, Self.makeHTTP2, &random)
      await Self.converse(HTTP2AbuseTests.preface + bytes, Self.makeHTTP2, &random)
      await Self.converse(HTTP2AbuseTests.preface + HTTP2AbuseTests.frame(4) + bytes, Self.makeHTTP2, &random)
      _ = GRPCFraming.message(in: bytes, maxBytes: 100)
      _ = HealthMessages.service(in: bytes[...])
      _ = GRPCFields.timeout(bytes[...])
    }
  }

  @Test(
    "frames of every type with random flags, streams and payloads never trap",
    arguments: 0..<20 as Range<UInt64>)
  func frames(_ seed: UInt64) async {
    var random = Seeded(state: seed)
    for _ in 0..<50 {
      var bytes = HTTP2AbuseTests.preface + HTTP2AbuseTests.frame(4)
      for _ in 0..<Int.random(in: 1...30, using: &random) {
        let isHead = Int.random(in: 0..<3, using: &random) == 0
        let payload =
          isHead
          ? HTTP2AbuseTests.request
          : (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
          }
        bytes += HTTP2AbuseTests.frame(
          isHead ? 1 : UInt8.random(in: 0...12, using: &random),
          flags: UInt8.random(in: 0...63, using: &random),
          stream: UInt32.random(in: 0...12, using: &random), payload)
      }
      await Self.converse(bytes, Self.makeHTTP2, &random)
    }
  }

  static func makeHTTP1(_ host: MemoryHost) -> any Conversation {
    HTTP1Connection(setup: .testing(ScriptedService()), host: host, now: .uptimeNanoseconds(0))
  }

  static func makeHTTP2(_ host: MemoryHost) -> any Conversation {
    HTTP2Connection(
      setup: .testing(ScriptedService()), pool: HTTP2StreamPool(), host: host, now: .uptimeNanoseconds(0))
  }
}
