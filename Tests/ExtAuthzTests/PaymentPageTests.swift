import Gate
import JSON
import Octets
import Proto
import Testing
import Transport

@testable import ExtAuthz

@Suite("The page of a 402")
struct PaymentPageTests {
  static let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
  let house: House

  init() throws { self.house = try House() }

  func ask(_ request: HTTPRequest) async -> HTTPResponse {
    await ProxyAdapters(desk: self.house.desk, settings: ProxyAdapters.Settings()).respond(to: request)
      .value()
  }

  /// Where a refusal's body goes to the client.
  static let doors: [Door] =
    Door.all.filter { $0.refusal == 402 }
    + [Door(path: "/nginx/challenge", question: Door.nginx, refusal: 402)]

  @Test("a browser gets a page, a program JSON, with the same fields", arguments: Self.doors)
  func browser(door: Door) async throws {
    let page = await self.ask(door.request("/paid/x", and: [("Accept", Self.firefox)]))
    #expect(page.status == 402)
    #expect(page.fields.text("content-type") == "text/html; charset=utf-8")
    #expect(page.fields.text("x-coin") == "pay10")
    #expect(page.fields.text("vary") == "accept")
    #expect(page.fields.text("cache-control") == "no-store")
    #expect(page.fields.text("x-content-type-options") == "nosniff")
    let text = String(decoding: page.body, as: UTF8.self)
    #expect(text.contains("coin:pay10") && text.contains("10 sat") && text.contains("<svg role=\"img\""))
    let json = await self.ask(door.request("/paid/x", and: [("Accept", "*/*")]))
    #expect(json.fields.text("content-type") == "application/json")
    #expect(!json.fields.contains("content-security-policy"))
  }

  @Test("the default backend of ingress-nginx gives a browser the page too")
  func backend() async {
    let request = HTTPRequest(
      "/", [("X-Code", "401"), ("X-Original-URI", "/paid/x"), ("Accept", Self.firefox)], host: "a.example")
    let answer = await self.ask(request)
    #expect(answer.fields.text("content-type") == "text/html; charset=utf-8")
    #expect(String(decoding: answer.body, as: UTF8.self).contains("http://a.example/paid/x"))
  }

  @Test("Envoy hands a browser the page")
  func envoy() async throws {
    let adapter = EnvoyAdapter(desk: self.house.desk, settings: EnvoyAdapter.Settings())
    let bytes = CheckRequestWire(
      path: "/paid/x?a=<b>", host: "a.example", headers: [("accept", Self.firefox)]
    ).bytes
    let message = GRPCMessage(bytes: bytes[...], deadline: nil, peer: .loopback, metadata: FieldList())
    guard case .message(let answer, _) = await adapter.check(message).value(),
      case .denied(let denied) = try CheckResponse(wire: answer).answer
    else { throw Unexpected() }
    #expect(denied.headers.first { $0.name == "content-type" }?.value == "text/html; charset=utf-8")
    let text = String(decoding: denied.body, as: UTF8.self)
    #expect(text.contains("//a.example/paid/x?a=&lt;b&gt;") && !text.contains("<b>"))
  }

  @Test("only a navigation by GET or HEAD gets a page")
  func navigations() async {
    let door = Door.all[3]
    let post = await self.ask(door.request("/paid/x", method: "POST", and: [("Accept", Self.firefox)]))
    #expect(post.fields.text("content-type") == "application/json")
    let fetch = await self.ask(
      door.request("/paid/x", and: [("Accept", Self.firefox), ("Sec-Fetch-Mode", "cors")]))
    #expect(fetch.fields.text("content-type") == "application/json")
    let walk = await self.ask(
      door.request("/paid/x", and: [("Accept", Self.firefox), ("Sec-Fetch-Mode", "navigate")]))
    #expect(walk.fields.text("content-type") == "text/html; charset=utf-8")
    let head = await self.ask(door.request("/paid/x", method: "HEAD", and: [("Accept", Self.firefox)]))
    #expect(head.fields.text("content-type") == "text/html; charset=utf-8")
    #expect(head.body.isEmpty)
    let other = await self.ask(door.request("/never/x", and: [("Accept", Self.firefox)]))
    #expect(other.fields.text("content-type") == "application/json")
  }

  @Test(
    "a page is for who names it and wants nothing more",
    arguments: [
      (Self.firefox, true), ("text/html", true), ("text/html;q=0.5, application/json;q=0.4", true),
      ("text/html, */*", true), ("*/*", false), ("application/json, text/html", false),
      ("application/json, text/plain, */*", false), ("text/html;q=0", false), ("text/html;q=0.5, */*", false),
      ("", false), ("TEXT/HTML ; q=1.0", true),
    ])
  func wishes(accept: String, isPage: Bool) {
    #expect(MediaRanges([Array(accept.utf8)[...]]).preferPage == isPage)
  }

  static func page(_ ways: [Challenge.Way], resource: String = "https://a.example/x") -> (String, String) {
    PaymentPage(resource: resource, reason: "payment_required", amount: Amount(10, .sat), ways: ways)
      .frame(PagePrinter()).write()
  }

  @Test("nothing of a request or a scheme becomes markup")
  func escaping() {
    let evil = #""><script>alert(1)</script>&'"#
    let way = Challenge.Way(
      title: evil, price: evil, code: evil, order: "https://p.example/v1/invoices?a=\(evil)")
    let (html, _) = Self.page([way], resource: "https://a.example/\(evil)")
    #expect(!html.contains("<script>alert"))
    #expect(html.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;"))
  }

