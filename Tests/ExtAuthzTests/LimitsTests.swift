import Gate
import Octets
import Proto
import Testing
import Transport

@testable import ExtAuthz

@Suite("Free quotas and limits through every adapter")
struct LimitsTests {
  static func ask(_ house: House, _ request: HTTPRequest) async -> HTTPResponse {
    await ProxyAdapters(desk: house.desk, settings: ProxyAdapters.Settings()).respond(to: request).value()
  }

  static func envoy(_ house: House, _ target: String, from address: String) async throws
    -> CheckResponse.Answer
  {
    let adapter = EnvoyAdapter(desk: house.desk, settings: EnvoyAdapter.Settings())
    let bytes = CheckRequestWire(path: target, sourceAddress: address).bytes
    let message = GRPCMessage(bytes: bytes[...], deadline: nil, peer: .loopback, metadata: FieldList())
    guard case .message(let answer, _) = await adapter.check(message).value() else { throw Unexpected() }
    return try CheckResponse(wire: answer).answer
  }

  @Test("a client passes unpaid while its quota lasts, each client by its own", arguments: Door.all)
  func quota(door: Door) async throws {
    let house = try House()
    func ask(_ address: String?) async -> HTTPResponse {
      let more = address.map { [(door.addressField, $0)] } ?? []
      return await Self.ask(house, door.request("/quota/x", and: more))
    }
    for _ in 0..<2 {
      let free = await ask("192.0.2.1")
      #expect(free.status == 200)
      #expect(free.fields.text("x-payment-verified") == "")
    }
    #expect(await ask("192.0.2.1").fields.text("turnpike-reason") == "payment_required")
    #expect(await ask("192.0.2.2").status == 200)
    #expect(await ask(nil).fields.text("turnpike-reason") == "payment_required")
    for _ in 0..<2 { #expect(await ask("2001:db8::1").status == 200) }
    #expect(await ask("2001:db8::2").status == door.refusal)
    #expect(await ask("2001:db8:0:1::1").status == 200)
  }

  @Test("Envoy's clients have a quota too")
  func envoyQuota() async throws {
    let house = try House()
    for _ in 0..<2 {
      guard case .ok(let ok) = try await Self.envoy(house, "/quota/x", from: "192.0.2.1") else {
        throw Unexpected()
      }
      #expect(ok.headersToRemove.contains("x-payment-verified"))
    }
    guard case .denied(let denied) = try await Self.envoy(house, "/quota/x", from: "192.0.2.1") else {
      throw Unexpected()
    }
    #expect(denied.status == 402)
  }

  @Test(
    "over the limit of unpaid demands a client hears 429, or 401 where only that is understood",
    arguments: Door.all)
  func limit(door: Door) async throws {
    let house = try House(challengeLimit: RequestLimit(requests: 2, per: .seconds(60)))
    func ask(_ address: String) async -> HTTPResponse {
      await Self.ask(house, door.request("/paid/x", and: [(door.addressField, address)]))
    }
    for _ in 0..<2 { #expect(await ask("192.0.2.1").fields.text("turnpike-reason") == "payment_required") }
    let over = await ask("192.0.2.1")
    #expect(over.status == (door.refusal == 401 ? 401 : 429))
    #expect(over.fields.text("turnpike-reason") == "too_many_requests")
    #expect(over.fields.text("retry-after") == "30")
    #expect(await ask("192.0.2.2").fields.text("turnpike-reason") == "payment_required")
    let free = await Self.ask(house, door.request("/free/x", and: [(door.addressField, "192.0.2.1")]))
    #expect(free.status == 200)
  }

  @Test("Envoy's clients are limited too")
  func envoyLimit() async throws {
    let house = try House(challengeLimit: RequestLimit(requests: 1, per: .seconds(60)))
    _ = try await Self.envoy(house, "/paid/x", from: "192.0.2.1")
    guard case .denied(let denied) = try await Self.envoy(house, "/paid/x", from: "192.0.2.1") else {
      throw Unexpected()
    }
    #expect(denied.status == 429)
    #expect(denied.headers.first { $0.name == "retry-after" }?.value == "30")
  }

  @Test("NGINX's second question repeats what the first decided, and counts nothing")
  func review() async throws {
    let house = try House(challengeLimit: RequestLimit(requests: 2, per: .seconds(60)))
    let question = Door.nginx("/paid/x", "GET", "a") + [("X-Real-IP", "192.0.2.1")]
    func check() async -> String? {
      await Self.ask(house, HTTPRequest("/nginx/check", question)).fields.text("turnpike-reason")
    }
    func challenge() async -> HTTPResponse {
      await Self.ask(house, HTTPRequest("/nginx/challenge", question))
    }
    #expect(await check() == "payment_required")
    for _ in 0..<5 { #expect(await challenge().status == 402) }
    #expect(await check() == "payment_required")
    #expect(await check() == "too_many_requests")
    let answer = await challenge()
    #expect(answer.status == 429)
    #expect(answer.fields.text("retry-after") == "30")
    let other = Door.nginx("/paid/x", "GET", "a") + [("X-Real-IP", "192.0.2.2")]
    #expect(await Self.ask(house, HTTPRequest("/nginx/challenge", other)).status == 402)
  }

  @Test("the default backend of ingress-nginx knows the client by the address its template writes")
  func backend() async throws {
    let house = try House(challengeLimit: RequestLimit(requests: 1, per: .seconds(60)))
    let check = Door.ingress("/paid/x", "GET", "a.example") + [("X-Real-IP", "192.0.2.1")]
    for _ in 0..<2 { _ = await Self.ask(house, HTTPRequest("/ingress-nginx/check", check)) }
    let backend = HTTPRequest(
      "/", [("X-Code", "401"), ("X-Original-URI", "/paid/x"), ("X-Forwarded-For", "192.0.2.1")],
      host: "a.example")
    #expect(await Self.ask(house, backend).status == 429)
  }
}

@Suite("The budget of header fields")
struct ChallengeBudgetTests {
  /// As long as real ones with two mints, a lock and two networks.
  static let cashu = Challenge.Field("X-Cashu", "creqA" + String(repeating: "a", count: 560))
  static let x402 = Challenge.Field("PAYMENT-REQUIRED", String(repeating: "b", count: 1_300))
  static let realm = Challenge.Field("WWW-Authenticate", #"Cashu realm="turnpike""#)

  static func answer(_ fields: [Challenge.Field], _ audience: Audience, cors: CORS? = nil) throws
    -> HTTPResponse
  {
    let route = Route(
      id: RouteID("r"), label: "/paid/**", pattern: try PathPattern("/paid/**"),
      access: .priced(House.tariff),
      cors: cors)
    let demand = Demand(
      .paymentRequired, quote: DecisionRow.quote,
      challenges: [Challenge(method: PaymentMethod("m"), fields: fields)])
    return HTTPDialect.direct.answer(to: Judgement(.paymentRequired(demand), route: route), for: audience)
  }

  @Test(
    "both schemes' fields fit beside each other, for a program and for a page of another origin",
    arguments: [0, 1])
  func realistic(client: Int) throws {
    var audience = Audience()
    audience.origin = Array("https://shop.example".utf8)
    if client == 1 { audience.client = .browser(PagePrinter()) }
    let answer = try Self.answer([Self.cashu, Self.realm, Self.x402], audience, cors: CORS(origins: .any))
    for name in ["x-cashu", "payment-required", "www-authenticate"] {
      #expect(answer.fields.names.contains(name), "\(name)")
    }
    #expect(answer.fields.byteCount + 4 * answer.fields.count <= 3_000)
  }

  @Test(
    "a long address gives way to the ways to pay: first its query, then its path",
    arguments: [
      ("/a?\(String(repeating: "q", count: 480))", "https://h.example/a"),
      ("/\(String(repeating: "p", count: 480))", "https://h.example/"),
    ])
  func longAddress(target: String, told: String) throws {
    var audience = Audience()
    audience.resource = "https://h.example\(target)"
    let challenge = Challenge(method: PaymentMethod("m")) { occasion in
      Challenge.Text(fields: [
        Self.cashu, .init("PAYMENT-REQUIRED", String(repeating: "b", count: 1_900) + occasion.resource),
      ])
    }
    let demand = Demand(.paymentRequired, quote: DecisionRow.quote, challenges: [challenge])
    let answer = HTTPDialect.direct.answer(
      to: Judgement(.paymentRequired(demand), route: nil), for: audience)
    #expect(answer.fields.text("payment-required")?.hasSuffix("b\(told)") == true)
    #expect(answer.fields.byteCount + 4 * answer.fields.count <= 3_000)
  }

  @Test("a policy whose challenge does not fit is found, one whose does is not")
  func overflows() throws {
    let routes = try RouteTable([
      Route(
        id: RouteID("r"), label: "/paid/**", pattern: try PathPattern("/paid/**"),
        access: .priced(House.tariff)),
      Route(id: RouteID("f"), label: "/free/**", pattern: try PathPattern("/free/**"), access: .free),
    ])
    let fits = Policy(routes: routes, fallback: .deny, verifiers: [CoinVerifier()])
    #expect(ChallengeBudget.overflows(of: fits).isEmpty)
    let large = Policy(routes: routes, fallback: .deny, verifiers: [CoinVerifier(request: 3_000)])
    let found = ChallengeBudget.overflows(of: large)
    #expect(found.map(\.route) == ["/paid/**"])
    #expect(found.first?.fields == ["X-Coin"])
    #expect(found.first.map { $0.bytes > 3_000 } == true)
  }
}

@Suite("What a challenge is told")
struct OccasionTests {
  static func resource(_ target: String, host: String?, _ link: Audience.Link = .secure) -> String {
    let request = AccessRequest(
      adapter: .envoy, method: .get, target: Array(target.utf8), host: host.map { Array($0.utf8) },
      id: [UInt8]?.none, client: nil, fields: FieldList())
    return Audience(request, link: link, wishes: FieldList(), printer: PagePrinter()).resource
  }

  @Test("the client's own address, whole and in visible characters")
  func resource() {
    #expect(Self.resource("/a?b=c", host: "h.example:8443") == "https://h.example:8443/a?b=c")
    #expect(Self.resource("/a", host: "h.example", .plain) == "http://h.example/a")
    #expect(Self.resource("/a", host: nil) == "/a")
    #expect(Self.resource("http://h.example/a", host: "h.example") == "http://h.example/a")
    #expect(Self.resource("/ä\u{1}", host: "h.example") == "https://h.example/%c3%a4%01")
  }

  @Test("a query, or a path, that would fill the head is left out")
  func long() {
    let long = String(repeating: "x", count: 600)
    #expect(Self.resource("/a?\(long)", host: "h.example") == "https://h.example/a")
    #expect(Self.resource("/\(long)", host: "h.example") == "https://h.example/")
  }
}
