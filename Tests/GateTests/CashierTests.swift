@testable import Gate
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct CashierTests {
  @Test("of 32 requests with one coin at the same time one passes, and the coin is taken once")
  func parallel() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      let codes = await withTaskGroup(of: String.self) { group in
        for _ in 0..<32 { group.addTask { await bench.ask("/paid/x", coin: coin).code } }
        return await group.reduce(into: [:]) { counts, code in counts[code, default: 0] += 1 }
      }
      #expect(codes == ["allow": 1, "spent": 31])
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("more than 64 waiters of one payment are turned away with a 503, never with a 402")
  func waiters() async throws {
    let bench = try Workbench(deadline: .seconds(30))
    let coin = bench.counterpart.issue("a", 10)
    // The service is not running yet: everyone waits.
    let codes = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<100 { group.addTask { await bench.ask("/paid/x", coin: coin).code } }
      var counts: [String: Int] = [:]
      for _ in 0..<36 { counts[try #require(await group.next()), default: 0] += 1 }
      #expect(counts == ["in_flight": 36])
      group.addTask {
        await bench.cashier.run()
        return "stopped"
      }
      for _ in 0..<64 { counts[try #require(await group.next()), default: 0] += 1 }
      bench.cashier.stop()
      return counts
    }
    #expect(codes == ["in_flight": 36, "allow": 1, "spent": 63])
  }

  @Test("a request whose time is up leaves the work to go on, and the next presentation finds it done")
  func deadline() async throws {
    let bench = try Workbench()
    let coin = bench.counterpart.issue("a", 10)
    let hurried = AccessRequest(
      adapter: .envoy, method: .get, target: Array("/paid/x".utf8), host: Array("shop.example".utf8),
      id: [UInt8]?.none, client: nil, fields: Workbench.request("/paid/x", [("x-coin", coin.offer)]).fields,
      deadline: ContinuousClock.now)
    #expect(await bench.ask(hurried).code == "in_flight")
    try await bench.running { bench in
      #expect(await bench.ask("/paid/x", coin: coin).code == "allow")
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("a cancelled request cancels no money")
  func cancelled() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      await withTaskGroup(of: Void.self) { group in
        group.addTask { _ = await bench.ask("/paid/x", coin: coin) }
        group.cancelAll()
      }
      var code = await bench.ask("/paid/x", coin: coin).code
      while code == "in_flight" { code = await bench.ask("/paid/x", coin: coin).code }
      #expect(bench.counterpart.calls(.take) == 1)
      #expect(["allow", "spent"].contains(code))
    }
  }

  @Test(
    "a lost answer is 503 with the payment's id, never 402; recovery finds the money and takes it once",
    arguments: [ScriptedCounterpart.Call.lock, .take], [ScriptedCounterpart.Mishap.answerLost, .callLost])
  func lostAnswer(call: ScriptedCounterpart.Call, mishap: ScriptedCounterpart.Mishap) async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      bench.counterpart.fail(next: call, with: mishap)
      guard case .unavailable(let outage) = await bench.ask("/paid/x", coin: coin) else {
        Issue.record("the decision was not `unavailable`")
        return
      }
      #expect(outage.code == .unknown)
      #expect(outage.payment == PaymentID("coin-a"))
      bench.clock.advance(by: .seconds(2))
      var code = await bench.ask("/paid/x", coin: coin).code
      while code == "unknown" || code == "in_flight" { code = await bench.ask("/paid/x", coin: coin).code }
      #expect(code == "allow")
      #expect(bench.counterpart.taker(of: coin) == "coin-a")
      #expect(await bench.ask("/paid/x", coin: coin).code == "spent")
    }
  }

  @Test("recovery runs by itself: nobody needs to ask again")
  func timer() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      bench.counterpart.fail(next: .take, with: .answerLost)
      #expect(await bench.ask("/paid/x", coin: coin).code == "unknown")
      bench.clock.advance(by: .seconds(2))
      while true {
        if try await bench.gate.account(of: PaymentID("coin-a"))?.grant != nil { break }
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(bench.counterpart.taker(of: coin) == "coin-a")
    }
  }

  @Test("payments of a scheme that was struck from the file do not keep the others from being recovered")
  func struckScheme() async throws {
    let bench = try Workbench()
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .uses(1))
    let scope = GrantScope(route: RouteID("r"), host: "")
    let count = 40
    for number in 0..<count {
      let gone = VerifiedPayment(
        id: PaymentID("gone-\(number)"), method: PaymentMethod("gone"),
        nullifiers: [Nullifier([UInt8(number)])], value: Amount(1, .sat), counterpart: "gone", plan: [])
      guard
        case .claimed(let claim) = try await bench.ledger.claim(
          Reservation(payment: gone, scope: scope, tariff: tariff, lease: .seconds(60)))
      else {
        Issue.record("not claimed")
        return
      }
      // Half of them were sent.
      if number.isMultiple(of: 2) { try await claim.willSend() }
    }
    bench.clock.advance(by: .seconds(61))
    try await bench.running { bench in
      let coin = bench.counterpart.issue("a", 10)
      bench.counterpart.fail(next: .take, with: .answerLost)
      #expect(await bench.ask("/paid/x", coin: coin).code == "unknown")
      bench.clock.advance(by: .seconds(2))
      var isGranted = false
      for _ in 0..<500 where !isGranted {
        isGranted = try await bench.gate.account(of: PaymentID("coin-a"))?.grant != nil
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(isGranted)
    }
    // What was sent waits for its scheme; what was not is its payer's again.
    for number in 0..<count {
      let state = try await bench.ledger.account(of: PaymentID("gone-\(number)"))?.state
      #expect(state == (number.isMultiple(of: 2) ? "unknown" : nil))
    }
  }

  @Test("what the counterpart holds is 503 until an operator looks, and is not asked again")
  func held() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      bench.counterpart.fail(next: .lock, with: .held)
      for _ in 0..<5 { #expect(await bench.ask("/paid/x", coin: coin).code == "unknown") }
      #expect(bench.counterpart.calls(.lock) == 1)
    }
  }

  @Test("a stop writes down every answer that went out, to the last")
  func stopping() async throws {
    let bench = try Workbench(deliveryPatience: .zero)
    let coins = (0..<200).map { bench.counterpart.issue("c\($0)", 10) }
    let uses = try await bench.running { bench in
      var uses: [TakenUse] = []
      for coin in coins {
        let request = Workbench.request("/paid/x", [("x-coin", coin.offer)])
        uses.append(try #require(await bench.askInFlight(request).allowance?.use))
      }
      return uses
    }
    // A process that is told to stop with all of them still to be written down.
    let stopping = Cashier(
      ledger: bench.ledger, verifiers: [], revocations: bench.revocations,
      settings: .init(deadline: .seconds(20)), clock: bench.clock)
    for use in uses { stopping.report(use, .written) }
    stopping.stop()
    await stopping.run()
    for coin in coins { #expect(await bench.ask("/paid/x", method: .head, coin: coin).code == "spent") }
  }

  private static let quote = Quote(
    tariff: Tariff(prices: [Amount(10, .sat)], terms: .uses(1)),
    scope: GrantScope(route: RouteID("/paid/**"), host: "shop.example"))

  private static func payment(
    _ id: String, _ nullifiers: [String], plan: String, _ bearing: Bearing = .payload
  )
    -> VerifiedPayment
  {
    VerifiedPayment(
      id: PaymentID(id), method: PaymentMethod("coin"),
      nullifiers: nullifiers.map { Nullifier(Array($0.utf8)) },
      value: Amount(10, .sat), counterpart: "scripted", plan: Array(plan.utf8), bearing: bearing)
  }

  @Test("a coin that is good is not called spent because another payment with it in turns out to be")
  func overlap() async throws {
    try await Workbench().running { bench in
      let (coin, bad) = (bench.counterpart.issue("a", 10), bench.counterpart.issue("b", 10))
      bench.counterpart.spendElsewhere(bad)
      let pair = Self.payment("pair", ["a", "b"], plan: "lock b=10")
      guard
        case .claimed(let claim) = try await bench.ledger.claim(
          Reservation(
            payment: pair, scope: Self.quote.scope, tariff: Self.quote.tariff, lease: .seconds(60)))
      else { throw Outage(.outage, "not claimed") }
      let term = claim.term
      try await claim.willSend()
      _ = try await bench.ledger.conclude(term, with: .unknown(Outage(.unknown, "test")))
      bench.clock.advance(by: .seconds(10))
      var code = await bench.ask("/paid/x", coin: coin).code
      while ["outage", "in_flight", "unknown"].contains(code) {
        code = await bench.ask("/paid/x", coin: coin).code
      }
      #expect(code == "allow")
    }
  }

  /// Answers late, but within the time that it says.
  private struct SlowVerifier: PaymentVerifier {
    let method = PaymentMethod("slow")
    let longestWork = Duration.seconds(200)
    let credentialFields: [StaticString] = []
    let clock: ManualClock
    let ledger: any Ledger

    func offers(in request: AccessRequest) -> [PaymentOffer] { [] }
    func challenge(for tariff: Tariff) -> Challenge? { nil }
    func verify(_ offer: PaymentOffer, against quote: Quote, reach: Reach) async throws(Outage) -> Verdict {
      .rejected(.wrongScheme)
    }
    func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {}

    /// Settled only if nobody could have taken it over meanwhile.
    func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
      do throws(Outage) {
        try await claim.willSend()
        self.clock.advance(by: .seconds(190))
        guard try await self.ledger.due(limit: 9).isEmpty else { return .stuck(note: "taken over") }
        return .settled([])
      } catch { return .unknown(error) }
    }

    func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
      .stuck(note: "it was not to be recovered")
    }
  }

  @Test("a payment is not taken over while its scheme may still hear of it, or a late answer would be lost")
  func lateAnswer() async throws {
    let bench = try Workbench()
    let cashier = Cashier(
      ledger: bench.ledger, verifiers: [SlowVerifier(clock: bench.clock, ledger: bench.ledger)],
      revocations: bench.revocations, settings: .init(deadline: .seconds(20)), clock: bench.clock)
    var payment = Self.payment("p", ["a"], plan: "")
    payment.method = PaymentMethod("slow")
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await cashier.run() }
      defer { cashier.stop() }
      let standing = try await cashier.redeem(payment, for: Self.quote, client: nil, until: nil)
      if case .granted = standing { return }
      Issue.record("\(standing)")
    }
  }

  @Test("a stranger who shows a public payload first does not have its payer turned away behind him")
  func followsStranger() async throws {
    try await Workbench().running { bench in
      let (secret, other) = (Bearing.secret(hash: [1]), Bearing.secret(hash: [2]))
      let payer = Self.payment("p", ["a"], plan: "", secret)
      let stranger = Self.payment("p", ["a"], plan: "", other)
      guard
        case .claimed(let claim) = try await bench.ledger.claim(
          Reservation(
            payment: payer, scope: Self.quote.scope, tariff: Self.quote.tariff, lease: .seconds(60)))
      else { throw Outage(.outage, "not claimed") }
      let term = claim.term
      try await claim.willSend()
      func word(_ payment: VerifiedPayment) async -> String {
        do throws(Outage) {
          let standing = try await bench.cashier.redeem(payment, for: Self.quote, client: nil, until: nil)
          return String("\(standing)".prefix { $0 != "(" })
        } catch { return "outage" }
      }
      async let first = word(stranger)
      try await Task.sleep(for: .milliseconds(100))
      async let second = word(payer)
      try await Task.sleep(for: .milliseconds(100))
      _ = try await bench.ledger.conclude(term, with: .settled([]))
      #expect(await first == "notBearer")
      #expect(await second == "granted")
    }
  }

  @Test("where the counterpart may not be asked, nothing is claimed and the coin stays good")
  func budget() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      bench.counterpart.refuse(with: Outage(.mintBudget, "enough for now"))
      #expect(await bench.ask("/paid/x", coin: coin).code == "mint_budget")
      bench.counterpart.refuse(with: nil)
      #expect(await bench.ask("/paid/x", coin: coin).code == "allow")
    }
  }
}

