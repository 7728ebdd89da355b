import Digest
import Gate
import Octets
import TestKit
import Testing

/// What every payment scheme must do behind the gate, each rule for each scheme.
@Suite("The contract of payment verifiers", .timeLimit(.minutes(2)))
struct PaymentVerifierContractTests {
  @Test("a good offer is served once, then spent, and taken once", arguments: SchemeName.allCases)
  func once(name: SchemeName) async throws {
    try await ContractBench(name).running { bench in
      let offer = try bench.scheme.good(10)
      #expect(await bench.ask(offer) == "allow")
      for _ in 0..<3 { #expect(await bench.ask(offer) == "spent") }
      #expect(bench.scheme.taken == 1)
    }
  }

  @Test("a forged offer is invalid, a small one too little; neither is taken", arguments: SchemeName.allCases)
  func refused(name: SchemeName) async throws {
    try await ContractBench(name).running { bench in
      let (forged, small) = (try bench.scheme.forged(10), try bench.scheme.good(9))
      #expect(await bench.ask(forged) == "invalid")
      #expect(await bench.ask(small) == "too_little")
      #expect(bench.scheme.taken == 0)
    }
  }

  @Test(
    "spent elsewhere it is spent here, and the counterpart is asked once, however often it comes",
    arguments: SchemeName.allCases)
  func spentElsewhere(name: SchemeName) async throws {
    try await ContractBench(name).running { bench in
      let offer = try bench.scheme.spentElsewhere(10)
      for _ in 0..<100 { #expect(await bench.ask(offer) == "spent") }
      #expect(bench.scheme.calls == 1)
    }
  }

  @Test("of 32 parallel presentations one is served", arguments: SchemeName.allCases)
  func parallel(name: SchemeName) async throws {
    try await ContractBench(name).running { bench in
      let offer = try bench.scheme.good(10)
      let codes = await withTaskGroup(of: String.self) { group in
        for _ in 0..<32 { group.addTask { await bench.ask(offer) } }
        return await group.reduce(into: [:]) { counts, code in counts[code, default: 0] += 1 }
      }
      #expect(codes == ["allow": 1, "spent": 31])
      #expect(bench.scheme.taken == 1)
    }
  }

  @Test(
    "lost between us and the counterpart it is unknown, then served once and charged once",
    arguments: SchemeName.allCases, Loss.allCases)
  func lost(name: SchemeName, loss: Loss) async throws {
    try await ContractBench(name).running { bench in
      let offer = try bench.scheme.good(10)
      bench.scheme.lose(loss)
      #expect(await bench.ask(offer) == "unknown")
      bench.scheme.mend()
      #expect(await bench.settled(offer) == "allow")
      #expect(await bench.ask(offer) == "spent")
      #expect(bench.scheme.taken == 1)
    }
  }

  @Test(
    "what the counterpart holds is 503 to the payer and ends in stuck, never in a demand to pay again",
    arguments: SchemeName.allCases)
  func held(name: SchemeName) async throws {
    try await ContractBench(name).running { bench in
      let offer = try bench.scheme.good(10)
      bench.scheme.hold()
      guard case .unavailable(let outage) = await bench.decide(offer), let payment = outage.payment else {
        Issue.record("the decision was no outage of a payment")
        return
      }
      while try await !bench.isStuck(payment) {
        bench.clock.advance(by: .seconds(10))
        #expect(["unknown", "in_flight"].contains(await bench.ask(offer)))
      }
      #expect(await bench.ask(offer) == "unknown")
    }
  }

  @Test("where the counterpart may not be asked the payment stays good", arguments: SchemeName.allCases)
  func budget(name: SchemeName) async throws {
    try await ContractBench(name).running { bench in
      let offer = try bench.scheme.good(10)
      bench.scheme.exhaustBudget()
      #expect(await bench.ask(offer) == "mint_budget")
      #expect(bench.scheme.taken == 0)
      bench.scheme.refillBudget(by: bench.clock)
      #expect(await bench.ask(offer) == "allow")
    }
  }

  @Test(
    "bought for one route it is a conflict at another, and still good at its own",
    arguments: SchemeName.allCases)
  func otherRoute(name: SchemeName) async throws {
    try await ContractBench(name).running { bench in
      let offer = try bench.scheme.good(20)
      #expect(await bench.ask(offer) == "allow")
      #expect(await bench.ask(offer, at: "/other/x") == "other_route")
      #expect(await bench.ask(offer) == "allow")
      #expect(bench.scheme.taken == 1)
    }
  }
}

/// A gate with one scheme, a memory ledger and a clock of its own.
private final class ContractBench: Sendable {
  let clock = ManualClock()
  let scheme: any PaymentScheme
  private let ledger: any Ledger
  private let cashier: Cashier
  private let gate: Gate

  init(_ name: SchemeName) throws {
    self.scheme = try name.make(clock: self.clock)
    self.ledger = MemoryLedger.make(clock: self.clock)
    let revocations = Revocations()
    let verifiers = [self.scheme.verifier]
    self.cashier = Cashier(
      ledger: self.ledger, verifiers: verifiers, revocations: revocations,
      settings: .init(deadline: .seconds(20)), clock: self.clock)
    let tariff = Tariff(prices: [Amount(10, .sat)], terms: .uses(1))
    let routes = try ["/paid/**", "/other/**"].map { pattern in
      Route(
        id: RouteID(pattern), label: pattern, pattern: try PathPattern(pattern), tier: nil,
        access: .priced(tariff), cors: nil, covers: [])
    }
    let key = PassKey(id: 1, authenticator: HMACKey(Array("a key".utf8)))
    self.gate = Gate(
      policy: Policy(routes: try RouteTable(routes), fallback: .deny, verifiers: verifiers),
      verifiers: verifiers, passKeys: PassKeys(active: key, retiring: []), revocations: revocations,
      cashier: self.cashier, clock: self.clock)
  }

  /// Runs the service beside `body`.
  func running(_ body: @Sendable (ContractBench) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await self.cashier.run() }
      defer { self.cashier.stop() }
      try await body(self)
    }
  }

  func decide(_ offer: SchemeOffer, at target: String = "/paid/x") async -> Decision {
    var fields = FieldList()
    fields.append(offer.field, offer.value.utf8)
    let request = AccessRequest(
      adapter: .envoy, method: .get, target: Array(target.utf8), host: Array("shop.example".utf8),
      id: [UInt8]?.none, client: nil, fields: fields)
    let decision: Decision
    switch self.gate.rule(on: request) {
    case .decided(let judgement): decision = judgement.decision
    case .pending(let pending): decision = await self.gate.decide(pending).decision
    }
    if case .allow(let allowance) = decision, let use = allowance.use {
      try? await self.ledger.report(use, .written)
    }
    return decision
  }

  /// `allow`, or the public reason code.
  func ask(_ offer: SchemeOffer, at target: String = "/paid/x") async -> String {
    switch await self.decide(offer, at: target) {
    case .allow: "allow"
    case .paymentRequired(let demand): demand.reason.code
    case .deny(let denial): denial.code
    case .unavailable(let outage): outage.code.rawValue
    }
  }

  /// What it comes to when recovery has had its time.
  func settled(_ offer: SchemeOffer) async -> String {
    while true {
      self.clock.advance(by: .seconds(2))
      let code = await self.ask(offer)
      guard ["unknown", "in_flight", "outage"].contains(code) else { return code }
    }
  }

  func isStuck(_ payment: PaymentID) async throws -> Bool {
    try await self.ledger.account(of: payment)?.state == "stuck"
  }
}
