internal import Gate

/// Rows in SQLite, inside one transaction or savepoint.
struct SQLiteTransaction: LedgerTransaction {
  let connection: SQLiteConnection
  let owners: OwnerLock

  func liveness(of owner: Owner) -> OwnerLiveness { self.owners.liveness(of: owner) }

  func fact(_ key: String) throws(Outage) -> String? {
    try self.connection.row("SELECT value FROM facts WHERE key = ?", [.text(key)])?.text(0)
  }

  func setFact(_ key: String, to value: String) throws(Outage) {
    try self.connection.run(
      "INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      [.text(key), .text(value)])
  }

  func advance(_ counter: CounterRequest) throws(Outage) -> UInt64 {
    let row = try self.connection.row(
      """
      INSERT INTO counters (name, next) VALUES (?1, ?2)
      ON CONFLICT (name) DO UPDATE SET next = next + ?2 RETURNING next
      """,
      [.text(counter.name), .integer(Int64(counter.count))])
    return try SQLiteRow.present(row).unsigned(0) - UInt64(counter.count)
  }

  func raise(_ counter: String, to next: UInt64) throws(Outage) {
    try self.connection.run(
      """
      INSERT INTO counters (name, next) VALUES (?1, ?2)
      ON CONFLICT (name) DO UPDATE SET next = MAX(next, ?2)
      """,
      [.text(counter), .integer(Int64(clamping: next))])
  }

  func meter(_ meter: String) throws(Outage) -> MeterRow? {
    guard
      let row = try self.connection.row("SELECT count, ends_at FROM meters WHERE meter = ?", [.text(meter)])
    else { return nil }
    return MeterRow(count: try row.count(0), end: try row.moment(1))
  }

  func count(_ meter: String, at now: Timestamp, until end: Timestamp, ceiling: UInt32) throws(Outage)
    -> MeterRow
  {
    let row = try self.connection.row(
      """
      INSERT INTO meters (meter, count, ends_at) VALUES (?1, 1, ?3)
      ON CONFLICT (meter) DO UPDATE SET
        count = CASE WHEN ends_at <= ?2 THEN 1 ELSE MIN(count + 1, ?4) END,
        ends_at = CASE WHEN ends_at <= ?2 THEN ?3 ELSE ends_at END
      RETURNING count, ends_at
      """,
      [.text(meter), SQLiteValue(now), SQLiteValue(end), .integer(Int64(ceiling))])
    let counted = try SQLiteRow.present(row)
    return MeterRow(count: try counted.count(0), end: try counted.moment(1))
  }

  func forgetMeters(at now: Timestamp, limit: Int) throws(Outage) {
    try self.connection.run(
      "DELETE FROM meters WHERE meter IN (SELECT meter FROM meters WHERE ends_at <= ? ORDER BY ends_at LIMIT ?)",
      [SQLiteValue(now), .integer(Int64(limit))])
  }

  func prune(before moment: Timestamp, limit: Int) throws(Outage) -> Int {
    let uses = try self.connection.rows(
      """
      DELETE FROM uses WHERE (serial, number) IN (
        SELECT serial, number FROM uses
        WHERE state = 'spent' AND redelivered_at IS NULL AND taken_at < ? LIMIT ?)
      RETURNING serial
      """,
      [SQLiteValue(moment), .integer(Int64(limit))])
    var forgotten: [Serial: Int64] = [:]
    for row in uses { forgotten[try row.serial(0), default: 0] += 1 }
    for (serial, count) in forgotten {
      try self.connection.run(
        "UPDATE grants SET uses_forgotten = uses_forgotten + ? WHERE serial = ?",
        [.integer(count), .bytes(serial.bytes)])
    }
    let payments = try self.connection.run(
      """
      DELETE FROM payments WHERE id IN (
        SELECT id FROM payments WHERE state = 'rejected' AND updated_at < ?
          AND NOT EXISTS (SELECT 1 FROM nullifiers WHERE payment = payments.id) LIMIT ?)
      """,
      [SQLiteValue(moment), .integer(Int64(limit))])
    let invoices = try self.connection.run(
      """
      DELETE FROM invoices WHERE id IN (
        SELECT id FROM invoices WHERE state = 'expired' AND updated_at < ? LIMIT ?)
      """,
      [SQLiteValue(moment), .integer(Int64(limit))])
    return uses.count + payments + invoices + (try self.pruneLeases(before: moment, limit: limit))
  }
}