/// The challenge endpoints' question (design §4): what was refused, without a second effect.
@Suite(.timeLimit(.minutes(1))) struct ReviewTests {
  private func review(_ bench: Workbench, _ request: AccessRequest) async -> String {
    switch await bench.gate.review(request) {
    case .wouldAllow: "would allow"
    case .judged(let judgement): judgement.decision.code
    }
  }

  @Test("without an offer it says what is owed; where the gate allows, the refusal was the app's own")
  func plain() async throws {
    let bench = try Workbench()
    #expect(await self.review(bench, Workbench.request("/paid/x")) == "payment_required")
    #expect(await self.review(bench, Workbench.request("/free/x")) == "would allow")
    #expect(await self.review(bench, Workbench.request("/nowhere")) == "denied")
  }

  @Test("a good offer that nobody has claimed is 503, and is not claimed by the question")
  func unclaimed() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      let request = Workbench.request("/paid/x", [("x-coin", coin.offer)])
      #expect(await self.review(bench, request) == "in_flight")
      #expect(bench.counterpart.calls(.lock) == 0)
    }
  }

  @Test("after an allow the refusal was the app's own; after a refusal it is repeated")
  func afterwards() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      let first = Workbench.request("/paid/x", id: "1", [("x-coin", coin.offer)])
      let second = Workbench.request("/paid/x", id: "2", [("x-coin", coin.offer)])
      #expect(await bench.ask(first).code == "allow")
      #expect(await self.review(bench, first) == "would allow")
      #expect(await bench.ask(second).code == "spent")
      #expect(await self.review(bench, second) == "spent")
      #expect(
        await self.review(bench, Workbench.request("/hour/x", [("x-coin", coin.offer)])) == "too_little")
    }
  }

  @Test("an outage that was just answered is answered again, not turned into a demand to pay")
  func outage() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      let request = Workbench.request("/paid/x", [("x-coin", coin.offer)])
      bench.counterpart.refuse(with: Outage(.mintBudget, "enough for now"))
      #expect(await bench.ask(request).code == "mint_budget")
      #expect(await self.review(bench, request) == "mint_budget")
    }
  }
}
