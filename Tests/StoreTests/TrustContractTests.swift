import Gate
import Store
import TestKit
import Testing

/// What every backend does with payments that are granted before their money is ours.
@Suite(.timeLimit(.minutes(3))) struct TrustContractTests {
  @Test("a trusted payment is granted at once, and its nullifiers are spent", arguments: Backend.allCases)
  func accepted(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let offer = trusted("a", ["1", "2"], value: 20)
    guard case .standing(.granted(let grant)) = try await ledger.claiming(offer) else {
      Issue.record("The payment was not granted.")
      return
    }
    #expect(grant.uses == 2)
    #expect(try await ledger.state("a") == .accepted)
    #expect(try await ledger.account(of: offer.id)?.state == "accepted")
    #expect(try await ledger.account(of: offer.id)?.grant == grant)
    #expect(try await bench.open().standing(of: offer) == .granted(grant))
    #expect(try await ledger.claiming(offer) == .standing(.granted(grant)))
    #expect(try await ledger.claiming(offer, scope: other) == .standing(.otherRoute(offer.id)))
    #expect(try await ledger.claiming(trusted("b", ["2", "3"])) == .standing(.rejected(.spent)))
    #expect(try await ledger.claiming(payment("c", ["1"])) == .standing(.rejected(.spent)))
    #expect(try await ledger.taking(grant.serial) == .taken(0, attempt: 1))
    #expect(try await ledger.due(limit: 10).isEmpty)
    #expect(
      try await ledger.resuming("a").0 == .standing(.granted(try await ledger.standing(of: offer).grant!)))
  }

  @Test("up to the limit payments are trusted, beyond it nobody takes them", arguments: Backend.allCases)
  func refuse(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    #expect(try await ledger.claiming(trusted("a", value: 60, limit: 100)).grant != nil)
    #expect(try await ledger.claiming(trusted("b", value: 40, limit: 100)).grant != nil)
    let outage = await #expect(throws: Outage.self) {
      try await ledger.claiming(trusted("c", limit: 109))
    }
    #expect(outage?.code == .outage)
    #expect(outage?.retryAfterSeconds == 30)
    #expect(outage?.message == "the exposure limit of \(mint) is reached")
    #expect(try await ledger.standing(of: trusted("c")) == .unseen)
    #expect(try await ledger.exposed == 100)
    #expect(try await ledger.claiming(trusted("c", limit: 110)).grant != nil)
    var elsewhere = trusted("d", limit: 10)
    elsewhere.counterpart = "https://other.example"
    #expect(try await ledger.claiming(elsewhere).grant != nil)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("beyond the limit a payment may be settled as any other", arguments: Backend.allCases)
  func settle(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    #expect(try await ledger.claiming(trusted("a", limit: 10, beyond: .settle)).grant != nil)
    var offer = trusted("b", limit: 10, beyond: .settle)
    offer.counters = [CounterRequest(name: "k", count: 2)]
    let claimed = try await ledger.claiming(offer, sending: true)
    let term = try #require(claimed.term)
    #expect(claimed == .claimed(term, starts: [0]))
    #expect(try await ledger.exposed == 20)
    #expect(try await ledger.concluding(term, .settled([piece("b", 10)])).grant != nil)
    #expect(try await ledger.exposed == 10)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("what is in flight counts against the limit until it is settled", arguments: Backend.allCases)
  func openRowsCount(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let term = try #require(try await ledger.claiming(payment("a", value: 90), sending: true).term)
    await #expect(throws: Outage.self) { try await ledger.claiming(trusted("b", value: 20, limit: 100)) }
    _ = try await ledger.concluding(term, .unknown(.lost))
    await #expect(throws: Outage.self) { try await ledger.claiming(trusted("b", value: 20, limit: 100)) }
    _ = try await ledger.concluding(term, .settled([piece("a", 90)]))
    #expect(try await ledger.claiming(trusted("b", value: 20, limit: 100)).grant != nil)
  }

  @Test("of parallel claims no more are trusted than the limit allows", arguments: Backend.allCases)
  func race(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let granted = await withTaskGroup(of: Int.self) { group in
      for index in 0..<24 {
        group.addTask {
          let offer = trusted("p\(index)", limit: 100)
          return (try? await ledgers[index % 2].claiming(offer))?.grant == nil ? 0 : 1
        }
      }
      return await group.reduce(0, +)
    }
    #expect(granted == 10)
    #expect(try await ledgers[0].exposed == 100)
    #expect(try await ledgers[1].countByState() == [.accepted: 10])
  }

  @Test("of parallel claims of one trusted payment all get the one grant", arguments: Backend.allCases)
  func sameRace(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let grants = try await withThrowingTaskGroup(of: Claimed.self) { group in
      for index in 0..<16 { group.addTask { try await ledgers[index % 2].claiming(trusted("a")) } }
      return try await group.reduce(into: Set()) { $0.insert($1.grant?.serial) }
    }
    #expect(grants.count == 1)
    #expect(!grants.contains(nil))
  }

  @Test("what a dead process reserved may be trusted afterwards", arguments: Backend.allCases)
  func reservedByTheDead(backend: Backend) async throws {
    let bench = try Bench(backend)
    let survivor = try bench.open()
    var victim: TransactionalLedger? = try bench.open()
    let owner = try #require(victim?.store.owner)
    for id in ["a", "b"] { _ = try await victim?.claiming(payment(id)) }
    victim = nil
    try await bench.death(of: owner, seenBy: survivor)
    #expect(try await survivor.claiming(trusted("a", limit: 20)).grant != nil)
    #expect(try await survivor.exposed == 20)
    // Its own row counts already: what was beyond the limit still is.
    #expect(try await survivor.claiming(trusted("b", limit: 19, beyond: .settle)).term != nil)
    #expect(try await survivor.exposed == 20)
    #expect(try await survivor.reconcile().differences == [])
  }

  @Test("later redemption changes exposure and treasury, never a use", arguments: Backend.allCases)
  func redemption(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let grant = try #require(try await ledger.claiming(trusted("a", value: 20)).grant)
    bench.clock.advance(by: .seconds(1))
    _ = try await ledger.claiming(trusted("b", value: 10))
    #expect(try await ledger.taking(grant.serial) == .taken(0, attempt: 1))
    let waiting = try await ledger.acceptedPayments(of: mint, limit: 10)
    #expect(waiting.map(\.payment.text) == ["a", "b"])
    #expect(waiting.map(\.plan) == [Array("plan of a".utf8), Array("plan of b".utf8)])
    #expect(waiting.map(\.value.value) == [20, 10])
    #expect(waiting[1].accepted == bench.clock.now())
    #expect(try await ledger.acceptedPayments(of: mint, limit: 1).map(\.payment.text) == ["a"])
    #expect(try await ledger.acceptedPayments(of: "https://other.example", limit: 10).isEmpty)
    let draft = transfer("t", .redemption, value: 30, payments: ["a", "b"])
    let term = try #require(try await ledger.beginning(draft).term)
    #expect(try await ledger.acceptedPayments(of: mint, limit: 10).isEmpty)
    #expect(try await ledger.exposed == 30)
    let effect = TransferEffect(kept: [piece("x", 16), piece("y", 12)], fee: 2)
    #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(PaymentID("t")))
    #expect(try await ledger.exposed == 0)
    #expect(try await ledger.held == 28)
    #expect(try await ledger.state("a") == .settled)
    #expect(try await ledger.payment(PaymentID("a"))?.redemption == PaymentID("t"))
    #expect(try await ledger.standing(of: payment("a")).grant?.usesTaken == 1)
    #expect(try await ledger.taking(grant.serial) == .taken(1, attempt: 1))
    let report = try await ledger.reconcile()
    #expect(report.differences == [])
    #expect(report.accounts.map(\.received) == [30])
    #expect(report.accounts.map(\.fees) == [2])
  }

  @Test(
    "a payment whose money does not come stays granted and booked, and may be tried again",
    arguments: Backend.allCases)
  func lost(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let grant = try #require(try await ledger.claiming(trusted("a")).grant)
    _ = try await ledger.claiming(trusted("b", value: 20))
    let term = try #require(
      try await ledger.beginning(transfer("t", .redemption, value: 30, payments: ["a", "b"])).term)
    let effect = TransferEffect(
      kept: [piece("b", 20)], fee: 0, lost: [PaymentID("a"): "the mint calls it spent"])
    #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(PaymentID("t")))
    #expect(try await ledger.state("a") == .stuck)
    #expect(try await ledger.payment(PaymentID("a"))?.ending.note == "the mint calls it spent")
    #expect(try await ledger.standing(of: payment("a")) == .granted(grant))
    #expect(try await ledger.exposed == 10)
    #expect(try await ledger.acceptedPayments(of: mint, limit: 10).isEmpty)
    #expect(try await ledger.reconcile().accounts.map(\.stuck) == [10])
    #expect(Standing(try await ledger.reopen(PaymentID("a"))) == .granted(grant))
    #expect(try await ledger.acceptedPayments(of: mint, limit: 10).map(\.plan) == [Array("plan of a".utf8)])
    #expect(try await ledger.reconcile().differences == [])
  }
}

extension Claimed {
  var grant: GrantRecord? {
    if case .standing(let standing) = self { standing.grant } else { nil }
  }
}
