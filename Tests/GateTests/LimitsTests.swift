import Gate
import Octets
import TestKit
import Testing

@Suite("What a client may have before it pays", .timeLimit(.minutes(1)))
struct LimitsTests {
  static let price = Route.Access.priced(Tariff(prices: [Amount(10, .sat)], terms: .uses(1)))
  static let quota = RequestLimit(requests: 2, per: .seconds(60))

  static func bench(limits: Policy.Limits = Policy.Limits()) throws -> Workbench {
    try Workbench(
      routes: [
        try Workbench.route("/quota/**", self.price, freeQuota: self.quota),
        try Workbench.route("/other/**", self.price, freeQuota: self.quota),
        try Workbench.route("/paid/**", self.price), try Workbench.route("/free/**", .free),
      ], limits: limits)
  }

  static func client(_ last: UInt8) -> ClientAddress? { ClientAddress(octets: [192, 0, 2, last]) }

  static func ask(
    _ bench: Workbench, _ target: String = "/quota/x", _ last: UInt8? = 1, method: RequestMethod = .get,
    id: String? = nil, coin: Coin? = nil
  ) async -> String {
    var fields: [(StaticString, String)] = []
    if let coin { fields.append(("x-coin", coin.offer)) }
    let client = last.flatMap { self.client($0) }
    return await bench.ask(Workbench.request(target, method: method, id: id, fields, client: client)).code
  }

  @Test("a quota is per client and route, and returns with its next window")
  func quota() async throws {
    let bench = try Self.bench()
    for _ in 0..<2 { #expect(await Self.ask(bench) == "allow") }
    #expect(await Self.ask(bench) == "payment_required")
    #expect(await Self.ask(bench, "/quota/x", 2) == "allow")
    #expect(await Self.ask(bench, "/other/x", 1) == "allow")
    bench.clock.advance(by: .seconds(60))
    #expect(await Self.ask(bench) == "allow")
  }

  @Test("without an address there is no quota")
  func noAddress() async throws {
    #expect(await Self.ask(try Self.bench(), "/quota/x", nil) == "payment_required")
  }

  @Test("HEAD counts as the request it stands for, and a page that a proxy asks about twice counts once")
  func counting() async throws {
    let bench = try Self.bench()
    #expect(await Self.ask(bench, method: .head) == "allow")
    for _ in 0..<3 { #expect(await Self.ask(bench, id: "r1") == "allow") }
    #expect(await Self.ask(bench, id: "r2") == "payment_required")
    #expect(await Self.ask(bench, method: .head) == "payment_required")
  }

  @Test("a payment is taken although a quota is left, and takes nothing of it")
  func paid() async throws {
    try await Self.bench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await Self.ask(bench, coin: coin) == "allow")
      #expect(bench.counterpart.calls(.take) == 1)
      for _ in 0..<2 { #expect(await Self.ask(bench) == "allow") }
    }
  }

  @Test("a quota's allow says so, and asserts no payment")
  func basis() async throws {
    let bench = try Self.bench()
    let decision = await bench.ask(Workbench.request("/quota/x", client: Self.client(1)))
    #expect(decision.allowance?.basis == .quota)
    #expect(decision.allowance?.assertions == Assertions())
  }

  @Test("a client that is asked to pay too often hears that instead, until its window ends")
  func limit() async throws {
    let limits = Policy.Limits(challenges: RequestLimit(requests: 2, per: .seconds(60)))
    try await Self.bench(limits: limits).running { bench in
      for _ in 0..<2 { #expect(await Self.ask(bench, "/paid/x") == "payment_required") }
      #expect(await Self.ask(bench, "/paid/y") == "too_many_requests")
      #expect(await Self.ask(bench, "/paid/x", 2) == "payment_required")
      #expect(await Self.ask(bench, "/free/x") == "allow")
      let coin = bench.counterpart.issue("a", 10)
      #expect(await Self.ask(bench, "/paid/x", coin: coin) == "allow")
      bench.clock.advance(by: .seconds(60))
      #expect(await Self.ask(bench, "/paid/x") == "payment_required")
    }
  }

  @Test("who asks for passes without paying is limited by the same count")
  func limitOfExchange() async throws {
    let limits = Policy.Limits(challenges: RequestLimit(requests: 2, per: .seconds(60)))
    let bench = try Self.bench(limits: limits)
    #expect(await Self.ask(bench, "/paid/x") == "payment_required")
    var codes: [String] = []
    for _ in 0..<2 {
      let outcome = await bench.gate.exchange(
        ExchangeRequest(
          method: .get, target: Array("/paid/x".utf8), host: nil, fields: FieldList(), client: Self.client(1))
      )
      if case .refused(let judgement) = outcome { codes.append(judgement.decision.code) }
    }
    #expect(codes == ["payment_required", "too_many_requests"])
  }

  @Test("those without an address are limited as one")
  func limitTogether() async throws {
    let limits = Policy.Limits(challenges: RequestLimit(requests: 1, per: .seconds(60)))
    let bench = try Self.bench(limits: limits)
    #expect(await Self.ask(bench, "/paid/x", nil) == "payment_required")
    #expect(await Self.ask(bench, "/paid/y", nil) == "too_many_requests")
  }

  @Test("without limits an unpaid request is answered at once")
  func atOnce() throws {
    let bench = try Self.bench()
    let request = Workbench.request("/paid/x", client: Self.client(1))
    guard case .decided = bench.gate.rule(on: request) else {
      Issue.record("the decision had to wait")
      return
    }
  }

  @Test("what is left stands on the allow: uses, and where they are few")
  func uses() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 50)
      for left in [4, 3, 2, 1, 0] as [UInt32] {
        let remaining = await bench.ask("/five/x", coin: coin).allowance?.remaining
        #expect(remaining?.uses == left)
        #expect(remaining?.level == (left <= 1 ? .low : .ample))
      }
      let single = bench.counterpart.issue("b", 10)
      #expect(await bench.ask("/paid/x", coin: single).allowance?.remaining == nil)
    }
  }

  @Test(
    "a time pass tells its seconds where the policy says so",
    arguments: [Policy.Limits.PassTime.told, .untold])
  func time(told: Policy.Limits.PassTime) async throws {
    try await Workbench(limits: Policy.Limits(passTime: told)).running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let pass = try #require(await bench.ask("/hour/x", coin: coin).allowance?.pass?.token)
      bench.clock.advance(by: .seconds(5))
      bench.revocations.load([], at: bench.clock.now())
      let early = await bench.ask("/hour/x", pass: pass).allowance?.remaining
      #expect(early?.seconds == (told == .told ? 3595 : nil))
      #expect(early?.level == (told == .told ? .ample : nil))
      bench.clock.advance(by: .seconds(3300))
      bench.revocations.load([], at: bench.clock.now())
      #expect(
        await bench.ask("/hour/x", pass: pass).allowance?.remaining?.level == (told == .told ? .low : nil))
    }
  }
}
