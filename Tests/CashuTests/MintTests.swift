@testable import Cashu
import Gate
import JSON
import Octets
import Outbound
import Testing

@Suite("A mint's address")
struct MintURLTests {
  @Test(
    "has one form however it is written",
    arguments: [
      ("http://127.0.0.1:3338", "http://127.0.0.1:3338"), ("HTTP://Mint.Example:80/", "http://mint.example"),
      ("https://mint.example:443", "https://mint.example"),
      ("https://mint.example:80", "https://mint.example:80"),
      ("https://mint.example//Bitcoin/", "https://mint.example/Bitcoin"),
      ("http://[::1]:3338/", "http://[::1]:3338"),
      ("https://Mint.Example/Bitcoin", "https://mint.example/Bitcoin"),
    ])
  func form(text: String, expected: String) {
    #expect(MintURL(text)?.text == expected)
  }

  @Test(
    "is refused where it could be read in two ways",
    arguments: [
      "", "mint.example", "ftp://mint.example", "http://", "http:///path", "http://user@mint.example",
      "http://mint.example?x=1", "http://mint.example#x", "http://mint.example/a/../b",
      "http://mint.example/%2e",
      "http://mint.example./", "http://mint.example:0", "http://mint.example:99999", "http://mint.example:x",
      "http://mïnt.example", "http://mint.example/a b", "http://mint.example\\@evil", "http://[::1",
      "http://mint.example:",
    ])
  func refused(text: String) {
    #expect(MintURL(text) == nil)
  }

  @Test("keeps the case of its path")
  func path() {
    #expect(MintURL("https://mint.example/Bitcoin") != MintURL("https://mint.example/bitcoin"))
  }
}

@Suite("A mint's answer")
struct MintAnswerTests {
  static func name(_ answer: MintAnswer<UInt64>) -> String {
    switch answer {
    case .value(let value): "value \(value)"
    case .refused(let refusal): "refused \(refusal)"
    case .throttled(let seconds): "throttled \(seconds ?? -1)"
    case .silent(let silence): "silent \(silence)"
    }
  }

  @Test(
    "is sorted by what may be concluded from it",
    arguments: [
      (200, "{\"n\":7}", "value 7"), (200, "{\"m\":7}", "silent garbage(status: 200)"),
      (200, "<html>", "silent garbage(status: 200)"), (200, "", "silent garbage(status: 200)"),
      (400, "{\"detail\":\"x\",\"code\":11001}", "refused spent"),
      (400, "{\"code\":11002}", "refused pending"),
      (400, "{\"code\":11004}", "refused pending"), (400, "{\"code\":11003}", "refused alreadySigned"),
      (400, "{\"code\":12002}", "refused keyset"),
      (400, "{\"code\":0,\"detail\":\"x\"}", "refused other(code: Optional(0))"),
      (422, "{\"detail\":[]}", "refused other(code: nil)"), (403, "<html>", "silent garbage(status: 403)"),
      (404, "{}", "silent garbage(status: 404)"),
      (429, "{\"detail\":\"Rate limit exceeded.\"}", "throttled 9"),
      (500, "{\"detail\":\"x\",\"code\":11001}", "silent garbage(status: 500)"),
      (302, "", "silent garbage(status: 302)"),
    ])
  func sorted(status: Int, body: String, expected: String) {
    let reply = OutboundReply.answered(status: status, body: Array(body.utf8), retryAfterSeconds: 9)
    #expect(Self.name(MintAnswer(reply) { $0["n"]?.unsigned }) == expected)
  }

  @Test("restored signatures are matched by their message, not by their place")
  func restore() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2]))
    till.mint.fail(.lostAfter)
    #expect(await till.settle(payment).amounts == [2, 8])
  }
}

@Suite("The budget of a mint")
struct MintBudgetTests {
  static let now = Timestamp(seconds: 1_800_000_000)

  static func client(_ last: UInt8) -> ClientAddress? { ClientAddress(octets: [192, 0, 2, last]) }

  /// How many of `count` swaps are admitted, each from a client of its own.
  static func admitted(_ budget: inout MintBudget, _ proof: MintBudget.Proof, count: UInt8, now: Timestamp)
    -> Int
  {
    (0..<count).count { budget.admit(proof, from: Self.client($0), now: now) == .admitted }
  }

  @Test("tokens that cannot be judged here get a quarter of a minute's swaps, the others all that is left")
  func shares() {
    var budget = MintBudget(swapsPerMinute: 20, swapsPerMinuteAndClient: 10, now: Self.now)
    #expect(Self.admitted(&budget, .unprovable, count: 50, now: Self.now) == 5)
    #expect(Self.admitted(&budget, .provable, count: 50, now: Self.now) == 15)
    #expect(Self.admitted(&budget, .provable, count: 50, now: Self.now) == 0)
  }

  @Test("one address gets its own limit and no more, whatever it sends")
  func perClient() {
    var budget = MintBudget(swapsPerMinute: 20, swapsPerMinuteAndClient: 10, now: Self.now)
    let taken = (0..<50).count { _ in
      budget.admit(.provable, from: Self.client(1), now: Self.now) == .admitted
    }
    #expect(taken == 10)
    #expect(budget.admit(.provable, from: Self.client(2), now: Self.now) == .admitted)
  }

  @Test("without an address only the budget as a whole counts")
  func unnamed() {
    var budget = MintBudget(swapsPerMinute: 20, swapsPerMinuteAndClient: 10, now: Self.now)
    let taken = (0..<50).count { _ in budget.admit(.provable, from: nil, now: Self.now) == .admitted }
    #expect(taken == 20)
  }

