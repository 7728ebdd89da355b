import Gate
import Store
import TestKit
import Testing

/// What every backend does with the treasury's own movements.
@Suite(.timeLimit(.minutes(3))) struct TransferContractTests {
  private static let (large, small) = (piece("large", 8), piece("small", 2))

  /// A book that holds ten, in two pieces.
  private static func open(_ backend: Backend) async throws -> (Bench, TransactionalLedger) {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    try await ledger.holding([Self.large, Self.small])
    return (bench, ledger)
  }

  @Test("held pieces are told largest first, of one counterpart and unit", arguments: Backend.allCases)
  func pieces(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let pieces = try await ledger.pieces(of: mint, in: .sat, limit: 10)
    #expect(pieces.map(\.value.value) == [8, 2])
    #expect(pieces.map(\.bearer) == [Self.large.bearer, Self.small.bearer])
    #expect(try await ledger.pieces(of: mint, in: .sat, limit: 1).map(\.value.value) == [8])
    #expect(try await ledger.pieces(of: mint, in: Amount.Unit("usd"), limit: 10).isEmpty)
    #expect(try await ledger.pieces(of: "https://other.example", in: .sat, limit: 10).isEmpty)
  }

  @Test("an export takes its pieces, keeps the change and remembers what left", arguments: Backend.allCases)
  func export(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let draft = transfer(
      "t", value: 10, pieces: [Self.large, Self.small], counters: [CounterRequest(name: "k", count: 3)])
    let claimed = try await ledger.beginning(draft)
    let term = try #require(claimed.term)
    #expect(claimed == .claimed(term, starts: [0]))
    #expect(try await ledger.held == 0)
    #expect(try await ledger.locked == 10)
    #expect(try await ledger.pieces(of: mint, in: .sat, limit: 10).isEmpty)
    #expect(try await ledger.beginning(draft) == .standing(.inFlight(PaymentID("t"))))
    #expect(
      try await ledger.beginning(transfer("u", value: 8, pieces: [Self.large])).standing
        == .inFlight(term.payment))
    let effect = TransferEffect(kept: [piece("change", 4)], exported: [piece("out", 5)], left: 5, fee: 1)
    #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(PaymentID("t")))
    #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(PaymentID("t")))
    #expect(try await ledger.beginning(draft) == .standing(.transferred(PaymentID("t"))))
    #expect(try await ledger.held == 4)
    #expect(try await ledger.locked == 0)
    #expect(try await ledger.exported(in: PaymentID("t")).map(\.bearer) == [piece("out", 5).bearer])
    #expect(try await ledger.exported(in: PaymentID("u")).isEmpty)
    #expect(try await ledger.payment(PaymentID("t"))?.kind == .export)
    #expect(try await ledger.payment(PaymentID("t"))?.ending.outflow == 5)
    #expect(try await ledger.account(of: PaymentID("t")) == nil)
    #expect(try await ledger.countByState() == [.settled: 2])
    let report = try await ledger.reconcile()
    #expect(report.differences == [])
    #expect(report.accounts.map(\.exported) == [5])
    #expect(report.accounts.map(\.fees) == [1])
    await #expect(throws: Outage.self, "its pieces are spent") {
      try await ledger.beginning(transfer("v", value: 8, pieces: [Self.large]))
    }
  }

  @Test("pieces may leave just as they are", arguments: Backend.allCases)
  func exportOfInputs(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let term = try #require(
      try await ledger.beginning(transfer("t", value: 10, pieces: [Self.large, Self.small])).term)
    let effect = TransferEffect(kept: [Self.small], exported: [Self.large], left: 8, fee: 0)
    #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(term.payment))
    #expect(try await ledger.exported(in: term.payment).map(\.bearer) == [Self.large.bearer])
    #expect(try await ledger.pieces(of: mint, in: .sat, limit: 9).map(\.bearer) == [Self.small.bearer])
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("a melt pays, and keeps its proof for the operator", arguments: Backend.allCases)
  func melt(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let term = try #require(
      try await ledger.beginning(transfer("t", .melt, value: 10, pieces: [Self.large, Self.small])).term)
    let effect = TransferEffect(kept: [piece("change", 1)], left: 7, fee: 2, note: "preimage 00ff")
    #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(term.payment))
    #expect(try await ledger.payment(term.payment)?.ending.note == "preimage 00ff")
    let report = try await ledger.reconcile()
    #expect(report.differences == [])
    #expect(report.accounts.map(\.paid) == [7])
  }

  @Test(
    "an effect that does not add up is an outage and changes nothing", arguments: Backend.allCases,
    [
      TransferEffect(kept: [piece("k", 5)], exported: [piece("e", 4)], left: 4, fee: 0),
      TransferEffect(kept: [piece("k", 5)], exported: [piece("e", 5)], left: 5, fee: 1),
      TransferEffect(kept: [piece("k", 5)], exported: [piece("e", 4)], left: 5, fee: 0),
      TransferEffect(kept: [piece("k", 5)], left: 5, fee: 0),
      TransferEffect(kept: [piece("k", 10)], fee: 0, lost: [PaymentID("for secret large"): "gone"]),
    ])
  func effects(backend: Backend, effect: TransferEffect) async throws {
    let (_, ledger) = try await Self.open(backend)
    let term = try #require(
      try await ledger.beginning(transfer("t", value: 10, pieces: [Self.large, Self.small])).term)
    let outage = await #expect(throws: Outage.self) {
      try await ledger.concluding(term, .transferred(effect))
    }
    #expect(outage?.message.contains("transfer") == true)
    #expect(try await ledger.state("t") == .settling)
    #expect(try await ledger.locked == 10)
    #expect(try await ledger.held == 0)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("money of another row cannot be kept a second time", arguments: Backend.allCases)
  func keptTwice(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let term = try #require(try await ledger.beginning(transfer("t", value: 8, pieces: [Self.large])).term)
    await #expect(throws: Outage.self) {
      try await ledger.concluding(
        term, .transferred(TransferEffect(kept: [Self.small, piece("k", 6)], fee: 0)))
    }
    #expect(try await ledger.held == 2)
  }

  @Test(
    "a draft whose inputs are not there, or are not its value, takes nothing", arguments: Backend.allCases)
  func drafts(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    _ = try await ledger.claiming(payment("open"))
    var elsewhere = transfer("t", value: 8, pieces: [Self.large])
    elsewhere.counterpart = "https://other.example"
    var dollars = transfer("t", value: 8, pieces: [Self.large])
    dollars.value = Amount(8, Amount.Unit("usd"))
    let drafts = [
      transfer("t", value: 9, pieces: [Self.large]),
      transfer("t", value: 9, pieces: [Self.large, piece("no", 1)]),
      transfer("t", value: 16, pieces: [Self.large, Self.large]), elsewhere, dollars,
      transfer("t", .redemption, value: 10, payments: ["open"]),
      transfer("t", .redemption, value: 10, payments: ["nobody's"]),
      transfer("t", .redemption, value: 8, payments: ["for secret large"]),
    ]
    for draft in drafts { await #expect(throws: Outage.self) { try await ledger.beginning(draft) } }
    #expect(try await ledger.payment(PaymentID("t")) == nil)
    #expect(try await ledger.held == 10)
    #expect(try await ledger.beginning(transfer("t", value: 8, pieces: [Self.large])).term != nil)
  }

  @Test("a draft that meets another's inputs takes none of its own", arguments: Backend.allCases)
  func contested(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    _ = try await ledger.claiming(trusted("a"))
    _ = try await ledger.claiming(trusted("b"))
    _ = try await ledger.beginning(transfer("t", value: 8, pieces: [Self.large]))
    _ = try await ledger.beginning(transfer("r", .redemption, value: 10, payments: ["a"]))
    #expect(
      try await ledger.beginning(transfer("u", value: 10, pieces: [Self.small, Self.large])).standing
        == .inFlight(PaymentID("t")))
    #expect(
      try await ledger.beginning(transfer("s", .redemption, value: 20, payments: ["b", "a"])).standing
        == .inFlight(PaymentID("r")))
    #expect(try await ledger.held == 2)
    #expect(try await ledger.acceptedPayments(of: mint, limit: 9).map(\.payment.text) == ["b"])
    #expect(try await ledger.payment(PaymentID("u")) == nil)
  }

  @Test("of many who begin transfers of one piece one gets it", arguments: Backend.allCases)
  func race(backend: Backend) async throws {
    let (bench, first) = try await Self.open(backend)
    let ledgers = [first, try bench.open()]
    let outcomes = try await withThrowingTaskGroup(of: Claimed.self) { group in
      for index in 0..<12 {
        group.addTask {
          try await ledgers[index % 2].beginning(
            transfer("t\(index)", value: 8, pieces: [Self.large]), sending: false)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let winner = try #require(outcomes.compactMap(\.term).first)
    #expect(outcomes.count { $0 == .standing(.inFlight(winner.payment)) } == 11)
  }

  @Test(
    "a transfer that did not happen lets its inputs go and leaves no row", arguments: Backend.allCases,
    [Settlement.notSent(.lost), .void(.lost)])
  func notSent(backend: Backend, settlement: Settlement) async throws {
    let (_, ledger) = try await Self.open(backend)
    _ = try await ledger.claiming(trusted("a"))
    let export = try #require(try await ledger.beginning(transfer("t", value: 8, pieces: [Self.large])).term)
    let redemption = transfer("r", .redemption, value: 10, payments: ["a"])
    let term = try #require(try await ledger.beginning(redemption).term)
    #expect(try await ledger.concluding(export, settlement) == .unseen)
    #expect(try await ledger.concluding(term, settlement) == .unseen)
    #expect(try await ledger.held == 10)
    #expect(try await ledger.acceptedPayments(of: mint, limit: 9).map(\.payment.text) == ["a"])
    #expect(try await ledger.payment(export.payment) == nil)
    #expect(try await ledger.exposed == 10)
    #expect(try await ledger.reconcile().differences == [])
    #expect(try await ledger.beginning(redemption).term != nil)
  }

  @Test("a transfer that was refused lets its inputs go and is remembered", arguments: Backend.allCases)
  func rejected(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let draft = transfer("t", value: 8, pieces: [Self.large])
    let term = try #require(try await ledger.beginning(draft).term)
    #expect(try await ledger.concluding(term, .rejected(.invalid, spent: [])) == .rejected(.invalid))
    #expect(try await ledger.beginning(draft) == .standing(.rejected(.invalid)))
    #expect(try await ledger.state("t") == .rejected)
    #expect(try await ledger.held == 10)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test(
    "a transfer without an end keeps its inputs locked", arguments: Backend.allCases,
    [Settlement.unknown(.lost), .stuck(note: "pending at the mint")])
  func open(backend: Backend, settlement: Settlement) async throws {
    let (bench, ledger) = try await Self.open(backend)
    _ = try await ledger.claiming(trusted("a"))
    let draft = transfer("t", .redemption, value: 18, payments: ["a"], pieces: [Self.large])
    let term = try #require(try await ledger.beginning(draft).term)
    _ = try await ledger.concluding(term, settlement)
    #expect(try await ledger.locked == 8)
    #expect(try await ledger.acceptedPayments(of: mint, limit: 9).isEmpty)
    #expect(try await ledger.exposed == 10)
    #expect(try await ledger.reconcile().differences == [])
    _ = try await ledger.reopen(PaymentID("t"))
    bench.clock.advance(by: .seconds(1))
    #expect(try await ledger.due(limit: 9).map(\.payment.text) == ["t"])
    let (taken, plan) = try await ledger.resuming("t")
    #expect(plan?.plan == draft.plan)
    #expect(plan?.value == draft.value)
    // Asked again and not sent: the first call may have arrived.
    let next = try #require(taken.term)
    guard case .unknown = try await ledger.concluding(next, .notSent(.lost)) else {
      Issue.record("The inputs were let go.")
      return
    }
    #expect(try await ledger.locked == 8)
    #expect(
      try await ledger.concluding(next, .transferred(TransferEffect(kept: [piece("k", 18)], fee: 0)))
        == .transferred(PaymentID("t")))
    #expect(try await ledger.held == 20)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("a dead process's transfer is finished by another, with its plan", arguments: Backend.allCases)
  func dead(backend: Backend) async throws {
    let (bench, survivor) = try await Self.open(backend)
    var victim: TransactionalLedger? = try bench.open()
    let owner = try #require(victim?.store.owner)
    let draft = transfer("t", value: 8, pieces: [Self.large], counters: [CounterRequest(name: "k", count: 2)])
    let old = try #require(try await victim?.beginning(draft).term)
    _ = try await victim?.beginning(transfer("u", value: 2, pieces: [Self.small]), sending: false)
    victim = nil
    try await bench.death(of: owner, seenBy: survivor)
    #expect(Set(try await survivor.due(limit: 9).map(\.payment.text)) == ["t", "u"])
    #expect(try await survivor.beginning(draft) == .standing(.unknown(draft.id, dueIn: .zero)))
    let (taken, plan) = try await survivor.resuming("t")
    #expect(taken == .claimed(try #require(taken.term), starts: [0]))
    #expect(plan?.progress == .maybeSent)
    let effect = TransferEffect(kept: [], exported: [piece("out", 8)], left: 8, fee: 0)
    #expect(try await survivor.concluding(old, .void(.lost)) == .inFlight(draft.id))
    #expect(
      try await survivor.concluding(try #require(taken.term), .transferred(effect)) == .transferred(draft.id))
    let unsent = try await survivor.resuming("u")
    #expect(unsent.1?.progress == .notSent)
    #expect(try await survivor.concluding(try #require(unsent.0.term), .notSent(.lost)) == .unseen)
    #expect(try await survivor.held == 2)
    #expect(try await survivor.reconcile().differences == [])
  }

  @Test("a payment cannot end as a transfer, nor a transfer as a payment", arguments: Backend.allCases)
  func kinds(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let transferTerm = try #require(
      try await ledger.beginning(transfer("t", value: 8, pieces: [Self.large])).term)
    let term = try #require(try await ledger.claiming(payment("a"), sending: true).term)
    await #expect(throws: Outage.self) {
      try await ledger.concluding(transferTerm, .settled([piece("k", 8)]))
    }
    await #expect(throws: Outage.self) {
      try await ledger.concluding(term, .transferred(TransferEffect(kept: [piece("k", 10)], fee: 0)))
    }
    #expect(try await ledger.held == 2)
  }

  // MARK: Restore

  @Test("money found again is added once, and is no payment's", arguments: Backend.allCases)
  func found(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let search = [Self.large, piece("lost", 4), piece("lost too", 1)]
    #expect(try await ledger.recordFound(search) == FoundMoney(added: 5, known: 8))
    #expect(try await ledger.recordFound(search) == FoundMoney(added: 0, known: 13))
    #expect(try await ledger.held == 15)
    let report = try await ledger.reconcile()
    #expect(report.differences == [])
    #expect(report.accounts.map(\.found) == [5])
    let term = try #require(
      try await ledger.beginning(transfer("t", value: 4, pieces: [piece("lost", 4)])).term)
    let effect = TransferEffect(kept: [], exported: [piece("lost", 4)], left: 4, fee: 0)
    #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(term.payment))
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("money found before its payment or transfer was concluded is theirs", arguments: Backend.allCases)
  func foundTooEarly(backend: Backend) async throws {
    let (_, ledger) = try await Self.open(backend)
    let term = try #require(try await ledger.claiming(payment("a"), sending: true).term)
    let export = try #require(try await ledger.beginning(transfer("t", value: 8, pieces: [Self.large])).term)
    let outputs = [piece("a", 10), piece("change", 3), piece("out", 5)]
    #expect(try await ledger.recordFound(outputs) == FoundMoney(added: 18, known: 0))
    #expect(try await ledger.concluding(term, .settled([piece("a", 10)])).grant != nil)
    let effect = TransferEffect(kept: [piece("change", 3)], exported: [piece("out", 5)], left: 5, fee: 0)
    #expect(try await ledger.concluding(export, .transferred(effect)) == .transferred(export.payment))
    let report = try await ledger.reconcile()
    #expect(report.differences == [])
    #expect(report.accounts.map(\.found) == [0])
    #expect(try await ledger.held == 15)
    #expect(try await ledger.exported(in: export.payment).map(\.value.value) == [5])
  }

  @Test("a counter is raised and never lowered", arguments: Backend.allCases)
  func raise(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    func next() async throws -> [UInt64] {
      let offer = payment(
        "p\(UInt64.random(in: .min ... .max))", counters: [CounterRequest(name: "k", count: 1)])
      guard case .claimed(_, let starts) = try await ledger.claiming(offer) else { return [] }
      return starts
    }
    try await ledger.raise(counter: "k", to: 7)
    #expect(try await next() == [7])
    try await ledger.raise(counter: "k", to: 3)
    #expect(try await next() == [8])
    try await ledger.raise(counter: "k", to: 20)
    #expect(try await next() == [20])
  }
}

extension Claimed {
  var standing: Standing? { if case .standing(let standing) = self { standing } else { nil } }
}
