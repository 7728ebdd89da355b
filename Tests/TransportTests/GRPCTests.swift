import NIOCore
import Octets
import Synchronization
import Testing

@testable import Transport

@Suite struct GRPCTests {
  let deliveries = Deliveries()

  static let fields = [("content-type", "application/grpc"), ("te", "trailers")]

  var router: GRPCRouter {
    let deliveries = self.deliveries
    return GRPCRouter(
      methods: [
        "/t.T/Echo": .unary { .now(.message(Array($0.bytes), onDelivery: deliveries.note)) },
        "/t.T/Later": .unary { message in
          let bytes = Array(message.bytes)
          return .later { .message(bytes, onDelivery: deliveries.note) }
        },
        "/t.T/Fail": .unary { _ in .now(.status(GRPCStatus(.permissionDenied, "50% é\n"))) },
        "/t.T/Deadline": .unary { .now(.message($0.deadline == nil ? [0] : [1])) },
        "/t.T/Count": .serverStream { message, writer in
          for value in message.bytes {
            do throws(HTTPStreamError) {
              try await writer.write([value])
            } catch {
              deliveries.note(failure: error)
              return GRPCStatus(.cancelled)
            }
          }
          return message.bytes.isEmpty ? GRPCStatus(.notFound, "nothing") : .ok
        },
      ],
      maxMessageBytes: 1000)
  }

  func call(
    _ path: String,
    _ body: [UInt8],
    fields: [(String, String)] = GRPCTests.fields
  ) async -> HTTP2Client.Answer? {
    let pair = MemoryHTTP2(self.router)
    let id = pair.client.request(path, method: "POST", fields: fields, body: body)
    pair.exchange()
    await pair.host.runStreams()
    await pair.host.runPending()
    pair.exchange()
    return pair.client.answers[id]
  }

  @Test("a unary call is answered with a message and status 0 in the trailers")
  func unary() async {
    let answer = await self.call("/t.T/Echo", GRPCFraming.frame([1, 2, 3]))
    #expect(answer?.body == [0, 0, 0, 0, 3, 1, 2, 3])
    #expect(answer?.fields == [":status": "200", "content-type": "application/grpc", "grpc-status": "0"])
    #expect(answer?.isEnded == true)
    #expect(answer?.blocks == 2)
    #expect(self.deliveries.all == [.written])
    #expect(await self.call("/t.T/Later", GRPCFraming.frame([1]))?.body == [0, 0, 0, 0, 1, 1])
  }

  @Test("an answer goes through windows of a few bytes, framing and all", arguments: [1, 3, 5, 7])
  func tinyWindows(_ windowBytes: UInt32) {
    let pair = MemoryHTTP2(self.router, client: HTTP2Client(windowBytes: windowBytes))
    let message = [UInt8](0..<200)
    let id = pair.client.request(
      "/t.T/Echo", method: "POST", fields: Self.fields, body: GRPCFraming.frame(message))
    pair.exchange()
    #expect(pair.client.answers[id]?.body == GRPCFraming.frame(message))
    #expect(pair.client.answers[id]?.fields["grpc-status"] == "0")
  }

  @Test("a status is a trailers-only answer with its message percent-encoded")
  func status() async {
    let answer = await self.call("/t.T/Fail", GRPCFraming.frame([]))
    #expect(answer?.fields["grpc-status"] == "7")
    #expect(answer?.fields["grpc-message"] == "50%25 %C3%A9%0A")
    #expect(answer?.body == [])
    #expect(answer?.blocks == 1)
  }

