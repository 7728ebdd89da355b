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

  func prune(before moment: Timestamp, limit: Int) throws(Outage) -> Int {
    let uses = try self.connection.run(
      """
      DELETE FROM uses WHERE (serial, number) IN (
        SELECT serial, number FROM uses
        WHERE state = 'spent' AND redelivered_at IS NULL AND taken_at < ? LIMIT ?)
      """,
      [SQLiteValue(moment), .integer(Int64(limit))])
    let payments = try self.connection.run(
      """
      DELETE FROM payments WHERE id IN (
        SELECT id FROM payments WHERE state = 'rejected' AND updated_at < ?
          AND NOT EXISTS (SELECT 1 FROM nullifiers WHERE payment = payments.id) LIMIT ?)
      """,
      [SQLiteValue(moment), .integer(Int64(limit))])
    return uses + payments
  }
}
