import Gate
import Octets
import Testing
import Transport

@testable import ExtAuthz

/// A proxy's endpoint with a whole question for a target.
struct Door: CustomStringConvertible, Sendable {
  var path: String
  var question: @Sendable (_ target: String, _ method: String, _ host: String) -> [(String, String)]
  /// 402 or 401.
  var refusal: UInt16
  var description: String { self.path }

  /// In which field its proxy tells the client's address.
  var addressField: String { self.path == "/traefik" ? "X-Forwarded-For" : "X-Real-IP" }

  static let nginx: @Sendable (String, String, String) -> [(String, String)] = { target, method, _ in
    [("X-Original-URI", target), ("X-Original-Method", method)]
  }
  static let ingress: @Sendable (String, String, String) -> [(String, String)] = { target, method, host in
    [("X-Original-URL", "https://\(host)\(target)"), ("X-Original-Method", method)]
  }
  static let forwarded: @Sendable (String, String, String) -> [(String, String)] = { target, method, host in
    [
      ("X-Forwarded-Method", method), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", host),
      ("X-Forwarded-Uri", target),
    ]
  }

  static let all = [
    Door(path: "/nginx/check", question: nginx, refusal: 401),
    Door(path: "/nginx/accel", question: nginx, refusal: 402),
    Door(path: "/ingress-nginx/check", question: ingress, refusal: 401),
    Door(path: "/traefik", question: forwarded, refusal: 402),
    Door(path: "/caddy", question: forwarded, refusal: 402),
  ]

  func request(
    _ target: String, method: String = "GET", host: String = "a.example", and more: [(String, String)] = []
  ) -> HTTPRequest {
    HTTPRequest(self.path, self.question(target, method, host) + more, host: host)
  }
}

@Suite("The proxy listener")
struct ProxyAdaptersTests {
  let house: House

  init() throws { self.house = try House() }

  var adapters: ProxyAdapters { ProxyAdapters(desk: self.house.desk, settings: ProxyAdapters.Settings()) }

  func ask(_ request: HTTPRequest) async -> HTTPResponse { await self.adapters.respond(to: request).value() }

  @Test("a free page passes and an unpaid one does not", arguments: Door.all)
  func decisions(door: Door) async {
    let free = await self.ask(door.request("/free/page?q=1"))
    #expect(free.status == 200)
    #expect(free.fields.text("x-payment-verified") == "")
    let unpaid = await self.ask(door.request("/paid/page"))
    #expect(unpaid.status == door.refusal)
    #expect(unpaid.fields.text("turnpike-reason") == "payment_required")
    let none = await self.ask(door.request("/nowhere"))
    #expect(none.status == 403)
    #expect(none.fields.text("turnpike-reason") == "denied")
  }

  @Test("a free page is answered without waiting", arguments: Door.all)
  func fastPath(door: Door) throws {
    guard case .now(let response) = self.adapters.respond(to: door.request("/free/page")) else {
      throw Unexpected()
    }
    #expect(response.status == 200)
  }

  @Test("an offer while the mint is down is 503, or 401 where only that is understood", arguments: Door.all)
  func outage(door: Door) async {
    let answer = await self.ask(door.request("/paid/page", and: [("X-Coin", "coin1")]))
    #expect(answer.status == (door.refusal == 401 ? 401 : 503))
    #expect(answer.fields.text("turnpike-reason") == "outage")
    #expect(answer.fields.text("retry-after") == "7")
  }

  @Test("two offers are refused", arguments: Door.all)
  func twoOffers(door: Door) async {
    let answer = await self.ask(door.request("/paid/page", and: [("X-Coin", "a"), ("X-Coin", "b")]))
    #expect(answer.fields.text("turnpike-reason") == "two_offers")
  }

  @Test("a member that is missing is refused", arguments: Door.all)
  func missing(door: Door) async {
    let whole = door.question("/free/page", "GET", "a.example")
    for left in whole.indices {
      var part = whole
      part.remove(at: left)
      let answer = await self.ask(HTTPRequest(door.path, part, host: "a.example"))
      #expect(answer.status == (door.refusal == 401 ? 401 : 400), "without \(whole[left].0)")
      #expect(answer.fields.text("turnpike-reason") == "bad_request", "without \(whole[left].0)")
    }
  }

