import Gate
import Store
import TestKit
import Testing

/// Rows of a book that an earlier version made, which knew no machines: the same tables in both databases.
enum LeaseMigration {
  private static let serial = Serial(9)

  /// A grant of an hour that a payment opened and another topped up, and one of three uses.
  static func rows(at now: Timestamp, blob: (String) -> String) -> [String] {
    let moment = now.milliseconds
    let (hour, uses) = (blob(Self.serial.description), blob(Serial(10).description))
    func payment(_ id: String, serial: String, uses: String, ms: String, onto: String) -> String {
      """
      INSERT INTO payments (
        id, kind, method, route, host, value, unit, counterpart, bought_uses, bought_ms, onto, bearing,
        plan, counter_starts, state, version, term, lease_ms, attempts, serial, fee, outflow,
        created_at, updated_at)
      VALUES ('\(id)', 'payment', 'cashu', '/paid/**', 'shop.example', 10, 'sat', '\(mint)', \(uses),
        \(ms), \(onto), 'payload', \(blob("")), '', 'settled', 3, 7, 59000, 0, \(serial), 10, 0,
        \(moment), \(moment))
      """
    }
    func grant(_ serial: String, by payment: String, uses: String, end: String) -> String {
      """
      INSERT INTO grants (serial, payment, route, host, value, unit, uses, uses_taken, ends_at,
        uses_forgotten, created_at)
      VALUES (\(serial), '\(payment)', '/paid/**', 'shop.example', 10, 'sat', \(uses), 0, \(end), 0,
        \(moment))
      """
    }
    return [
      payment("a", serial: hour, uses: "NULL", ms: "3600000", onto: "NULL"),
      payment("b", serial: hour, uses: "NULL", ms: "3600000", onto: hour),
      payment("c", serial: uses, uses: "3", ms: "NULL", onto: "NULL"),
      grant(hour, by: "a", uses: "NULL", end: "\(moment + 7_200_000)"),
      grant(uses, by: "c", uses: "3", end: "NULL"),
    ]
  }

  /// All of it is there.
  static func check(_ ledger: TransactionalLedger, at now: Timestamp) async throws {
    let grant = try #require(try await ledger.payment(PaymentID("b"))?.grant)
    #expect((grant.serial, grant.end, grant.unused) == (Self.serial, now + .seconds(7200), nil))
    #expect(try await ledger.payment(PaymentID("c"))?.grant?.uses == 3)
    #expect(try await ledger.countByState() == [.settled: 3])
    #expect(try await ledger.leases(limit: 9) == [])
    #expect(try await ledger.reconcile().differences.filter { !$0.contains("proceeds") } == [])
  }

  /// What was bought before is had after.
  static func sell(_ ledger: TransactionalLedger, _ clock: ManualClock) async throws {
    clock.advance(by: .seconds(600))
    let lease = try await ledger.opening(Self.serial)
    #expect(lease.end == clock.now() + .seconds(7200))
    #expect(try await ledger.lease(boughtBy: PaymentID("b")) == lease)
    let failed = try #require(try await ledger.change(lease, by: .failed(note: "")))
    #expect(failed.credit == .seconds(7200))
    #expect(try await ledger.taking(Serial(10)) == .taken(0, attempt: 1))
  }
}