  @Test("the page loads nothing, and runs and styles only what carries its nonce")
  func policy() throws {
    let (html, policy) = Self.page([.init(title: "Coins", price: "10 sat", code: "coin:1")])
    #expect(policy.hasPrefix("default-src 'none'; style-src 'nonce-"))
    #expect(policy.contains("form-action 'none'; base-uri 'none'; frame-ancestors 'none'"))
    let nonce = try #require(policy.split(separator: "nonce-").dropFirst().first?.prefix { $0 != "'" })
    #expect(nonce.count >= 21)
    #expect(html.parts("<script").count == 2 && html.parts("<script nonce=\"\(nonce)\">").count == 2)
    #expect(html.parts("<style").count == 2 && html.parts("<style nonce=\"\(nonce)\">").count == 2)
    for outside in ["src=", "href=", "@import", "url(", " style=", "onclick"] {
      #expect(!html.contains(outside), "\(outside)")
    }
    #expect(Self.page([]).1 != policy)
  }

  @Test("it works without a script: texts are there to select, and the button is hidden")
  func withoutScript() {
    let (html, _) = Self.page([.init(title: "Coins", price: "10 sat", code: "coin:1")])
    #expect(html.contains("<label for=\"c0\">") && html.contains("<textarea id=\"c0\""))
    #expect(html.contains("data-copy=\"c0\" hidden>"))
    #expect(html.contains("aria-label=\"QR code: Coins, 10 sat\""))
  }

  @Test("a way that must be ordered is a form to its own origin only")
  func order() {
    let way = Challenge.Way(
      title: "Lightning", price: "10 sat", code: nil, order: "https://pay.example:8443/v1/invoices")
    let (html, policy) = Self.page([way])
    #expect(html.contains(#"<form method="post" action="https://pay.example:8443/v1/invoices">"#))
    #expect(html.contains(#"<input type="hidden" name="url" value="https://a.example/x">"#))
    #expect(policy.contains("form-action https://pay.example:8443;"))
    let odd = Challenge.Way(title: "L", price: "1", code: nil, order: "javascript:alert(1)")
    #expect(!Self.page([odd]).0.contains("javascript"))
    let sneaky = Challenge.Way(title: "L", price: "1", code: nil, order: "https://a;script-src *")
    #expect(!Self.page([sneaky]).1.contains("script-src *"))
  }

  @Test("a way for programs says where its request is")
  func programs() {
    let (html, _) = Self.page([.init(title: "x402", price: "0.01 USDC", code: nil)])
    #expect(html.contains("<p class=\"amount\">0.01 USDC</p>"))
    #expect(html.contains("in the header of this answer"))
    #expect(!html.contains("<textarea"))
  }

  @Test("many long codes stay within 64 KB: texts first, then images")
  func size() {
    let ways = (0..<8).map { index in
      Challenge.Way(
        title: "Way \(index)", price: "1",
        code: String(repeating: "\(index)aZ_", count: index == 0 ? 150 : 600))
    }
    let (html, _) = Self.page(ways)
    let (texts, images) = (html.parts("<textarea").count - 1, html.parts("<svg").count - 1)
    #expect(html.utf8.count <= 64 * 1024)
    #expect(texts == 8)
    #expect(images >= 1 && images < 8)
  }
}

@Suite("A QR code")
struct QRCodeTests {
  @Test("has its finders, its timing and its size", arguments: [(10, 21), (17, 21), (18, 25), (2_900, 177)])
  func structure(bytes: Int, width: Int) throws {
    let code = try #require(QRCode(String(repeating: "a", count: bytes)))
    #expect(code.width == width)
    #expect(code.modules.count == width * width)
    let finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    for (top, left) in [(0, 0), (0, width - 7), (width - 7, 0)] {
      for row in 0..<7 {
        let start = (top + row) * width + left
        #expect(code.modules[start..<start + 7].map { "\($0)" }.joined() == finder[row])
      }
    }
    for column in 8..<width - 8 { #expect(code.modules[6 * width + column] == UInt8((column + 1) % 2)) }
  }

  @Test("draws each dark module and no other")
  func drawing() throws {
    let code = try #require(QRCode("lightning:lnbc1"))
    let path = try #require(code.svg(label: "x").parts("d=\"").last?.prefix { $0 != "\"" })
    var drawn = [UInt8](repeating: 0, count: code.width * code.width)
    var (x, y) = (0, 0)
    for step in path.replacing("M", with: " M").replacing("m", with: " m").replacing("h", with: " h").split(
      separator: " ")
    where !step.isEmpty {
      let number = Int(step.drop { !$0.isNumber }.prefix { $0.isNumber }) ?? 0
      switch step.first {
      case "M": x = number - 4
      case "m": x += number
      case "h":
        for column in x..<x + number { drawn[y * code.width + column] = 1 }
        x += number
      default: if step.hasSuffix(".5") { y = number - 4 }
      }
    }
    #expect(drawn == code.modules)
  }

  @Test("what has no place in a code has none")
  func none() {
    #expect(QRCode("") == nil)
    #expect(QRCode("a\0b") == nil)
    #expect(QRCode(String(repeating: "a", count: 3_000)) == nil)
  }
}

extension String {
  /// The parts between occurrences of `separator`.
  fileprivate func parts(_ separator: String) -> [Substring] {
    self.split(separator: separator, omittingEmptySubsequences: false)
  }
}
