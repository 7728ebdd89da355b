import Gate
import Store
import TestKit
import Testing

/// Every sat accounted for, on every backend, and each thing that can be wrong found.
@Suite(.timeLimit(.minutes(3))) struct ReconciliationTests {
  @Test("an empty book agrees with itself", arguments: Backend.allCases)
  func empty(backend: Backend) async throws {
    let report = try await Bench(backend).open().reconcile()
    #expect(report.accounts.isEmpty)
    #expect(report.differences.isEmpty)
  }

  @Test("a book with something in every state agrees with itself", arguments: Backend.allCases)
  func everything(backend: Backend) async throws {
    let ledger = try await Self.story(backend)
    let report = try await ledger.reconcile()
    #expect(report.differences == [])
    #expect(report.accounts.map(\.counterpart) == ["eip155:8453", mint])
    let account = try #require(report.accounts.last)
    #expect(account.received == 130)
    #expect(account.onTrust == 40)
    #expect(account.open == 50)
    #expect(account.stuck == 60)
    #expect(account.held == 78)
    #expect(account.locked == 9)
    #expect(account.exported == 20)
    #expect(account.paid == 15)
    #expect(account.fees == 8)
    #expect(report.accounts[0].onChain == 10)
    #expect(report.accounts[0].received == 0)
    #expect(try await ledger.exposed == 150)
  }

  private static func story(_ backend: Backend) async throws -> TransactionalLedger {
    let ledger = try Bench(backend).open()
    func settle(_ id: String, _ value: UInt64, _ settlement: Settlement) async throws {
      let term = try #require(try await ledger.claiming(payment(id, value: value), sending: true).term)
      _ = try await ledger.concluding(term, settlement)
    }
    func move(_ draft: TransferDraft, _ effect: TransferEffect) async throws {
      let term = try #require(try await ledger.beginning(draft).term)
      #expect(try await ledger.concluding(term, .transferred(effect)) == .transferred(draft.id))
    }
    // 100 paid, 97 held.
    try await settle("a", 100, .settled([piece("64", 64), piece("24", 24), piece("9", 9)]))
    // 30 on trust and fetched, 28 held; 40 on trust.
    _ = try await ledger.claiming(trusted("b", value: 30))
    try await move(
      transfer("r", .redemption, value: 30, payments: ["b"]), TransferEffect(kept: [piece("28", 28)], fee: 2))
    _ = try await ledger.claiming(trusted("c", value: 40))
    try await settle("d", 50, .unknown(.lost))
    try await settle("e", 60, .stuck(note: "held"))
    try await settle("f", 70, .rejected(.spent, spent: []))
    try await move(
      transfer("x", value: 24, pieces: [piece("24", 24)]),
      TransferEffect(kept: [piece("3", 3)], exported: [piece("20", 20)], left: 20, fee: 1))
    try await move(
      transfer("m", .melt, value: 28, pieces: [piece("28", 28)]),
      TransferEffect(kept: [piece("11", 11)], left: 15, fee: 2))
    _ = try await ledger.beginning(transfer("y", value: 9, pieces: [piece("9", 9)]))
    var chain = payment("g")
    (chain.method, chain.counterpart) = (.x402, "eip155:8453")
    let term = try #require(try await ledger.claiming(chain, sending: true).term)
    _ = try await ledger.concluding(term, .settled([], receipt: Receipt(fields: [], transaction: "0x1")))
    return ledger
  }

  @Test("uses are counted, also where they were returned, lost or forgotten", arguments: Backend.allCases)
  func uses(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let term = try #require(try await ledger.claiming(payment("a", value: 60), sending: true).term)
    let grant = try #require(try await ledger.concluding(term, .settled([piece("a", 60)])).grant)
    for number in 0..<4 as Range<UInt32> {
      #expect(try await ledger.taking(grant.serial, "r\(number)") == .taken(number, attempt: 1))
      if number < 3, number != 1 {
        try await ledger.report(TakenUse(serial: grant.serial, number: number), .written)
      }
    }
    try await ledger.report(TakenUse(serial: grant.serial, number: 1), .lost)
    #expect(try await ledger.reconcile().differences == [])
    bench.clock.advance(by: .seconds(90_000))
    #expect(try await ledger.prune(olderThan: .seconds(86_400), limit: 1) == 1)
    #expect(try await ledger.reconcile().differences == [])
    #expect(try await ledger.prune(olderThan: .seconds(86_400)) == 1)
    #expect(try await ledger.reconcile().differences == [])
    try await ledger.store.write { rows throws(Outage) in
      try rows.setUsesTaken(of: grant.serial, from: 3, to: 2)
    }
    #expect(
      try await ledger.reconcile().differences == [
        "The uses taken of grant \(grant.serial) are not those that were given out."
      ])
  }

  @Test(
    "a cashu payment whose proceeds are missing, or more than it, is a difference",
    arguments: Backend.allCases)
  func proceeds(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    for (id, proceeds) in [("none", []), ("more", [piece("more", 11)]), ("less", [piece("less", 3)])] {
      let term = try #require(try await ledger.claiming(payment(id), sending: true).term)
      _ = try await ledger.concluding(term, .settled(proceeds))
    }
    #expect(try await ledger.payment(PaymentID("less"))?.ending.fee == 7)
    let differences = try await ledger.reconcile().differences
    #expect(differences.count == 3)
    #expect(differences[0].hasSuffix("10 sat are unaccounted for."))
    #expect(differences[1] == "Payment more settled, but its proceeds and fee are not its value.")
    #expect(differences[2] == "Payment none settled, but its proceeds and fee are not its value.")
  }

  /// One way to damage a book, and a part of the sentence that tells it.
  struct Damage: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var sentence: String
    var make: @Sendable (any LedgerTransaction) throws(Outage) -> Void
  }

  private static let now = Timestamp(seconds: 1)
  private static let ghost = PaymentID("ghost")
  private static let damages: [Damage] = [
    Damage(testDescription: "money locked by a transfer that is gone", sentence: "locked by transfer ghost") {
      rows throws(Outage) in
      guard let piece = try rows.piece(piece("64", 64).nullifier) else { return }
      var next = piece
      (next.state, next.transfer) = (.locked, Self.ghost)
      try rows.replace(piece, with: next)
    },
    Damage(testDescription: "money locked by a finished transfer", sentence: "locked by transfer x") {
      rows throws(Outage) in
      guard let piece = try rows.piece(piece("64", 64).nullifier) else { return }
      var next = piece
      (next.state, next.transfer) = (.locked, PaymentID("x"))
      try rows.replace(piece, with: next)
    },
    Damage(testDescription: "money that vanished", sentence: "64 sat are unaccounted for") {
      rows throws(Outage) in
      guard let piece = try rows.piece(piece("64", 64).nullifier) else { return }
      var next = piece
      (next.state, next.transfer) = (.spent, PaymentID("x"))
      try rows.replace(piece, with: next)
    },
    Damage(testDescription: "money that appeared", sentence: "-5 sat are unaccounted for") {
      rows throws(Outage) in
      _ = try rows.insert(PieceRow(piece("5", 5), from: PaymentID("x"), created: Self.now))
    },
    Damage(testDescription: "a redemption that is gone", sentence: "Payment c waits for a redemption") {
      rows throws(Outage) in
      guard let row = try rows.payment(PaymentID("c")) else { return }
      try rows.replace(row, with: row.advanced(at: Self.now) { $0.redemption = Self.ghost })
    },
    Damage(testDescription: "a grant nobody paid", sentence: "was not bought by any paid payment") {
      rows throws(Outage) in
      try rows.insert(
        GrantRecord(
          serial: Serial(5), payment: PaymentID("d"), scope: paid, paid: Amount(1, .sat), uses: 1,
          usesTaken: 0,
          end: nil), at: Self.now)
    },
    Damage(
      testDescription: "a paid payment without its grant",
      sentence: "Payment c is paid, but its grant is gone"
    ) {
      rows throws(Outage) in
      guard let row = try rows.payment(PaymentID("c")) else { return }
      try rows.replace(row, with: row.advanced(at: Self.now) { $0.ending.serial = Serial(6) })
    },
    Damage(testDescription: "a running exposure that ran away", sentence: "the running exposure is 151 sat") {
      rows throws(Outage) in _ = try rows.addExposure(1, of: mint, in: .sat)
    },
    Damage(testDescription: "an exposure of nothing", sentence: "nowhere: the running exposure is 3 usd") {
      rows throws(Outage) in _ = try rows.addExposure(3, of: "nowhere", in: Amount.Unit("usd"))
    },
  ]

  @Test("each damage to a book is a difference", arguments: Backend.allCases, damages)
  func damaged(backend: Backend, damage: Damage) async throws {
    let ledger = try await Self.story(backend)
    try await ledger.store.write { rows throws(Outage) in try damage.make(rows) }
    let differences = try await ledger.reconcile().differences
    #expect(differences.contains { $0.contains(damage.sentence) }, "\(differences)")
  }
}
