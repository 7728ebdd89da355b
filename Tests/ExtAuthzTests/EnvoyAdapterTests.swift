import Foundation
import Gate
import Octets
import Proto
import Testing
import Transport

@testable import ExtAuthz

@Suite("Envoy's adapter")
struct EnvoyAdapterTests {
  let house: House

  init() throws { self.house = try House() }

  func ask(_ bytes: [UInt8], trust: ProxyTrust = .network, metadata: FieldList = FieldList()) async throws
    -> CheckResponse
  {
    var settings = EnvoyAdapter.Settings()
    settings.trust = trust
    let adapter = EnvoyAdapter(desk: self.house.desk, settings: settings)
    let message = GRPCMessage(bytes: bytes[...], deadline: nil, peer: .loopback, metadata: metadata)
    guard case .message(let answer, _) = await adapter.check(message).value() else { throw Unexpected() }
    return try CheckResponse(wire: answer)
  }

  func status(_ response: CheckResponse) throws -> Int32 {
    switch response.answer {
    case .ok:
      #expect(response.code == 0)
      return 200
    case .denied(let denied):
      #expect(response.code != 0)
      return denied.status
    case .error, .none: throw Unexpected()
    }
  }

  @Test("the method has Envoy's full name")
  func name() {
    let adapter = EnvoyAdapter(desk: self.house.desk, settings: EnvoyAdapter.Settings())
    #expect(adapter.methods.keys.sorted() == ["/envoy.service.auth.v3.Authorization/Check"])
  }

