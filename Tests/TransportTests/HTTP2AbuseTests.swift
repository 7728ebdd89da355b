import NIOCore
import Octets
import Testing

@testable import Transport

@Suite struct HTTP2AbuseTests {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = payload.count
    return [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
      + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + payload
  }

  /// `:method GET`, `:scheme http`, `:path /` from the static table, `:authority a` (RFC 7541 appendix A).
  static let request: [UInt8] = [0x82, 0x86, 0x84, 0x41, 0x01, 0x61]

  static func server(_ limits: Limits = Limits()) -> MemoryHTTP2 {
    MemoryHTTP2(ScriptedService(), limits: limits)
  }

  /// A conversation that speaks raw frames.
  final class Raw {
    let counters = TransportCounters()
    let host = MemoryHost()
    let connection: HTTP2Connection
    let client = HTTP2Client()
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    init(_ limits: Limits = Limits()) {
      self.connection = HTTP2Connection(
        setup: .testing(ScriptedService(), limits: limits, observer: self.counters), pool: HTTP2StreamPool(),
        host: self.host, now: self.now)
      _ = self.client.output()
      self.send(HTTP2AbuseTests.preface + HTTP2AbuseTests.frame(4))
    }

    func send(_ bytes: [UInt8]) {
      self.connection.receive(bytes, now: self.now)
      self.client.receive(self.connection.output().bytes)
    }

    /// The error code of the last GOAWAY.
    var goAway: UInt32? { self.client.inbox.goAways.last?.code }
  }

  @Test("streams opened and reset at once end the connection with ENHANCE_YOUR_CALM; a few do not")
  func rapidReset() {
    var limits = Limits()
    limits.resetsPerSecond = 20
    let raw = Raw(limits)
    func openAndReset(_ range: Range<UInt32>) {
      for index in range where !raw.connection.isFinished {
        let id = index * 2 + 1
        raw.send(Self.frame(1, flags: 5, stream: id, Self.request) + Self.frame(3, stream: id, [0, 0, 0, 8]))
      }
    }
    openAndReset(0..<20)
    #expect(raw.goAway == nil)
    raw.now = raw.now + .seconds(1)
    openAndReset(20..<40)
    #expect(raw.goAway == nil)
    openAndReset(40..<41)
    #expect(raw.goAway == HTTP2ErrorCode.enhanceYourCalm.rawValue)
    #expect(raw.connection.isFinished)
    #expect(raw.counters.count(of: .limit) == 1)
  }

  @Test("a peer that makes us reset streams is stopped too")
  func madeYouReset() {
    var limits = Limits()
    limits.resetsPerSecond = 20
    let raw = Raw(limits)
    for index in 0..<40 as Range<UInt32> where !raw.connection.isFinished {
      let id = index * 2 + 1
      // A field that belongs to HTTP/1 is a stream error (RFC 9113 §8.2.2).
      raw.send(Self.frame(1, flags: 4, stream: id, Self.request + [0, 2, 0x74, 0x65, 1, 0x78]))
    }
    #expect(raw.counters.count(of: .limit) + raw.counters.count(of: .protocolError) > 20)
    #expect(raw.connection.isFinished)
  }

  @Test(
    "floods of control frames end the connection",
    arguments: [
      Self.frame(6, [UInt8](repeating: 0, count: 8)), Self.frame(4),
      Self.frame(2, stream: 1, [0, 0, 0, 0, 0]),
    ])
  func controlFloods(_ frame: [UInt8]) {
    var limits = Limits()
    limits.controlFramesPerSecond = 50
    let raw = Raw(limits)
    for _ in 0..<40 { raw.send(frame) }
    #expect(!raw.connection.isFinished)
    for _ in 0..<20 { raw.send(frame) }
    #expect(raw.counters.count(of: .limit) == 1)
    #expect(raw.connection.isFinished)
  }

  @Test("empty DATA frames end the connection")
  func emptyData() {
    var limits = Limits()
    limits.controlFramesPerSecond = 50
    let raw = Raw(limits)
    raw.send(Self.frame(1, flags: 4, stream: 1, Self.request))
    for _ in 0..<60 { raw.send(Self.frame(0, stream: 1)) }
    #expect(raw.goAway == HTTP2ErrorCode.enhanceYourCalm.rawValue)
  }