  @Test("a member that is empty is missing", arguments: Door.all)
  func empty(door: Door) async {
    let whole = door.question("/free/page", "GET", "a.example")
    for index in whole.indices {
      var part = whole
      part[index].1 = ""
      let answer = await self.ask(HTTPRequest(door.path, part, host: "a.example"))
      #expect(answer.fields.text("turnpike-reason") == "bad_request", "\(whole[index].0)")
    }
  }

  @Test("a member that is repeated is refused, even with one value", arguments: Door.all)
  func repeated(door: Door) async {
    let whole = door.question("/free/page", "GET", "a.example")
    for index in whole.indices {
      let answer = await self.ask(HTTPRequest(door.path, whole + [whole[index]], host: "a.example"))
      #expect(answer.fields.text("turnpike-reason") == "bad_request", "\(whole[index].0) twice")
    }
    let address = await self.ask(
      door.request("/free/page", and: [(door.addressField, "1.2.3.4"), (door.addressField, "1.2.3.4")]))
    #expect(address.fields.text("turnpike-reason") == "bad_request")
  }

  @Test("what other proxies would say is not heard", arguments: Door.all)
  func spoofed(door: Door) async {
    let own = Set(door.question("/", "GET", "a").map { $0.0.lowercased() })
    let lies = [
      ("X-Original-URI", "/free/x"), ("X-Original-URL", "http://a.example/free/x"),
      ("X-Original-Method", "GET"),
      ("X-Forwarded-Uri", "/free/x"), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Host", "free.example"),
      ("X-Rewrite-URL", "/free/x"), ("X-Original-Host", "free.example"), ("X-Code", "401"),
    ].filter { !own.contains($0.0.lowercased()) }
    let alone = await self.ask(HTTPRequest(door.path, lies, host: "a.example"))
    #expect(alone.fields.text("turnpike-reason") == "bad_request")
    let beside = await self.ask(door.request("/paid/page", and: lies))
    #expect(beside.status == door.refusal)
    #expect(beside.fields.text("turnpike-reason") == "payment_required")
  }

  @Test("our own query is not read: Caddy hands the client's on", arguments: Door.all)
  func ownQuery(door: Door) async {
    let request = door.request("/paid/page")
    request.target += Array("?token=coin1&uri=/free/x".utf8)
    let answer = await self.ask(request)
    #expect(answer.status == door.refusal)
    #expect(answer.fields.text("turnpike-reason") == "payment_required")
  }

  @Test(
    "a path with two readings is refused", arguments: Door.all,
    ["/free/%2e%2e%2fpaid/x", "/free/..;/paid/x", "/free\\x"])
  func canonical(door: Door, target: String) async {
    let answer = await self.ask(door.request(target))
    #expect(answer.fields.text("turnpike-reason") == "bad_request")
  }

  @Test(
    "escapes are decoded and slashes merged before the route is chosen", arguments: Door.all,
    ["/%70aid/x", "/paid//x"])
  func respelled(door: Door, target: String) async {
    let answer = await self.ask(door.request(target))
    #expect(answer.fields.text("turnpike-reason") == "payment_required")
  }

  @Test(
    "a target that an app may read otherwise is refused", arguments: Door.all,
    ["/free/../paid/x", "/paid/../free/x", "//free/paid/x"])
  func twoReadings(door: Door, target: String) async {
    let answer = await self.ask(door.request(target))
    #expect(answer.fields.text("turnpike-reason") == "bad_request")
  }

  @Test("the host of the question chooses the route", arguments: Door.all)
  func host(door: Door) async {
    #expect(await self.ask(door.request("/host/x", host: "a.example")).status == 200)
    #expect(await self.ask(door.request("/host/x", host: "b.example")).status == 403)
    let joined = await self.ask(door.request("/host/x", host: "a.example,b.example"))
    #expect(joined.fields.text("turnpike-reason") == "bad_request")
  }

  @Test("a method that is no token is refused", arguments: Door.all)
  func method(door: Door) async {
    let answer = await self.ask(door.request("/free/x", method: "GET /x"))
    #expect(answer.fields.text("turnpike-reason") == "bad_request")
  }

