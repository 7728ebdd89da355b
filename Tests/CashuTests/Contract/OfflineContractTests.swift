@testable import Cashu
import Digest
import Gate
import Octets
import TestKit
import Testing

/// Locked tokens through the gate, the book and the redeemer together.
@Suite("Offline ecash from the request to the treasury", .timeLimit(.minutes(2)))
struct OfflineContractTests {
  @Test("is served once without a call to the mint, and fetched later")
  func once() async throws {
    try await OfflineBench(.required).running { bench in
      let token = try bench.token([8, 2])
      #expect(await bench.ask(token) == "allow")
      for _ in 0..<3 { #expect(await bench.ask(token) == "spent") }
      #expect(bench.mint.calls.isEmpty)
      await bench.redeem()
      #expect(bench.mint.swaps == 1)
      #expect(await bench.ask(token) == "spent")
      #expect(try await bench.held() == 10)
      #expect(try await bench.book.acceptedPayments(of: bench.mint.url.text, limit: 10).isEmpty)
    }
  }

  @Test("is served while the mint is down, and what it holds is fetched when it is back")
  func down() async throws {
    try await OfflineBench(.preferred).running { bench in
      bench.mint.setDown(true)
      let token = try bench.token([16])
      #expect(await bench.ask(token) == "allow")
      await bench.redeem()
      #expect(try await bench.held() == 0)
      bench.mint.setDown(false)
      await bench.redeem()
      #expect(try await bench.held() == 16)
    }
  }

  @Test("of 32 parallel presentations one is served")
  func parallel() async throws {
    try await OfflineBench(.required).running { bench in
      let token = try bench.token([8, 2])
      let codes = await withTaskGroup(of: String.self) { group in
        for _ in 0..<32 { group.addTask { await bench.ask(token) } }
        return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      #expect(codes == ["allow": 1, "spent": 31])
    }
  }

  @Test("of the sets {a,b}, {a,c} and {b,c} one is allowed, and then c alone")
  func overlapping() async throws {
    for mode in [CashuConfiguration.Offline.preferred, .required] {
      try await OfflineBench(mode).running { bench in
        let whole = try TokenReader.read(try bench.token([8, 8, 16]).utf8)
        func pick(_ places: Int...) -> String {
          var token = whole
          token.entries[0].proofs = places.map { whole.entries[0].proofs[$0] }
          return TokenWriter.writeV3(token)
        }
        #expect(await bench.ask(pick(0, 1)) == "allow")
        #expect(await bench.ask(pick(0, 2)) == "spent")
        #expect(await bench.ask(pick(1, 2)) == "spent")
        #expect(await bench.ask(pick(2)) == "allow")
        await bench.redeem()
        #expect(try await bench.held() == 32)
      }
    }
  }

  @Test(
    "beyond the mint's limit it is refused, or swapped at once",
    arguments: [(CashuConfiguration.Offline.required, "outage"), (.preferred, "allow")])
  func limit(mode: CashuConfiguration.Offline, beyond: String) async throws {
    try await OfflineBench(mode) { $0.mints[0].exposure = 40 }.running { bench in
      let (first, second) = (try bench.token([32]), try bench.token([16]))
      #expect(await bench.ask(first) == "allow")
      #expect(bench.mint.swaps == 0)
      #expect(await bench.ask(second) == beyond)
      #expect(bench.mint.swaps == (beyond == "allow" ? 1 : 0))
      await bench.redeem()
      #expect(await bench.ask(try bench.token([16])) == "allow")
    }
  }

  @Test("a batch whose answer is lost is found again by the cashier", arguments: [true, false])
  func lost(didSwap: Bool) async throws {
    try await OfflineBench(.required).running { bench in
      for _ in 0..<4 { #expect(await bench.ask(try bench.token([16])) == "allow") }
      bench.mint.fail(didSwap ? .diesAfter : .diesBefore)
      await bench.redeem()
      #expect(try await bench.held() == 0)
      bench.mint.setDown(false)
      for _ in 0..<200 where try await bench.held() == 0 {
        bench.clock.advance(by: .seconds(10))
        try await Task.sleep(for: .milliseconds(50))
      }
      #expect(try await bench.held() == 64)
      #expect(bench.mint.swaps == 1)
    }
  }

  @Test("a payment whose proofs are spent is stuck, its payer served, and the rest is fetched")
  func stolen() async throws {
    try await OfflineBench(.required).running { bench in
      let stolen = try bench.token([16])
      #expect(await bench.ask(stolen) == "allow")
      for _ in 0..<3 { #expect(await bench.ask(try bench.token([16])) == "allow") }
      let secret = try TokenReader.read(stolen.utf8).entries[0].proofs[0].secret
      let Y = Point.hashToCurve(secret.utf8).compressed
      bench.mint.spend([Nullifier(Y)])
      await bench.redeem()
      #expect(try await bench.held() == 48)
      #expect(try await bench.book.account(of: .cashu([Y]))?.state == "stuck")
      #expect(await bench.ask(stolen) == "spent")
      #expect(await bench.ask(try bench.token([16])) == "outage")
    }
  }
}

extension OfflineContractTests {
  @Test(
    "a payment with uses left stays good when its lock is about to end, has ended, or its mint is not trusted"
  )
  func later() async throws {
    for mode in [CashuConfiguration.Offline.preferred, .required] {
      try await OfflineBench(mode).running { bench in
        let token = try bench.token([64], lockedFor: .seconds(3 * 3600))
        #expect(await bench.ask(token) == "allow")
        await bench.redeem()
        bench.clock.advance(by: .seconds(2 * 3600))
        #expect(await bench.ask(token) == "allow")
        bench.clock.advance(by: .seconds(2 * 3600))
        #expect(await bench.ask(token) == "allow")
        bench.failRedemption()
        #expect(await bench.ask(token) == "allow")
        #expect(bench.mint.swaps == 1)
      }
    }
  }

  @Test(
    "a new payment whose lock ends soon is swapped, or refused; one that has ended is refused; neither is a call"
  )
  func tooLate() async throws {
    for (mode, soon) in [(.preferred, "allow"), (.required, "wrong_lock")]
      as [(CashuConfiguration.Offline, String)]
    {
      try await OfflineBench(mode).running { bench in
        let near = try bench.token([16], lockedFor: .seconds(3600))
        #expect(await bench.ask(near) == soon)
        let calls = bench.mint.calls.count
        let past = try bench.token([16], lockedFor: .seconds(-1))
        for _ in 0..<2 { #expect(await bench.ask(past) == "wrong_lock") }
        #expect(bench.mint.calls.count == calls)
        #expect(try await bench.held() == (soon == "allow" ? 16 : 0))
      }
    }
  }
}

/// A gate that takes ecash offline, a memory book, and a clock of its own.
private final class OfflineBench: Sendable {
  let clock = ManualClock()
  let mint: ScriptedMint
  let book: any TreasuryBook
  private let key = LockKey.random()
  private let desk: MintDesk
  private let cashier: Cashier
  private let redeemer: Redeemer
  private let gate: Gate

  init(
    _ mode: CashuConfiguration.Offline, change: (inout CashuConfiguration) -> Void = { _ in }
  ) throws {
    self.mint = try ScriptedMint()
    var configuration = CashuConfiguration(
      mints: [CashuConfiguration.Mint(url: self.mint.url, swapsPerMinute: 1000)], offline: mode)
    change(&configuration)
    self.desk = MintDesk(
      configuration: configuration, seed: .random(), locks: LockKeys([self.key]), transport: self.mint,
      clock: self.clock)
    self.book = MemoryLedger.make(clock: self.clock)
    self.redeemer = Redeemer(desk: self.desk, book: self.book)
    let revocations = Revocations()
    let verifiers = [CashuVerifier(desk: self.desk)]
    self.cashier = Cashier(
      ledger: self.book, verifiers: verifiers, revocations: revocations,
      settings: .init(deadline: .seconds(20)), clock: self.clock)
    let tariff = Tariff(prices: [Amount(10, .sat)], terms: .uses(1))
    let route = Route(
      id: RouteID("paid"), label: "paid", pattern: try PathPattern("/paid/**"), tier: nil,
      access: .priced(tariff), cors: nil, covers: [])
    let passKey = PassKey(id: 1, authenticator: HMACKey(Array("a key".utf8)))
    self.gate = Gate(
      policy: Policy(routes: try RouteTable([route]), fallback: .deny, verifiers: verifiers),
      verifiers: verifiers, passKeys: PassKeys(active: passKey, retiring: []), revocations: revocations,
      cashier: self.cashier, clock: self.clock)
  }

  /// Runs the service beside `body`.
  func running(_ body: @Sendable (OfflineBench) async throws -> Void) async throws {
    await self.desk.keysets.refresh(self.mint.url)
    self.mint.forgetCalls()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await self.cashier.run() }
      defer { self.cashier.stop() }
      try await body(self)
    }
  }

  func token(_ amounts: [UInt64]) throws -> String {
    try self.mint.token(amounts, secret: Lock(self.key, tags: nil).secret)
  }

  func token(_ amounts: [UInt64], lockedFor span: Duration) throws -> String {
    let end = (self.clock.now() + span).seconds
    return try self.mint.token(amounts, secret: Lock(self.key, tags: "[[\"locktime\",\"\(end)\"]]").secret)
  }

  func failRedemption() { self.desk.breakers.failed(self.mint.url, at: self.clock.now()) }

  /// Everything that is accepted has become old.
  func redeem() async {
    self.clock.advance(by: .seconds(600))
    while await self.redeemer.round() == .goOn {}
  }

  func held() async throws -> UInt64 {
    let pieces = try await self.book.pieces(of: self.mint.url.text, in: .sat, limit: 1000)
    return pieces.reduce(0) { $0 + $1.value.value }
  }

  /// `allow`, or the public reason code.
  func ask(_ token: String) async -> String {
    var fields = FieldList()
    fields.append("x-cashu", token.utf8)
    let request = AccessRequest(
      adapter: .envoy, method: .get, target: Array("/paid/x".utf8), host: Array("shop.example".utf8),
      id: [UInt8]?.none, client: nil, fields: fields)
    let decision: Decision
    switch self.gate.rule(on: request) {
    case .decided(let judgement): decision = judgement.decision
    case .pending(let pending): decision = await self.gate.decide(pending).decision
    }
    switch decision {
    case .allow(let allowance):
      if let use = allowance.use { try? await self.book.report(use, .written) }
      return "allow"
    case .paymentRequired(let demand): return demand.reason.code
    case .deny(let denial): return denial.code
    case .unavailable(let outage): return outage.code.rawValue
    }
  }
}
