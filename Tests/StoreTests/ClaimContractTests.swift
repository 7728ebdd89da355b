import Gate
import Store
import TestKit
import Testing

/// What every backend does with claims.
@Suite(.timeLimit(.minutes(3))) struct ClaimContractTests {
  @Test("a payment never seen is unseen, and changes nothing by being looked at", arguments: Backend.allCases)
  func unseen(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    #expect(try await ledger.standing(of: payment("a")) == .unseen)
    #expect(try await ledger.payments(limit: 10).isEmpty)
  }

  @Test(
    "of 32 parallel claims one gets the payment, the others see it in flight", arguments: Backend.allCases)
  func race(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let outcomes = try await withThrowingTaskGroup(of: Claimed.self) { group in
      for index in 0..<32 { group.addTask { try await ledgers[index % 2].claiming(payment("a")) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0.term != nil } == 1)
    #expect(outcomes.count { $0 == .standing(.inFlight(PaymentID("a"))) } == 31)
  }

  @Test("of parallel claims that share one nullifier one gets it", arguments: Backend.allCases)
  func sharedNullifierRace(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let outcomes = try await withThrowingTaskGroup(of: Claimed.self) { group in
      for index in 0..<16 {
        group.addTask {
          try await ledgers[index % 2].claiming(payment("p\(index)", ["shared", "own \(index)"]))
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let winner = try #require(outcomes.compactMap(\.term).first)
    #expect(outcomes.count { $0 == .standing(.inFlight(winner.payment)) } == 15)
  }

  @Test(
    "a settled payment is granted for its scope, and is another route's everywhere else",
    arguments: Backend.allCases)
  func scope(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let grant = try await ledger.granted(payment("a"))
    #expect(grant.scope == paid)
    #expect(grant.paid == Amount(10, .sat))
    #expect(grant.uses == 1)
    #expect(try await ledger.standing(of: payment("a")) == .granted(grant))
    #expect(try await ledger.standing(of: payment("a"), scope: other) == .otherRoute(PaymentID("a")))
    #expect(try await ledger.claiming(payment("a"), scope: other) == .standing(.otherRoute(PaymentID("a"))))
    let elsewhere = GrantScope(route: paid.route, host: "other.example")
    #expect(try await ledger.standing(of: payment("a"), scope: elsewhere) == .otherRoute(PaymentID("a")))
  }

  @Test("a payment below its price is refused and leaves no row", arguments: Backend.allCases)
  func tooLittle(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    #expect(try await ledger.claiming(payment("a", value: 9)) == .standing(.rejected(.tooLittle)))
    #expect(try await ledger.claiming(payment("a", value: .max)) == .standing(.rejected(.malformed)))
    #expect(try await ledger.payments(limit: 10).isEmpty)
    #expect(try await ledger.claiming(payment("a")).term != nil)
  }

  @Test(
    "a nullifier of another payment is spent once that one settled, and undecided before",
    arguments: Backend.allCases)
  func sharedNullifier(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let first = payment("a", ["1", "2"])
    let second = payment("b", ["2", "3"])
    let term = try #require(try await ledger.claiming(first, sending: true).term)
    #expect(try await ledger.standing(of: second) == .inFlight(first.id))
    #expect(try await ledger.claiming(second) == .standing(.inFlight(first.id)))
    #expect(try await ledger.concluding(term, .unknown(.lost)) == .unknown(first.id, dueIn: .seconds(1)))
    #expect(try await ledger.claiming(second) == .standing(.unknown(first.id, dueIn: .seconds(1))))
    #expect(try await ledger.concluding(term, .settled([])).grant != nil)
    #expect(try await ledger.standing(of: second) == .rejected(.spent))
    #expect(try await ledger.claiming(second) == .standing(.rejected(.spent)))
    #expect(try await ledger.claiming(payment("c", ["3"])).term != nil)
  }

  @Test("a stuck payment keeps its nullifiers", arguments: Backend.allCases)
  func stuck(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let term = try #require(try await ledger.claiming(payment("a"), sending: true).term)
    #expect(try await ledger.concluding(term, .stuck(note: "pending at the mint")) == .stuck(PaymentID("a")))
    #expect(try await ledger.claiming(payment("a")) == .standing(.stuck(PaymentID("a"))))
    #expect(try await ledger.claiming(payment("b", ["a"])) == .standing(.rejected(.spent)))
    #expect(try await ledger.resuming("a").0 == .standing(.stuck(PaymentID("a"))))
    #expect(try await ledger.payment(PaymentID("a"))?.ending.note == "pending at the mint")
    #expect(Standing(try await ledger.reopen(PaymentID("a"))) == .unknown(PaymentID("a"), dueIn: .zero))
    #expect(try await ledger.resuming("a").1?.plan == Array("plan of a".utf8))
  }

  @Test(
    "a refused payment keeps what its counterpart calls spent and frees the rest", arguments: Backend.allCases
  )
  func rejected(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let first = payment("a", ["1", "2"])
    let term = try #require(try await ledger.claiming(first, sending: true).term)
    let refusal = Settlement.rejected(.spent, spent: [first.nullifiers[0], Nullifier([9])])
    #expect(try await ledger.concluding(term, refusal) == .rejected(.spent))
    #expect(try await ledger.concluding(term, refusal) == .rejected(.spent))
    #expect(try await ledger.standing(of: first) == .rejected(.spent))
    #expect(try await ledger.claiming(first) == .standing(.rejected(.spent)))
    #expect(try await ledger.claiming(payment("b", ["1", "3"])) == .standing(.rejected(.spent)))
    #expect(try await ledger.claiming(payment("c", ["2"])).term != nil)
    #expect(try await ledger.claiming(payment("d", ["\u{9}"])).term != nil)
  }

  @Test(
    "a payment refused as spent stays so, also where nobody knows which of its nullifiers is",
    arguments: Backend.allCases)
  func spentAsAWhole(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let first = payment("a", ["1", "2"])
    let term = try #require(try await ledger.claiming(first, sending: true).term)
    #expect(try await ledger.concluding(term, .rejected(.spent, spent: [])) == .rejected(.spent))
    #expect(try await ledger.standing(of: first) == .rejected(.spent))
    #expect(try await ledger.claiming(first) == .standing(.rejected(.spent)))
    #expect(try await ledger.resuming("a").0 == .standing(.rejected(.spent)))
    #expect(try await ledger.claiming(payment("b", ["1"])).term != nil)
    #expect(try await ledger.claiming(payment("c", ["2"])).term != nil)
  }

  @Test("a payment refused with nothing spent may be tried again", arguments: Backend.allCases)
  func rejectedAndFree(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let term = try #require(try await ledger.claiming(payment("a"), sending: true).term)
    #expect(try await ledger.concluding(term, .rejected(.invalid, spent: [])) == .rejected(.invalid))
    #expect(try await ledger.standing(of: payment("a")) == .unseen)
    #expect(try await ledger.granted(payment("a")).payment == PaymentID("a"))
  }

  @Test("a payment that was never sent is free again, but its counters are not", arguments: Backend.allCases)
  func notSent(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let offer = payment("a", counters: [.init(name: "k", count: 3), .init(name: "l", count: 1)])
    let first = try await ledger.claiming(offer)
    let term = try #require(first.term)
    #expect(first == .claimed(term, starts: [0, 0]))
    #expect(try await ledger.concluding(term, .notSent(Outage(.outage, "no route"))) == .unseen)
    #expect(try await ledger.concluding(term, .notSent(Outage(.outage, "no route"))) == .unseen)
    #expect(try await ledger.standing(of: offer) == .unseen)
    let second = try await ledger.claiming(offer)
    #expect(second == .claimed(try #require(second.term), starts: [3, 1]))
  }

  @Test("no two claims get the same counter numbers", arguments: Backend.allCases)
  func counters(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let starts = try await withThrowingTaskGroup(of: [UInt64].self) { group in
      for index in 0..<24 {
        group.addTask {
          let offer = payment("p\(index)", counters: [.init(name: "k", count: 2)])
          guard case .claimed(_, let starts) = try await ledgers[index % 2].claiming(offer) else { return [] }
          return starts
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(starts.sorted() == (0..<24).map { $0 * 2 })
  }

  @Test(
    "a conclusion made twice is the same conclusion, and the money is counted once",
    arguments: Backend.allCases)
  func idempotent(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let term = try #require(try await ledger.claiming(payment("a"), sending: true).term)
    let money = Settlement.settled([piece("x", 8), piece("y", 2)])
    let first = try await ledger.concluding(term, money)
    #expect(first.grant != nil)
    #expect(try await ledger.concluding(term, money) == first)
    #expect(try await ledger.concluding(term, .unknown(.lost)) == first)
    #expect(try await ledger.concluding(term, .notSent(.lost)) == first)
    let again = try #require(try await ledger.claiming(payment("b"), sending: true).term)
    _ = try await ledger.concluding(again, .settled([piece("x", 8), piece("z", 1)]))
    #expect(
      try await ledger.balances() == [
        TreasuryBalance(
          counterpart: "https://mint.example", series: "00aa", amount: Amount(11, .sat), pieces: 3)
      ])
  }

  @Test("what was bought counts from the moment it settled", arguments: Backend.allCases)
  func purchase(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let hour = Tariff(prices: [Amount(10, .sat)], terms: .usesWithin(3, .seconds(3600)))
    let term = try #require(
      try await ledger.claiming(payment("a", value: 25), tariff: hour, sending: true).term)
    bench.clock.advance(by: .seconds(5))
    let grant = try #require(try await ledger.concluding(term, .settled([])).grant)
    #expect(grant.uses == 6)
    #expect(grant.end == bench.clock.now() + .seconds(7200))
  }
}