  @Test(
    "a path that is no endpoint is 404",
    arguments: ["/nginx", "/nginx/check/", "/envoy/x", "/auth", "/NGINX/check", "/traefik/x"])
  func unknownPath(path: String) async {
    let answer = await self.ask(HTTPRequest(path, Door.nginx("/free/x", "GET", "a")))
    #expect(answer.status == 404)
  }

  @Test("HEAD is priced as GET, and its refusal has no body")
  func head() async {
    let answer = await self.ask(Door.all[3].request("/paid/x", method: "HEAD"))
    #expect(answer.status == 402)
    #expect(answer.body.isEmpty)
  }

  @Test("every decision is heard once, with its adapter")
  func observed() async {
    _ = await self.ask(Door.all[3].request("/free/x"))
    _ = await self.ask(Door.all[0].request("/paid/x", and: [("X-Coin", "c")]))
    _ = await self.ask(HTTPRequest("/caddy", []))
    #expect(self.house.observer.lines == ["traefik free", "nginx outage", "caddy bad_request"])
  }
}

@Suite("NGINX's second question")
struct ChallengeEndpointTests {
  let house: House

  init() throws { self.house = try House() }

  func ask(
    _ request: HTTPRequest, repeats: NginxRepeats = .none
  ) async -> HTTPResponse {
    var settings = ProxyAdapters.Settings()
    settings.nginxRepeats = repeats
    return await ProxyAdapters(desk: self.house.desk, settings: settings).respond(to: request).value()
  }

  @Test(
    "the challenge is the real answer",
    arguments: [("/paid/x", 402), ("/never/x", 403), ("/%2f", 400), ("/free/x", 401)] as [(String, UInt16)])
  func challenge(target: String, status: UInt16) async {
    let answer = await self.ask(HTTPRequest("/nginx/challenge", Door.nginx(target, "GET", "a")))
    #expect(answer.status == status)
    #expect(answer.fields.text("x-coin") == (status == 402 ? "pay10" : nil))
    #expect(answer.fields.text("cache-control") == "no-store")
  }

  @Test("an offer that cannot be judged is 503 in the challenge too")
  func outage() async {
    let fields = Door.nginx("/paid/x", "GET", "a") + [("X-Coin", "c")]
    let answer = await self.ask(HTTPRequest("/nginx/challenge", fields))
    #expect(answer.status == 503)
    #expect(answer.fields.text("retry-after") == "7")
  }

  @Test("a question with a member missing is 400 in the challenge")
  func malformed() async {
    #expect(await self.ask(HTTPRequest("/nginx/challenge", [("X-Original-Method", "GET")])).status == 400)
  }

  @Test(
    "the default backend answers the request that X-Code 401 stands for, whatever its method",
    arguments: ["GET", "POST", "HEAD"])
  func backend(method: String) async {
    let request = HTTPRequest(
      "/?a=b", [("X-Code", "401"), ("X-Original-URI", "/paid/x")], method: method, host: "a.example")
    let answer = await self.ask(request)
    #expect(answer.status == 402)
    #expect(answer.body.isEmpty == (method == "HEAD"))
    let free = await self.ask(HTTPRequest("/", [("X-Code", "401"), ("X-Original-URI", "/free/x")]))
    #expect(free.status == 401)
  }

