import Gate
@testable import Store
import Testing

/// The pure rules, where a contract test would need luck to reach them.
struct RuleTests {
  private static let now = Timestamp(seconds: 1_000)

  private static func row(
    _ state: PaymentState, end: Timestamp? = nil, due: Timestamp? = nil, rejection: Rejection? = nil
  ) -> PaymentRow {
    PaymentRow(
      id: PaymentID("a"),
      bargain: Bargain(
        method: .cashu, scope: paid, value: Amount(1, .sat), counterpart: "m", uses: 1, time: nil),
      plan: [1], counterStarts: [], state: state, version: 7, term: 3,
      hold: end.map { Hold(owner: Owner("o"), end: $0) }, recovery: Recovery(lease: lease, due: due),
      ending: Ending(
        rejection: rejection,
        serial: [.settled, .accepted].contains(state) ? Serial(Array(repeating: 1, count: 16)) : nil),
      created: Self.now,
      updated: Self.now)
  }

  @Test(
    "a row means what its state, lease and owner say",
    arguments: [
      (row(.reserved, end: now + .seconds(1)), OwnerLiveness.alive, PaymentRow.Situation.inFlight),
      (row(.reserved, end: now + .seconds(1)), .dead, .free),
      (row(.reserved, end: now), .alive, .free),
      (row(.settling, end: now + .seconds(1)), .alive, .inFlight),
      (row(.settling, end: now + .seconds(1)), .dead, .unanswered(dueIn: .zero)),
      (row(.settling, end: now), .alive, .unanswered(dueIn: .zero)),
      (row(.unknown, due: now + .seconds(3)), .alive, .unanswered(dueIn: .seconds(3))),
      (row(.unknown, due: Timestamp(seconds: 1)), .alive, .unanswered(dueIn: .zero)),
      (row(.stuck), .alive, .stuck),
      (row(.rejected), .alive, .free),
      (row(.rejected, rejection: .invalid), .alive, .free),
      (row(.rejected, rejection: .spent), .alive, .spent),
      (row(.settled), .alive, .paid(Serial(Array(repeating: 1, count: 16)))),
      (row(.accepted), .alive, .paid(Serial(Array(repeating: 1, count: 16)))),
    ])
  func situation(row: PaymentRow, liveness: OwnerLiveness, expected: PaymentRow.Situation) {
    #expect(row.situation(at: Self.now) { _ in liveness } == expected)
  }

  @Test("a finished transfer buys nothing, and a grant outlives the money it was given for")
  func serials() {
    var transfer = Self.row(.settled)
    (transfer.kind, transfer.ending.serial) = (.export, nil)
    #expect(transfer.situation(at: Self.now) { _ in .alive } == .transferred)
    #expect(transfer.exposed == 0)
    let lost = Self.row(.accepted).lost(note: "gone", at: Self.now)
    #expect(lost.situation(at: Self.now) { _ in .alive } == .paid(Serial(Array(repeating: 1, count: 16))))
    #expect(lost.exposed == 1)
    #expect(lost.reopened(at: Self.now).state == .accepted)
    #expect(Self.row(.stuck).reopened(at: Self.now).state == .unknown)
  }

  @Test("every transition makes a new version, and only settling money keeps its plan")
  func versions() {
    let row = Self.row(.settling, end: Self.now)
    let next = [
      row.sending(at: Self.now),
      row.settled(Serial(Array(repeating: 2, count: 16)), receipt: nil, fee: 0, at: Self.now),
      row.rejected(.invalid, at: Self.now), row.unanswered(.lost, at: Self.now),
      row.stuck(note: "", at: Self.now),
      row.takenOver(term: 9, by: Owner("p"), at: Self.now), row.progressed(to: [1], at: Self.now),
    ]
    #expect(next.allSatisfy { $0.version == 8 })
    #expect(next.map { $0.plan.isEmpty } == [false, true, true, false, false, false, false])
    #expect(next.map { $0.hold == nil } == [false, true, true, true, true, false, false])
  }

  @Test("only the present term may conclude, and only what is not ended")
  func accepts() {
    let mine = ClaimTerm(payment: PaymentID("a"), number: 3)
    let stale = ClaimTerm(payment: PaymentID("a"), number: 2)
    let settlements = [
      Settlement.settled([]), .rejected(.spent, spent: []), .stuck(note: ""), .unknown(.lost),
      .void(.lost), .notSent(.lost),
    ]
    let accepted = PaymentState.allCases.reduce(into: [PaymentState: [Bool]]()) { table, state in
      table[state] = settlements.map { Self.row(state).accepts($0, in: mine) }
      #expect(settlements.allSatisfy { !Self.row(state).accepts($0, in: stale) })
    }
    let (all, none) = ([Bool](repeating: true, count: 6), [Bool](repeating: false, count: 6))
    #expect(
      accepted == [
        .reserved: all, .settling: all, .unknown: [true, true, true, false, true, false], .accepted: none,
        .settled: none,
        .rejected: none,
        .stuck: none,
      ])
  }

  @Test("a compare-and-set on an old version is a conflict", arguments: Backend.allCases)
  func conflict(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    _ = try await ledger.claiming(payment("a"))
    let id = PaymentID("a")
    let old = try #require(try await ledger.store.read { rows throws(Outage) in try rows.payment(id) })
    try await ledger.store.write { rows throws(Outage) in
      try rows.replace(old, with: old.sending(at: Self.now))
    }
    await #expect(throws: Outage.conflict(id)) {
      try await ledger.store.write { rows throws(Outage) in
        try rows.replace(old, with: old.stuck(note: "", at: Self.now))
      }
    }
    #expect(try await ledger.payment(id)?.state == .settling)
  }

  @Test("a transaction that throws changes nothing", arguments: Backend.allCases)
  func rollback(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    await #expect(throws: Outage.lost) {
      try await ledger.store.write { rows throws(Outage) in
        try rows.setFact("a", to: "b")
        throw Outage.lost
      }
    }
    #expect(try await ledger.store.read { rows throws(Outage) in try rows.fact("a") } == nil)
  }
}
