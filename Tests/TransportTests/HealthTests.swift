import NIOCore
import Octets
import Testing

@testable import Transport

@Suite struct HealthTests {
  let board = HealthBoard(["": true, "a.A": false])

  func check(_ message: [UInt8]) -> HTTP2Client.Answer? {
    let pair = MemoryHTTP2(GRPCRouter(methods: HealthService.methods(self.board)))
    let id = pair.client.request(
      "/grpc.health.v1.Health/Check", method: "POST", fields: GRPCTests.fields,
      body: GRPCFraming.frame(message))
    pair.exchange()
    return pair.client.answers[id]
  }

  static func name(_ service: String) -> [UInt8] { [0x0A, UInt8(service.utf8.count)] + Array(service.utf8) }

  @Test("Check tells SERVING and NOT_SERVING of known services, NOT_FOUND of others")
  func checks() {
    #expect(self.check([])?.body == [0, 0, 0, 0, 2, 8, 1])
    #expect(self.check(Self.name("a.A"))?.body == [0, 0, 0, 0, 2, 8, 2])
    self.board.set("a.A", serving: true)
    #expect(self.check(Self.name("a.A"))?.body == [0, 0, 0, 0, 2, 8, 1])
    #expect(self.check(Self.name("b.B"))?.fields["grpc-status"] == "5")
  }

  @Test(
    "the request is read as protobuf says",
    arguments: [
      ([], ""), ([0x0A, 1, 0x61], "a"), ([0x0A, 1, 0x61, 0x0A, 1, 0x62], "b"),
      ([0x10, 0x96, 1, 0x0A, 1, 0x61], "a"),
      ([0x1D, 1, 2, 3, 4], ""), ([0x0A, 2, 0x61], nil), ([0x0A], nil), ([0x0A, 1, 0xFF], nil), ([0x0B], nil),
      ([0x02, 0], nil), ([0x10] + [UInt8](repeating: 0xFF, count: 10), nil), ([0x1D, 1], nil),
      ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], nil),
    ] as [([UInt8], String?)])
  func decodes(_ bytes: [UInt8], _ expected: String?) {
    #expect(HealthMessages.service(in: bytes[...]) == expected)
  }

  @Test("Watch tells the status now and at each change, and SERVICE_UNKNOWN of others")
  func watches() async {
    var known = self.board.statuses(of: "a.A").makeAsyncIterator()
    #expect(await known.next() == .notServing)
    self.board.set("a.A", serving: true)
    #expect(await known.next() == .serving)
    var unknown = self.board.statuses(of: "b.B").makeAsyncIterator()
    #expect(await unknown.next() == .serviceUnknown)
    self.board.set("b.B", serving: true)
    #expect(await unknown.next() == .serving)
    self.board.endWatches()
    #expect(await unknown.next() == nil)
  }

  @Test("Watch goes on over the wire until the watches end")
  func watchesOverTheWire() async {
    let pair = MemoryHTTP2(GRPCRouter(methods: HealthService.methods(self.board)))
    let id = pair.client.request(
      "/grpc.health.v1.Health/Watch", method: "POST", fields: GRPCTests.fields,
      body: GRPCFraming.frame(Self.name("b.B")))
    pair.exchange()
    self.board.endWatches()
    await pair.host.runStreams()
    pair.exchange()
    #expect(pair.client.answers[id]?.body == [0, 0, 0, 0, 2, 8, 3])
    #expect(pair.client.answers[id]?.fields["grpc-status"] == "14")
  }
}