  @Test("`/` without X-Code is 404, with another error it stays that error, and it is never a success")
  func backendWithoutCode() async {
    #expect(await self.ask(HTTPRequest("/", [("X-Original-URI", "/free/x")])).status == 404)
    #expect(
      await self.ask(HTTPRequest("/", [("X-Code", "503"), ("X-Original-URI", "/free/x")])).status == 503)
    for code in ["200", "99999", "x", "", "302"] {
      #expect(
        await self.ask(HTTPRequest("/", [("X-Code", code), ("X-Original-URI", "/free/x")])).status == 404)
    }
    let twice = await self.ask(
      HTTPRequest("/", [("X-Code", "401"), ("X-Code", "200"), ("X-Original-URI", "/free/x")]))
    #expect(twice.status == 404)
    #expect(await self.ask(HTTPRequest("/", [("X-Code", "401")])).status == 400)
  }

  @Test("the default backend takes a body of any size, the others a small one")
  func intake() throws {
    let adapters = ProxyAdapters(desk: self.house.desk, settings: ProxyAdapters.Settings())
    guard case .stream = adapters.intake(for: HTTPRequest("/", [("X-Code", "401")], method: "POST")) else {
      throw Unexpected()
    }
    guard case .whole(let maxBytes) = adapters.intake(for: HTTPRequest("/nginx/check")) else {
      throw Unexpected()
    }
    #expect(maxBytes == 65_536)
  }

  @Test("the request's identity is read only where the proxy is known to write it")
  func identity() throws {
    let fields = Door.nginx("/paid/x", "GET", "a") + [("Turnpike-Request", "id1"), ("X-Request-ID", "mine")]
    let request = HTTPRequest("/nginx/check", fields)
    #expect(try NginxAdapter(repeats: .none).read(request).id == nil)
    #expect(try NginxAdapter(repeats: .byRequestID).read(request).id?.elementsEqual("id1".utf8) == true)
    let twice = HTTPRequest("/nginx/check", fields + [("Turnpike-Request", "id2")])
    #expect(throws: BadMember.self) { try NginxAdapter(repeats: .byRequestID).read(twice) }
    #expect(try NginxAdapter(repeats: .none).read(twice).id == nil)
    let without = HTTPRequest("/nginx/check", Door.nginx("/paid/x", "GET", "a") + [("X-Request-ID", "mine")])
    #expect(try NginxAdapter(repeats: .byRequestID).read(without).id == nil)
    let forwarded = HTTPRequest(
      "/traefik",
      Door.forwarded("/paid/x", "GET", "a") + [("Turnpike-Request", "id1"), ("X-Request-ID", "mine")])
    #expect(try TraefikAdapter().read(forwarded).id == nil)
  }

  @Test(
    "Traefik's client is X-Forwarded-For where it is one address: a list may begin with the client's own",
    arguments: [("192.0.2.7", true), ("192.0.2.9, 192.0.2.7", false), ("", false), ("unknown", false)])
  func traefikAddress(value: String, isTold: Bool) throws {
    let addresses = [("X-Real-IP", "9.9.9.9"), ("X-Forwarded-For", value)]
    let question = Door.forwarded("/paid/x", "GET", "a") + addresses
    let told = try TraefikAdapter().read(HTTPRequest("/traefik", question)).client
    #expect(told == (isTold ? ClientAddress(octets: [192, 0, 2, 7]) : nil))
  }

  @Test("the client's address is X-Real-IP with Caddy, and never X-Forwarded-For")
  func address() throws {
    let question = Door.forwarded("/paid/x", "GET", "a") + [("X-Forwarded-For", "9.9.9.9")]
    #expect(try CaddyAdapter().read(HTTPRequest("/caddy", question)).client == nil)
    let told = try CaddyAdapter().read(HTTPRequest("/caddy", question + [("X-Real-IP", "192.0.2.7")]))
    #expect(told.client == ClientAddress(octets: [192, 0, 2, 7]))
    let odd = try CaddyAdapter().read(HTTPRequest("/caddy", question + [("X-Real-IP", "unix:")]))
    #expect(odd.client == nil)
  }

  @Test(
    "ingress-nginx's URL is taken apart at the first slash behind the host",
    arguments: [
      ("https://h.example:8443/a?b=https://x/", "h.example:8443", "/a?b=https://x/"),
      ("http://h//a", "h", "//a"),
      ("HTTP://h/a", "h", "/a"),
    ])
  func originalURL(url: String, host: String, target: String) throws {
    let question = try IngressNginxAdapter().read(
      HTTPRequest("/", [("X-Original-URL", url), ("X-Original-Method", "GET")]))
    #expect(question.host?.elementsEqual(host.utf8) == true)
    #expect(question.target.elementsEqual(target.utf8))
  }

  @Test(
    "what is no URL with a path is refused",
    arguments: ["/free/x", "ftp://h/free", "http://h", "http:///free", "http:/h/free", "httpss://h/x"])
  func badURL(url: String) {
    #expect(throws: BadMember.self) {
      try IngressNginxAdapter().read(
        HTTPRequest("/", [("X-Original-URL", url), ("X-Original-Method", "GET")]))
    }
  }
}