  @Test("it fills again with time, at most to a minute's worth, and not when the clock goes back")
  func refill() {
    var budget = MintBudget(swapsPerMinute: 20, swapsPerMinuteAndClient: 10, now: Self.now)
    #expect(Self.admitted(&budget, .provable, count: 50, now: Self.now) == 20)
    guard case .wait(let seconds) = budget.admit(.provable, from: nil, now: Self.now) else {
      Issue.record("admitted")
      return
    }
    #expect(seconds == 3)
    #expect(budget.admit(.provable, from: nil, now: Self.now + .seconds(3)) == .admitted)
    #expect(budget.admit(.provable, from: nil, now: Self.now) != .admitted)
    #expect(Self.admitted(&budget, .provable, count: 50, now: Self.now + .seconds(3600)) == 20)
  }

  @Test("the verifier answers a used budget with mint_budget and a time to wait")
  func outage() async throws {
    let till = Till(try ScriptedMint()) { $0.mints[0].swapsPerMinute = 4 }
    let payment = try await till.payment(try till.mint.token([16], hasDLEQ: false))
    try till.verifier.admit(payment, from: nil)
    let outage = #expect(throws: Outage.self) { try till.verifier.admit(payment, from: nil) }
    #expect(outage?.code == .mintBudget)
    #expect((1...60).contains(outage?.retryAfterSeconds ?? 0))
    let provable = try await till.payment(try till.mint.token([16]))
    try till.verifier.admit(provable, from: nil)
  }

  @Test("a mint on loopback has the budget of a mint of one's own, others that of a stock mint")
  func defaults() throws {
    func budget(_ url: String) throws -> Int {
      CashuConfiguration.Mint(url: try #require(MintURL(url))).swapsPerMinute
    }
    #expect(try budget("https://mint.example") == 20)
    #expect(try budget("http://127.0.0.1:3338") == 1800)
    #expect(try budget("http://127.evil.example") == 20)
  }
}

@Suite("Offers and challenges")
struct OfferTests {
  static func offers(_ fields: [(StaticString, String)], queryToken: String? = nil) throws -> [String] {
    let till = Till(try ScriptedMint())
    var list = FieldList()
    for (name, value) in fields { list.append(name, Array(value.utf8)) }
    let request = AccessRequest(
      adapter: .nginx, method: .get, target: Array("/".utf8), host: [UInt8]?.none, id: [UInt8]?.none,
      client: nil,
      fields: list, queryToken: queryToken.map { Array($0.utf8) }
    )
    return till.verifier.offers(in: request).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  @Test(
    "a token is found in each place it may come in",
    arguments: [
      ([("x-cashu", "cashuBx")], ["cashuBx"]), ([("x-cashu", "anything")], ["anything"]),
      ([("x-cashu", "  ")], []),
      ([("authorization", "Cashu cashuBx")], ["cashuBx"]),
      ([("authorization", "CASHU  cashuAx ")], ["cashuAx"]),
      ([("authorization", "Bearer cashuBx")], ["cashuBx"]),
      // Two lines joined by Envoy.
      ([("authorization", "Basic YTpi,Bearer cashuBx")], ["cashuBx"]),
      ([("authorization", "Cashu cashuBx,Cashu cashuBy")], ["cashuBx", "cashuBy"]),
      ([("authorization", "Digest username=\"a\", realm=\"b\"")], []),
      ([("x-cashu", "cashuBx,cashuBy")], ["cashuBx", "cashuBy"]), ([("x-cashu", ",cashuBx, ")], ["cashuBx"]),
      ([("authorization", "bearer cashu:cashuBx")], ["cashu:cashuBx"]),
      ([("authorization", "Bearer eyJhbGciOi")], []), ([("authorization", "Basic Y2FzaHU=")], []),
      ([("authorization", "Cashu cashuBx"), ("x-cashu", "cashuBy")], ["cashuBy", "cashuBx"]),
      ([("x-cashu", "cashuBx"), ("x-cashu", "cashuBx")], ["cashuBx", "cashuBx"]), ([], []),
    ] as [([(StaticString, String)], [String])])
  func found(fields: [(StaticString, String)], tokens: [String]) throws {
    #expect(try Self.offers(fields) == tokens)
  }

  @Test("a token in the query is found where the adapter hands it on")
  func query() throws {
    #expect(try Self.offers([], queryToken: "cashuBx") == ["cashuBx"])
  }

  @Test("the challenge is a NUT-18 request for the price, with every mint")
  func challenge() throws {
    let till = Till(try ScriptedMint()) {
      $0.mints.append(CashuConfiguration.Mint(url: MintURL("https://second.test/")!))
    }
    let challenge = try #require(till.verifier.challenge(for: till.quote.tariff))
    let text = challenge.text(for: Challenge.Occasion(resource: "/paid", reason: "payment_required"))
    #expect(text.fields.map(\.name) == ["x-cashu", "www-authenticate"])
    let request = try PaymentRequest(decoding: text.fields[0].value)
    #expect(
      request
        == PaymentRequest(amount: 10, unit: "sat", mints: ["http://mint.test:3338", "https://second.test"]))
    #expect(text.fields[1].value == "Cashu realm=\"turnpike\"")
    #expect(text.ways == [Challenge.Way(title: "Cashu ecash", price: "10 sat", code: text.fields[0].value)])
    #expect(till.verifier.challenge(for: Tariff(prices: [Amount(1, .init("usd"))], terms: .uses(1))) == nil)
  }
}
