@testable import Cashu
import Digest
import Gate
import Octets
import Synchronization
import Testing

/// A till in offline mode with a book and a redeemer.
final class Counting: Sendable {
  let mint: ScriptedMint
  let till: Till
  let book = FakeBook()
  let redeemer: Redeemer
  let events = Mutex<[Redeemer.Event]>([])
  private let key: LockKey

  init(_ mint: ScriptedMint, change: (inout CashuConfiguration) -> Void = { _ in }) async {
    self.mint = mint
    self.key = .random()
    self.till = await offlineTill(.required, mint, keys: [self.key]) {
      $0.mints[0].swapsPerMinute = 1000
      change(&$0)
    }
    let book = self.book
    let events = Relay()
    self.redeemer = Redeemer(desk: self.till.verifier.desk, book: book, report: { events.send($0) })
    events.target.withLock { $0 = self }
  }

  private final class Relay: Sendable {
    let target = Mutex<Counting?>(nil)
    func send(_ event: Redeemer.Event) {
      self.target.withLock { $0 }?.events.withLock { $0.append(event) }
    }
  }

  var clock: StillClock { self.till.clock }
  var lost: [PaymentID] {
    self.events.withLock { events in
      events.compactMap { if case .lost(_, let payment, _) = $0 { payment } else { nil } }
    }
  }

  /// Payments that were accepted now.
  func accept(_ count: Int, _ amounts: [UInt64] = [8, 2], issue: Int = 0, tags: String = "[]") async throws
    -> [VerifiedPayment]
  {
    var payments: [VerifiedPayment] = []
    for _ in 0..<count {
      let payment = try await self.till.payment(
        try self.mint.token(amounts, issue: issue, secret: Lock(self.key, tags: tags).secret))
      self.book.accept(payment, at: self.clock.now())
      payments.append(payment)
    }
    return payments
  }

  /// Rounds until there is nothing more to do now.
  func work() async {
    for _ in 0..<1000 where await self.redeemer.round() == .rest { return }
    Issue.record("the redeemer does not come to rest")
  }

  func recover() async throws {
    for plan in self.book.stored() {
      let settlement = await self.till.verifier.recover(plan, under: self.book.claim(for: plan.payment))
      _ = try await self.book.conclude(ClaimTerm(payment: plan.payment, number: 1), with: settlement)
    }
  }

  func states(_ payments: [VerifiedPayment]) -> [FakeBook.PaymentState] {
    payments.compactMap { self.book.standing(of: $0.id) }
  }
}

@Suite("Redeeming what was accepted")
struct RedeemerTests {
  @Test("enough proofs are swapped together, at once, with our witness")
  func batch() async throws {
    let bench = await Counting(try ScriptedMint(issues: [ScriptedMint.issue(feePpk: 100)]))
    let payments = try await bench.accept(25)
    await bench.work()
    #expect(bench.states(payments) == [FakeBook.PaymentState](repeating: .settled, count: 25))
    #expect(bench.mint.swaps == 1)
    #expect(bench.mint.hasSpent(payments.flatMap(\.nullifiers)))
    #expect(bench.book.fees == 5)
    #expect(bench.book.heldValue == 245)
  }

  @Test("a few wait until they are old, or worth half of what the mint may owe")
  func few() async throws {
    let bench = await Counting(try ScriptedMint()) { $0.mints[0].exposure = 1000 }
    let payments = try await bench.accept(2)
    await bench.work()
    #expect(bench.mint.swaps == 0)
    bench.clock.advance(.seconds(299))
    await bench.work()
    #expect(bench.mint.swaps == 0)
    bench.clock.advance(.seconds(1))
    await bench.work()
    #expect(bench.states(payments) == [.settled, .settled])
    let large = try await bench.accept(1, [512])
    await bench.work()
    #expect(bench.states(large) == [.settled])
  }

  @Test("what a mint that is gone still owes does not keep another's from being fetched, however much it is")
  func gone() async throws {
    let bench = await Counting(try ScriptedMint())
    let model = try await bench.accept(1)[0]
    for number in 0..<Redeemer.maxAccepted {
      var payment = model
      payment.id = PaymentID("gone \(number)")
      payment.counterpart = "https://gone.test"
      bench.book.accept(payment, at: Timestamp(seconds: 0))
    }
    let payments = try await bench.accept(25)
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
  }