  @Test("a header list over the limit is 431, the next request is served")
  func largeHeader() {
    var limits = Limits()
    limits.headerBytes = 1000
    let pair = MemoryHTTP2(ScriptedService(), limits: limits)
    let large = pair.client.request("/x", fields: [("x-large", String(repeating: "x", count: 1000))])
    let small = pair.client.request("/y", fields: [("x-small", String(repeating: "x", count: 700))])
    pair.exchange()
    #expect(pair.client.answers[large]?.fields[":status"] == "431")
    #expect(pair.client.answers[small]?.fields[":status"] == "200")
  }

  @Test("too many fields are 431")
  func manyFields() {
    var limits = Limits()
    limits.headerCount = 10
    let pair = MemoryHTTP2(ScriptedService(), limits: limits)
    let id = pair.client.request("/x", fields: (0..<10).map { ("x-\($0)", "y") })
    pair.exchange()
    #expect(pair.client.answers[id]?.fields[":status"] == "431")
  }

  @Test("an HPACK bomb, one entry named again and again, ends the connection")
  func headerBomb() {
    let raw = Raw()
    // A literal of 4 000 bytes goes into the dynamic table, then index 62 names it 8 000 times: 32 MB.
    let literal: [UInt8] = [0x40, 0x01, 0x78, 0x7F, 0xA1, 0x1E] + [UInt8](repeating: 0x61, count: 4000)
    let bomb = Self.request + literal + [UInt8](repeating: 0xBE, count: 8000)
    raw.send(Self.frame(1, flags: 5, stream: 1, bomb))
    #expect(raw.connection.isFinished)
    #expect(raw.client.answers[1]?.fields[":status"] != "200")
  }

  @Test("a header of a megabyte ends the connection")
  func continuationFlood() {
    let raw = Raw()
    raw.send(Self.frame(1, flags: 1, stream: 1, Self.request))
    for _ in 0..<64 {
      raw.send(
        Self.frame(
          9, stream: 1, [0x00, 0x01, 0x78, 0x7F, 0x81, 0x7F] + [UInt8](repeating: 0x61, count: 16_256)))
    }
    #expect(raw.connection.isFinished)
  }

  @Test("a header block that does not end is cut off in time")
  func slowHeader() {
    let raw = Raw()
    raw.send(Self.frame(1, flags: 1, stream: 1, Self.request))
    #expect(raw.connection.nextTimeout == raw.now + .seconds(10))
    raw.connection.timeOut(now: raw.now + .seconds(9))
    #expect(!raw.connection.isFinished)
    raw.connection.timeOut(now: raw.now + .seconds(10))
    raw.client.receive(raw.connection.output().bytes)
    #expect(raw.goAway == HTTP2ErrorCode.enhanceYourCalm.rawValue)
    #expect(raw.connection.isFinished)
  }

  @Test("one stream over the limit that was acknowledged ends the connection, those within it do not")
  func concurrentStreams() {
    var limits = Limits()
    limits.concurrentStreams = 3
    let raw = Raw(limits)
    raw.send(Self.frame(4, flags: 1))
    for id in [1, 3, 5] as [UInt32] { raw.send(Self.frame(1, flags: 4, stream: id, Self.request)) }
    #expect(raw.goAway == nil)
    raw.send(Self.frame(1, flags: 4, stream: 7, Self.request))
    #expect(raw.goAway == 1)
  }

  @Test(
    "what is not HTTP/2 ends the connection",
    arguments: [Array("PRI * HTTP/1.1\r\n\r\n".utf8), Self.preface + [9, 9, 9, 9]])
  func garbage(_ bytes: [UInt8]) {
    let raw = HTTP2Connection(
      setup: .testing(ScriptedService()), pool: HTTP2StreamPool(), host: MemoryHost(),
      now: .uptimeNanoseconds(0))
    raw.receive(bytes + [UInt8](repeating: 0xFF, count: 40_000))
    _ = raw.output()
    #expect(raw.isFinished)
  }

  @Test(
    "fields that HTTP/2 forbids are refused",
    arguments: [
      ("connection", "close"), ("transfer-encoding", "chunked"), ("X-Upper", "y"), ("x space", "y"),
      ("x", "a\nb"),
      ("te", "gzip"), (":path", "/again"), ("content-length", "5"),
    ])
  func forbiddenFields(_ name: String, _ value: String) {
    let raw = Raw()
    let field: [UInt8] =
      [0x00, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    raw.send(Self.frame(1, flags: 5, stream: 1, Self.request + field))
    #expect(raw.client.answers[1]?.fields[":status"] == nil)
    #expect(raw.counters.count(of: .protocolError) == 1)
  }
}
