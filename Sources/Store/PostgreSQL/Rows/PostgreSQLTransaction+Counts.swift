internal import Gate

/// Facts, counters, meters, and what is forgotten.
extension PostgreSQLTransaction {
  private static let selectFact = PostgreSQLStatement("fact", "SELECT value FROM facts WHERE key = $1")
  private static let upsertFact = PostgreSQLStatement(
    "fact_set",
    "INSERT INTO facts (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
  private static let selectCounter = PostgreSQLStatement(
    "counter", "SELECT next FROM counters WHERE name = $1")
  private static let raiseCounter = PostgreSQLStatement(
    "counter_raise",
    """
    INSERT INTO counters (name, next) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET next = GREATEST(counters.next, $2)
    """)
  private static let selectMeter = PostgreSQLStatement(
    "meter", "SELECT count, ends_at FROM meters WHERE meter = $1")
  private static let countMeter = PostgreSQLStatement(
    "meter_count",
    """
    INSERT INTO meters (meter, count, ends_at) VALUES ($1, 1, $3)
    ON CONFLICT (meter) DO UPDATE SET
      count = CASE WHEN meters.ends_at <= $2 THEN 1 ELSE LEAST(meters.count + 1, $4) END,
      ends_at = CASE WHEN meters.ends_at <= $2 THEN $3 ELSE meters.ends_at END
    RETURNING count, ends_at
    """)
  private static let deleteMeters = PostgreSQLStatement(
    "meters_forget",
    "DELETE FROM meters WHERE meter IN (SELECT meter FROM meters WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)"
  )
  private static let pruneUses = PostgreSQLStatement(
    "uses_prune",
    """
    WITH gone AS (
      DELETE FROM uses WHERE (serial, number) IN (
        SELECT serial, number FROM uses
        WHERE state = 'spent' AND redelivered_at IS NULL AND taken_at < $1 LIMIT $2)
      RETURNING serial
    ), counted AS (
      SELECT serial, COUNT(*) AS number FROM gone GROUP BY serial
    ), noted AS (
      UPDATE grants SET uses_forgotten = uses_forgotten + counted.number
      FROM counted WHERE grants.serial = counted.serial
    )
    SELECT COUNT(*) FROM gone
    """)
  private static let prunePayments = PostgreSQLStatement(
    "payments_prune",
    """
    DELETE FROM payments WHERE id IN (
      SELECT id FROM payments WHERE state = 'rejected' AND updated_at < $1
        AND NOT EXISTS (SELECT 1 FROM nullifiers WHERE payment = payments.id) LIMIT $2)
    """)
  private static let pruneInvoices = PostgreSQLStatement(
    "invoices_prune",
    """
    DELETE FROM invoices WHERE id IN (
      SELECT id FROM invoices WHERE state = 'expired' AND updated_at < $1 LIMIT $2)
    """)

  func fact(_ key: String) throws(Outage) -> String? { try self.row(Self.selectFact, [.text(key)])?.text(0) }

  func setFact(_ key: String, to value: String) { self.change(Self.upsertFact, [.text(key), .text(value)]) }

  func advance(_ counter: CounterRequest) throws(Outage) -> UInt64 {
    let known = self.cache.counters[counter.name]?.value
    let start =
      if let known { known } else { try self.row(Self.selectCounter, [.text(counter.name)])?.integer(0) ?? 0 }
    let (next, isTooFar) = start.addingReportingOverflow(Int64(counter.count))
    guard start >= 0, !isTooFar else { throw PostgreSQLError.damaged.outage }
    self.cache.counters[counter.name] = RowCache.Total(value: next, isWritten: false)
    self.promiseChange()
    return UInt64(start)
  }

  func raise(_ counter: String, to next: UInt64) {
    self.writeTotals()
    self.writeCounter(counter, Int64(clamping: next))
    self.cache.counters[counter] = nil
  }

  /// Never back, whatever it is set to.
  func writeCounter(_ name: String, _ next: Int64) {
    self.change(Self.raiseCounter, [.text(name), .integer(next)])
  }

  func meter(_ meter: String) throws(Outage) -> MeterRow? {
    guard let row = try self.row(Self.selectMeter, [.text(meter)]) else { return nil }
    return MeterRow(count: try row.count(0), end: try row.moment(1))
  }

  func count(_ meter: String, at now: Timestamp, until end: Timestamp, ceiling: UInt32)
    throws(Outage) -> MeterRow
  {
    let answer = try self.changed(
      Self.countMeter,
      [.text(meter), PostgreSQLValue(now), PostgreSQLValue(end), .integer(Int64(ceiling))])
    let counted = try PostgreSQLRow.present(answer.first)
    return MeterRow(count: try counted.count(0), end: try counted.moment(1))
  }

  func forgetMeters(at now: Timestamp, limit: Int) {
    self.change(Self.deleteMeters, [PostgreSQLValue(now), .integer(Int64(limit))])
  }

  func prune(before moment: Timestamp, limit: Int) throws(Outage) -> Int {
    self.cache.forget()
    let arguments = [PostgreSQLValue(moment), .integer(Int64(limit))]
    let uses = try PostgreSQLRow.present(try self.changed(Self.pruneUses, arguments).first).integer(0)
    let payments = try self.changed(Self.prunePayments, arguments).changed
    let invoices = try self.changed(Self.pruneInvoices, arguments).changed
    return Int(uses) + payments + invoices + (try self.pruneLeases(before: moment, limit: limit))
  }
}