  @Test("no call has more proofs than the most")
  func most() async throws {
    let bench = await Counting(try ScriptedMint()) { $0.redemption.mostProofs = 60 }
    let payments = try await bench.accept(70)
    await bench.work()
    bench.clock.advance(.seconds(300))
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
    #expect(bench.mint.swaps == 3)
    #expect(bench.book.heldValue == 700)
  }

  @Test("proofs of several keysets, one of them retired, go in one call and pay the fee of each")
  func keysets() async throws {
    let mint = try ScriptedMint(issues: [
      ScriptedMint.issue(feePpk: 1000), ScriptedMint.issue(feePpk: 100, isActive: false, firstKey: 30),
    ])
    let bench = await Counting(mint)
    let payments = try await bench.accept(5, [16], issue: 0) + bench.accept(10, [16], issue: 1)
    bench.clock.advance(.seconds(300))
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
    #expect(bench.mint.swaps == 1)
    #expect(bench.book.fees == 6)
  }

  @Test("locks that end go first")
  func locktimes() async throws {
    let bench = await Counting(try ScriptedMint()) {
      $0.redemption.mostProofs = 2
      $0.redemption.enoughProofs = 3
    }
    let permanent = try await bench.accept(1)
    let late = try await bench.accept(1, tags: "[[\"locktime\",\"\(Lock.now + 90_000)\"]]")
    let soon = try await bench.accept(1, tags: "[[\"locktime\",\"\(Lock.now + 8000)\"]]")
    #expect(await bench.redeemer.round() == .goOn)
    #expect(bench.states(soon + late + permanent) == [.settled, .accepted, .accepted])
    bench.clock.advance(.seconds(300))
    #expect(await bench.redeemer.round() == .goOn)
    #expect(bench.states(soon + late + permanent) == [.settled, .settled, .accepted])
  }