  @Test(
    "a captured request is decided by its path",
    arguments: [
      ("s2-h1-plain-get", 200), ("s3-h2c-raw-headers-body", 402), ("s4-h1-large-cashu", 402),
      ("s5-h1-partial-body", 403),
    ] as [(String, Int32)])
  func captured(name: String, status: Int32) async throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Vectors/checkrequests/\(name).CheckRequest.bin")
    let response = try await self.ask(Array(try Data(contentsOf: url)))
    #expect(try self.status(response) == status)
  }

  @Test(
    "free passes, priced is 402, unknown is 403, ambiguous is 400",
    arguments: [
      ("/free/x", 200), ("/paid/x?a=b", 402), ("/nowhere", 403), ("/never/x", 403), ("/free/%2e%2e%2fx", 400),
    ] as [(String, Int32)])
  func decisions(path: String, status: Int32) async throws {
    #expect(try self.status(await self.ask(CheckRequestWire(path: path).bytes)) == status)
  }

  @Test("an offer while the mint is down is a denied 503 with Retry-After")
  func outage() async throws {
    let request = CheckRequestWire(path: "/paid/x", headers: [("x-coin", "c")])
    guard case .denied(let denied) = try await self.ask(request.bytes).answer else { throw Unexpected() }
    #expect(denied.status == 503)
    #expect(denied.headers.first { $0.name == "retry-after" }?.value == "7")
  }

  @Test("two Host lines, which Envoy joins, are refused, and no host is fine")
  func hosts() async throws {
    #expect(
      try self.status(await self.ask(CheckRequestWire(path: "/free/x", host: "good,evil").bytes)) == 400)
    #expect(try self.status(await self.ask(CheckRequestWire(path: "/free/x", host: "").bytes)) == 200)
    #expect(
      try self.status(await self.ask(CheckRequestWire(path: "/host/x", host: "a.example:8443").bytes)) == 200)
    #expect(try self.status(await self.ask(CheckRequestWire(path: "/host/x", host: "").bytes)) == 403)
  }

  @Test("path and method in the header map are not heard")
  func pseudoHeaders() async throws {
    let lies = [
      (":path", "/free/x"), (":method", "OPTIONS"), (":authority", "free"), ("x-original-uri", "/free/x"),
    ]
    #expect(try self.status(await self.ask(CheckRequestWire(path: "/paid/x", headers: lies).bytes)) == 402)
    #expect(try self.status(await self.ask(CheckRequestWire(path: "", headers: lies).bytes)) == 400)
    #expect(
      try self.status(await self.ask(CheckRequestWire(method: "", path: "/free/x", headers: lies).bytes))
        == 400)
  }

  @Test("a tier of the context extensions chooses its route, another extension carries nothing")
  func tier() async throws {
    #expect(try self.status(await self.ask(CheckRequestWire(path: "/tier/x").bytes)) == 403)
    let gold = CheckRequestWire(path: "/tier/x", extensions: [("tier", "gold"), ("price", "0")])
    #expect(try self.status(await self.ask(gold.bytes)) == 200)
    let unknown = CheckRequestWire(path: "/free/x", extensions: [("tier", "platinum")])
    #expect(try self.status(await self.ask(unknown.bytes)) == 403)
    let header = CheckRequestWire(path: "/tier/x", headers: [("tier", "gold")])
    #expect(try self.status(await self.ask(header.bytes)) == 403)
    let priced = CheckRequestWire(path: "/paid/x", extensions: [("price", "0"), ("amount", "0")])
    #expect(try self.status(await self.ask(priced.bytes)) == 402)
  }

  @Test(
    "what is no CheckRequest is a denial in a successful call: a gRPC error would be let through by failure_mode_allow"
  )
  func malformed() async throws {
    for bytes in [[0xFF], [0x0A, 0x05, 0x01], []] as [[UInt8]] {
      #expect(try self.status(await self.ask(bytes)) == 400)
    }
  }

  @Test("a caller without the secret is a denied 403")
  func stranger() async throws {
    let trust = ProxyTrustTests.trust(KnownProxy(secret: ProxyTrustTests.secret))
    let request = CheckRequestWire(path: "/free/x", headers: [("turnpike-proxy", ProxyTrustTests.secret)])
      .bytes
    #expect(try self.status(await self.ask(request, trust: trust)) == 403)
    let metadata = FieldList([("turnpike-proxy", ProxyTrustTests.secret)])
    #expect(try self.status(await self.ask(request, trust: trust, metadata: metadata)) == 200)
  }

  @Test("our credentials are taken off, the app's own are left")
  func credentials() async throws {
    func removed(_ headers: [(String, String)]) async throws -> (removed: [String], cookie: String?) {
      let response = try await self.ask(CheckRequestWire(path: "/free/x", headers: headers).bytes)
      guard case .ok(let ok) = response.answer else { throw Unexpected() }
      return (ok.headersToRemove, ok.headers.first { $0.name == "cookie" }?.value)
    }
    let own = try await removed([("authorization", "Bearer mine"), ("cookie", "a=1; b=2")])
    #expect(own.removed.contains("x-coin") && own.removed.contains("turnpike-pass"))
    #expect(!own.removed.contains("authorization") && !own.removed.contains("cookie"))
    #expect(own.cookie == nil)
    let offer = try await removed([("authorization", "Coin c1"), ("cookie", "a=1; turnpike_pass=tp1.x; b=2")])
    #expect(offer.removed.contains("authorization"))
    #expect(offer.cookie == "a=1; b=2")
    let only = try await removed([("cookie", "turnpike_pass=tp1.x")])
    #expect(only.removed.contains("cookie"))
  }

  @Test("a gRPC caller's refusal has a short body")
  func grpcCaller() async throws {
    let request = CheckRequestWire(path: "/paid/x", headers: [("content-type", "application/grpc+proto")])
    guard case .denied(let denied) = try await self.ask(request.bytes).answer else { throw Unexpected() }
    #expect(String(decoding: denied.body, as: UTF8.self) == "payment_required")
    #expect(denied.headers.contains { $0.name == "x-coin" })
  }

  @Test("the free page and the 402 are answered without waiting", arguments: ["/free/x", "/paid/x"])
  func fastPath(path: String) throws {
    let adapter = EnvoyAdapter(desk: self.house.desk, settings: EnvoyAdapter.Settings())
    let bytes = CheckRequestWire(path: path).bytes
    let message = GRPCMessage(bytes: bytes[...], deadline: nil, peer: .loopback, metadata: FieldList())
    guard case .now = adapter.check(message) else { throw Unexpected() }
  }
}

/// A `CheckRequest` written by hand.
struct CheckRequestWire {
  var method = "GET"
  var path: String
  var host = "a.example"
  var headers: [(String, String)] = []
  var extensions: [(String, String)] = []
  var sourceAddress: String?

  var bytes: [UInt8] {
    let http =
      Self.field(2, self.method) + self.headers.flatMap { Self.entry(3, $0) } + Self.field(4, self.path)
      + Self.field(5, self.host)
    let source = self.sourceAddress.map {
      Self.field(1, Self.field(1, Self.field(1, Self.field(2, $0))))
    }
    let attributes =
      (source ?? []) + Self.field(4, Self.field(2, http)) + self.extensions.flatMap { Self.entry(10, $0) }
    return Self.field(1, attributes)
  }

  private static func entry(_ number: UInt8, _ pair: (String, String)) -> [UInt8] {
    self.field(number, self.field(1, pair.0) + self.field(2, pair.1))
  }

  private static func field(_ number: UInt8, _ text: String) -> [UInt8] {
    self.field(number, Array(text.utf8))
  }

  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    precondition(bytes.count < 1 << 14, "The helper writes lengths of one or two bytes.")
    let length = UInt16(bytes.count)
    return [number << 3 | 2]
      + (length < 128 ? [UInt8(length)] : [UInt8(length & 127) | 128, UInt8(length >> 7)]) + bytes
  }
}
