import Gate
import Store
import TestKit
import Testing

/// What every backend does with payments whose process or answer was lost.
@Suite(.timeLimit(.minutes(3))) struct RecoveryContractTests {
  @Test("a living owner's payment is not taken over before its lease ends", arguments: Backend.allCases)
  func living(backend: Backend) async throws {
    let bench = try Bench(backend)
    let (first, second) = (try bench.open(), try bench.open())
    let term = try #require(try await first.claiming(payment("a"), sending: true).term)
    #expect(try await second.resuming("a").0 == .standing(.inFlight(PaymentID("a"))))
    #expect(try await second.due(limit: 10).isEmpty)
    bench.clock.advance(by: lease)
    #expect(try await second.standing(of: payment("a")) == .unknown(PaymentID("a"), dueIn: .zero))
    #expect(try await second.due(limit: 10).map(\.payment) == [PaymentID("a")])
    let (taken, plan) = try await second.resuming("a")
    #expect(taken.term != nil)
    #expect(plan?.progress == .maybeSent)
    #expect(plan?.plan == Array("plan of a".utf8))
    // The first comes back too late: what it says is not written down.
    for settlement in [
      Settlement.notSent(.lost), .void(.lost), .unknown(.lost), .rejected(.invalid, spent: []), .settled([]),
    ] {
      #expect(try await first.concluding(term, settlement) == .inFlight(PaymentID("a")))
    }
    #expect(try await second.concluding(try #require(taken.term), .settled([])).grant != nil)
    #expect(try await first.concluding(term, .notSent(.lost)).grant != nil)
  }

  @Test(
    "a dead owner's payment is taken over at once, with its plan and counters", arguments: Backend.allCases)
  func dead(backend: Backend) async throws {
    let bench = try Bench(backend)
    let survivor = try bench.open()
    var victim: TransactionalLedger? = try bench.open()
    let owner = try #require(victim?.store.owner)
    let offer = payment("a", counters: [.init(name: "k", count: 4)])
    _ = try await victim?.claiming(payment("z", counters: [.init(name: "k", count: 4)]))
    _ = try await victim?.claiming(offer, sending: true)
    victim = nil
    try await bench.death(of: owner, seenBy: survivor)
    #expect(Set(try await survivor.due(limit: 10).map(\.payment.text)) == ["a", "z"])
    let (taken, plan) = try await survivor.resuming("a")
    #expect(taken == .claimed(try #require(taken.term), starts: [4]))
    #expect(plan?.counterStarts == [4])
    #expect(plan?.progress == .maybeSent)
    #expect(try await survivor.resuming("z").1?.progress == .notSent)
    #expect(try await survivor.due(limit: 10).isEmpty)
  }

  @Test("of many who resume one payment one gets it", arguments: Backend.allCases)
  func race(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    _ = try await ledgers[0].claiming(payment("a"), sending: true)
    bench.clock.advance(by: lease)
    let outcomes = try await withThrowingTaskGroup(of: Claimed.self) { group in
      for index in 0..<16 { group.addTask { try await ledgers[index % 2].resuming("a").0 } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0.term != nil } == 1)
    #expect(outcomes.count { $0 == .standing(.inFlight(PaymentID("a"))) } == 15)
  }

  @Test("what a dead process reserved and never sent may be claimed afresh", arguments: Backend.allCases)
  func reservedByTheDead(backend: Backend) async throws {
    let bench = try Bench(backend)
    let survivor = try bench.open()
    let offer = payment("a", ["1", "2"], counters: [.init(name: "k", count: 4)])
    var victim: TransactionalLedger? = try bench.open()
    let owner = try #require(victim?.store.owner)
    let old = try #require(try await victim?.claiming(offer).term)
    victim = nil
    try await bench.death(of: owner, seenBy: survivor)
    #expect(try await survivor.standing(of: offer) == .unseen)
    // Another payment with one of its nullifiers waits until it is decided.
    #expect(try await survivor.claiming(payment("b", ["2"])) == .standing(.unknown(offer.id, dueIn: .zero)))
    let again = try await survivor.claiming(offer)
    #expect(again == .claimed(try #require(again.term), starts: [4]))
    #expect(try await survivor.concluding(old, .notSent(.lost)) == .inFlight(offer.id))
  }

  @Test("a claim that was taken over makes no further irreversible call", arguments: Backend.allCases)
  func staleClaim(backend: Backend) async throws {
    let bench = try Bench(backend)
    let (first, second) = (try bench.open(), try bench.open())
    let reservation = Reservation(payment: payment("a"), scope: paid, tariff: tenForOne, lease: lease)
    guard case .claimed(let claim) = try await first.claim(reservation) else { throw Outage.lost }
    try await claim.progressed(to: Array("step two".utf8))
    bench.clock.advance(by: lease)
    await #expect(throws: Outage.self, "the lease has ended") { try await claim.willSend() }
    #expect(try await second.resuming("a").1?.plan == Array("step two".utf8))
    await #expect(throws: Outage.self) { try await claim.willSend() }
    await #expect(throws: Outage.self) { try await claim.progressed(to: []) }
  }

  @Test(
    "an unanswered payment is asked about once per back-off step: 1 s, doubling to 5 min",
    arguments: Backend.allCases)
  func backOff(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let id = PaymentID("a")
    var term = try #require(try await ledger.claiming(payment("a"), sending: true).term)
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
      #expect(try await ledger.concluding(term, .unknown(.lost)) == .unknown(id, dueIn: .seconds(seconds)))
      #expect(try await ledger.concluding(term, .unknown(.lost)) == .unknown(id, dueIn: .seconds(seconds)))
      bench.clock.advance(by: .seconds(seconds) - .milliseconds(1))
      #expect(try await ledger.resuming("a").0 == .standing(.unknown(id, dueIn: .milliseconds(1))))
      #expect(try await ledger.due(limit: 1).isEmpty)
      bench.clock.advance(by: .milliseconds(1))
      #expect(try await ledger.due(limit: 1).map(\.payment) == [id])
      term = try #require(try await ledger.resuming("a").0.term)
      #expect(try await ledger.due(limit: 1).isEmpty)
    }
  }

  @Test(
    "a recovery that could not send frees nothing, for the first call may have arrived",
    arguments: Backend.allCases)
  func notSentInRecovery(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    _ = try await ledger.claiming(payment("a"), sending: true)
    bench.clock.advance(by: lease)
    let term = try #require(try await ledger.resuming("a").0.term)
    guard case .unknown = try await ledger.concluding(term, .notSent(.lost)) else {
      Issue.record("The payment was freed.")
      return
    }
    #expect(try await ledger.claiming(payment("b", ["a"])).term == nil)
  }

  @Test("a plan that is proven void frees its payment, whatever was sent", arguments: Backend.allCases)
  func voidInRecovery(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    _ = try await ledger.claiming(payment("a"), sending: true)
    bench.clock.advance(by: lease)
    let term = try #require(try await ledger.resuming("a").0.term)
    #expect(try await ledger.concluding(term, .void(.lost)) == .unseen)
    #expect(try await ledger.claiming(payment("a"), sending: true).term != nil)
  }

  @Test("what is settled keeps no plan; what is unknown keeps it", arguments: Backend.allCases)
  func plans(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    _ = try await ledger.granted(payment("a"))
    let term = try #require(try await ledger.claiming(payment("b"), sending: true).term)
    _ = try await ledger.concluding(term, .unknown(.lost))
    let plans = try await ledger.store.read { rows throws(Outage) in
      try rows.payments(in: nil, limit: 10).reduce(into: [:]) { $0[$1.id.text] = $1.plan }
    }
    #expect(plans == ["a": [], "b": Array("plan of b".utf8)])
  }

  @Test("recovery takes the oldest first, and no more than asked for", arguments: Backend.allCases)
  func order(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    for name in ["c", "a", "b"] {
      _ = try await ledger.claiming(payment(name), sending: true)
      bench.clock.advance(by: .seconds(1))
    }
    bench.clock.advance(by: lease)
    #expect(try await ledger.due(limit: 2).map(\.payment.text) == ["c", "a"])
  }
}