  @Test(
    "a body that is not exactly one plain message is refused",
    arguments: [
      ([], "3"), ([0, 0, 0], "3"), ([0, 0, 0, 0, 2, 1], "3"), ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "3"),
      ([1, 0, 0, 0, 1, 1], "12"), ([2, 0, 0, 0, 0], "13"), ([0, 0xFF, 0xFF, 0xFF, 0xFF], "8"),
      ([0, 0, 0, 3, 0xE9] + [UInt8](repeating: 0, count: 1001), "8"),
    ] as [([UInt8], String)])
  func framing(_ body: [UInt8], _ status: String) async {
    let answer = await self.call("/t.T/Echo", body)
    #expect(answer?.fields["grpc-status"] == status)
    #expect(answer?.fields["grpc-message"] != nil)
    let streamed = await self.call("/t.T/Count", body)
    #expect(streamed?.fields["grpc-status"] == status)
  }

  @Test("a message of the greatest length passes")
  func greatest() async {
    let message = [UInt8](repeating: 7, count: 1000)
    #expect(await self.call("/t.T/Echo", GRPCFraming.frame(message))?.body.count == 1005)
  }

  @Test("a body far over the limit is RESOURCE_EXHAUSTED before it ends")
  func tooLong() {
    let pair = MemoryHTTP2(self.router)
    let body = [0, 0, 1, 0, 0] + [UInt8](repeating: 0, count: 2000)
    let id = pair.client.request("/t.T/Echo", method: "POST", fields: Self.fields, body: body, ends: false)
    pair.exchange()
    #expect(pair.client.answers[id]?.fields["grpc-status"] == "8")
  }

  @Test(
    "what is not a gRPC call we know is refused in its own way",
    arguments: [
      ("/t.T/Nope", "POST", "application/grpc", "200", "12"),
      ("/", "POST", "application/grpc+proto", "200", "12"),
      ("/t.T/Echo", "POST", "application/json", "415", nil),
      ("/t.T/Echo", "POST", "application/grpc-web", "415", nil),
      ("/t.T/Echo", "PUT", "application/grpc", "405", nil),
      ("/t.T/Echo", "POST", "Application/gRPC;x=y", "200", "0"),
    ] as [(String, String, String, String, String?)])
  func refusals(_ path: String, _ method: String, _ type: String, _ status: String, _ grpc: String?) {
    let pair = MemoryHTTP2(self.router)
    let id = pair.client.request(
      path, method: method, fields: [("content-type", type)], body: GRPCFraming.frame([1]))
    pair.exchange()
    #expect(pair.client.answers[id]?.fields[":status"] == status)
    #expect(pair.client.answers[id]?.fields["grpc-status"] == grpc)
  }

  @Test("a compressed call is UNIMPLEMENTED and told what is taken; identity passes")
  func compression() async {
    let gzip = await self.call(
      "/t.T/Echo", GRPCFraming.frame([1]), fields: Self.fields + [("grpc-encoding", "gzip")])
    #expect(gzip?.fields["grpc-status"] == "12")
    #expect(gzip?.fields["grpc-accept-encoding"] == "identity")
    let identity = await self.call(
      "/t.T/Echo", GRPCFraming.frame([1]), fields: Self.fields + [("grpc-encoding", "identity")])
    #expect(identity?.fields["grpc-status"] == "0")
  }

  @Test("gRPC over HTTP/1 is refused")
  func overHTTP1() {
    let connection = HTTP1Connection(
      setup: .testing(self.router), host: MemoryHost(), now: .uptimeNanoseconds(0))
    let text =
      "POST /t.T/Echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n"
    connection.receive(Array(text.utf8))
    #expect(connection.outputText().hasPrefix("HTTP/1.1 505 "))
  }

  // MARK: deadlines

  @Test(
    "grpc-timeout has one to eight digits and a unit",
    arguments: [
      ("1H", .seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)),
      ("99999999m", .milliseconds(99_999_999)),
      ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("", nil), ("S", nil), ("123456789S", nil),
      ("1", nil),
      ("-1S", nil), ("1s", nil), ("1 S", nil), ("١S", nil),
    ] as [(String, Duration?)])
  func timeouts(_ text: String, _ expected: Duration?) {
    #expect(GRPCFields.timeout(Array(text.utf8)[...]) == expected)
  }

  @Test("a handler sees the deadline; a timeout that cannot be read is refused")
  func deadlines() async {
    func status(_ timeout: String) async -> HTTP2Client.Answer? {
      await self.call(
        "/t.T/Deadline", GRPCFraming.frame([]), fields: Self.fields + [("grpc-timeout", timeout)])
    }
    #expect(await status("1H")?.body.last == 1)
    #expect(await status("1x")?.fields["grpc-status"] == "13")
    #expect(await self.call("/t.T/Deadline", GRPCFraming.frame([]))?.body.last == 0)
  }

  @Test("an answer later than its deadline is DEADLINE_EXCEEDED and then lost")
  func exceeded() async {
    let pair = MemoryHTTP2(self.router)
    let fields = Self.fields + [("grpc-timeout", "5S")]
    let id = pair.client.request("/t.T/Later", method: "POST", fields: fields, body: GRPCFraming.frame([1]))
    pair.exchange()
    pair.advance(.seconds(4))
    #expect(pair.client.answers[id] == nil)
    pair.advance(.seconds(2))
    #expect(pair.client.answers[id]?.fields["grpc-status"] == "4")
    await pair.host.runPending()
    #expect(self.deliveries.all == [.lost])
  }

  // MARK: server streams

  @Test("a server stream sends its messages and then its status")
  func streams() async {
    let answer = await self.call("/t.T/Count", GRPCFraming.frame([7, 8]))
    #expect(answer?.body == [0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 8])
    #expect(answer?.fields["grpc-status"] == "0")
  }

  @Test("a server stream without a message is a trailers-only answer")
  func emptyStream() async {
    let answer = await self.call("/t.T/Count", GRPCFraming.frame([]))
    #expect(answer?.body == [])
    #expect(answer?.fields["grpc-status"] == "5")
    #expect(answer?.fields["grpc-message"] == "nothing")
    #expect(answer?.blocks == 1)
    #expect(answer?.isEnded == true)
  }

  @Test("a server stream past its deadline ends with DEADLINE_EXCEEDED, and its task is told")
  func streamExceeds() async {
    let pair = MemoryHTTP2(self.router)
    let fields = Self.fields + [("grpc-timeout", "1n")]
    let id = pair.client.request("/t.T/Count", method: "POST", fields: fields, body: GRPCFraming.frame([1]))
    pair.exchange()
    pair.advance(.seconds(1))
    #expect(pair.client.answers[id]?.fields["grpc-status"] == "4")
    #expect(pair.client.answers[id]?.isEnded == true)
    #expect(pair.client.answers[id]?.blocks == 1)
  }
}