  @Test("a mint that is down is left alone for longer each time, and then redeems all")
  func outage() async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(25)
    bench.mint.setDown(true)
    for (wait, swaps) in [(0, 1), (4, 1), (1, 2), (9, 2), (1, 3), (19, 3), (1, 4)] {
      bench.clock.advance(.seconds(wait))
      await bench.work()
      #expect(bench.mint.calls.count { $0 == "/v1/swap" } == swaps)
    }
    #expect(bench.states(payments).allSatisfy { $0 == .accepted })
    bench.mint.setDown(false)
    bench.clock.advance(.seconds(120))
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
    #expect(bench.book.heldValue == 250)
  }

  @Test(
    "a lost call or answer is recovered by the book's plan, and nothing is fetched twice",
    arguments: [ScriptedMint.Fault.diesBefore, .diesAfter])
  func lostAnswer(fault: ScriptedMint.Fault) async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(25)
    bench.mint.fail(fault)
    await bench.work()
    #expect(bench.book.transferStates == ["unknown"])
    bench.mint.setDown(false)
    try await bench.recover()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
    #expect(bench.mint.swaps == 1)
    #expect(bench.book.heldValue == 250)
  }

  @Test("a process that dies after the swap loses nothing")
  func death() async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(25)
    bench.book.dieAtConclusion()
    await bench.work()
    #expect(bench.book.heldValue == 0)
    try await bench.recover()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
    #expect(bench.mint.swaps == 1)
    #expect(bench.book.heldValue == 250)
  }

  @Test(
    "of a batch with a payment that is spent, that one is lost, and the rest is redeemed; the breaker opens")
  func spent() async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(30)
    bench.mint.spend([payments[7].nullifiers[1]])
    await bench.work()
    #expect(bench.lost == [payments[7].id])
    for (index, state) in bench.states(payments).enumerated() where index != 7 { #expect(state == .settled) }
    guard case .stuck = bench.book.standing(of: payments[7].id) else {
      Issue.record("the payment that is spent is not stuck")
      return
    }
    #expect(bench.mint.calls.count { $0 == "/v1/swap" } == 3)
    #expect(bench.book.heldValue == 290)
    #expect(bench.till.verifier.desk.breakers.grade(of: bench.mint.url, at: bench.clock.now()) == .open)
  }

  @Test("a payment that the mint refuses is found by halves, and lost when the mint takes others")
  func refused() async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(32)
    bench.mint.refuse([payments[11].nullifiers[0]])
    await bench.work()
    #expect(bench.states(payments).count { $0 == .settled } == 31)
    #expect(bench.book.standing(of: payments[11].id) == .accepted)
    bench.clock.advance(.seconds(61))
    await bench.work()
    #expect(bench.lost == [payments[11].id])
    #expect(bench.book.heldValue == 310)
  }

  @Test("a mint that refuses everything loses nobody's payment")
  func refusesAll() async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(26)
    bench.mint.refuse(payments.flatMap(\.nullifiers))
    await bench.work()
    for _ in 0..<5 {
      bench.clock.advance(.seconds(3600))
      await bench.work()
    }
    #expect(bench.lost.isEmpty)
    bench.mint.refuse([])
    bench.clock.advance(.seconds(3600))
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
  }

  @Test("a keyset that the mint retired in between is replaced for the next try")
  func keysetChanged() async throws {
    let old = ScriptedMint.issue()
    let bench = await Counting(try ScriptedMint(issues: [old]))
    let payments = try await bench.accept(25)
    var retired = old
    retired.keyset.isActive = false
    bench.mint.setIssues([retired, ScriptedMint.issue(firstKey: 30)])
    await bench.work()
    await bench.till.verifier.desk.keysets.refresh(bench.mint.url)
    bench.clock.advance(.seconds(10))
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
  }

  @Test("what another process has taken is left to it")
  func others() async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(25)
    let second = Redeemer(desk: bench.till.verifier.desk, book: bench.book)
    async let first = bench.redeemer.round()
    async let other = second.round()
    _ = await (first, other)
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
    #expect(bench.book.heldValue == 250)
  }

  @Test("a book that is out stops nothing for ever")
  func blind() async throws {
    let bench = await Counting(try ScriptedMint())
    let payments = try await bench.accept(25)
    bench.book.setOut(true)
    await bench.work()
    #expect(bench.mint.swaps == 0)
    bench.book.setOut(false)
    await bench.work()
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
  }

  @Test("redemptions keep to the mint's budget")
  func budget() async throws {
    let bench = await Counting(try ScriptedMint()) {
      $0.mints[0].swapsPerMinute = 1
      $0.redemption.mostProofs = 50
    }
    let payments = try await bench.accept(50)
    await bench.work()
    #expect(bench.mint.swaps == 1)
    bench.clock.advance(.seconds(61))
    await bench.work()
    #expect(bench.mint.swaps == 2)
    #expect(bench.states(payments).allSatisfy { $0 == .settled })
  }

  @Test("a plan survives its encoding, and other bytes are no plan", arguments: PlanKind.allCases)
  func encoding(kind: PlanKind) async throws {
    let mint = try ScriptedMint()
    let bench = await Counting(mint)
    let payments = try await bench.accept(3)
    let candidates = try payments.map { payment in
      RedemptionCandidate(
        payment: payment.id, accepted: bench.clock.now(), value: payment.value.value,
        inputs: try #require(SwapPlan(decoding: payment.plan)).inputs)
    }
    let keyset = try #require(bench.till.verifier.desk.keysets.active(at: mint.url))
    let plan = try #require(RedemptionPlan(candidates, at: mint.url, unit: .sat, keyset: keyset, fee: 1))
    #expect(RedemptionPlan(decoding: plan.encoded()) == plan)
    #expect(PlanKind(of: plan.encoded()) == .redemption)
    var large = candidates[0]
    large.inputs = (0..<SwapPlan.mostInputs).map { large.inputs[$0 % 2] }
    let most = try #require(RedemptionPlan([large], at: mint.url, unit: .sat, keyset: keyset, fee: 1))
    #expect(RedemptionPlan(decoding: most.encoded()) == most)
    #expect(PlanKind(of: payments[0].plan) == .swap)
    #expect(RedemptionPlan(decoding: payments[0].plan) == nil)
    #expect(PlanKind(of: CBORWriter.write(.record([PlanKind.member: .text(kind.rawValue)]))) == kind)
    #expect(PlanKind(of: CBORWriter.write(.record([PlanKind.member: .text("other")]))) == nil)
    #expect(PlanKind(of: [0xFF]) == nil)
    #expect(RedemptionPlan(candidates, at: mint.url, unit: .sat, keyset: keyset, fee: 30) == nil)
  }

  @Test("plans that nobody here can carry out are for a person to look at")
  func strangers() async throws {
    let bench = await Counting(try ScriptedMint())
    for bytes in [CBORWriter.write(.record([PlanKind.member: .text("melt")])), [0xFF]] {
      let plan = SettlementPlan(
        payment: PaymentID("x"), value: Amount(1, .sat), counterpart: "", plan: bytes, counterStarts: [0],
        progress: .maybeSent)
      let settlement = await bench.till.verifier.recover(plan, under: bench.book.claim(for: PaymentID("x")))
      #expect(settlement.name == "stuck")
    }
  }
}
