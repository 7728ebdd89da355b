internal import Gate

extension SQLiteTransaction {
  func insert(_ proceeds: Proceeds, of payment: PaymentID, at now: Timestamp) throws(Outage) {
    try self.connection.run(
      """
      INSERT INTO proceeds (nullifier, payment, counterpart, series, value, unit, bearer, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (nullifier) DO NOTHING
      """,
      [
        .bytes(proceeds.nullifier.bytes), .text(payment.text), .text(proceeds.counterpart),
        .text(proceeds.series),
        .integer(Int64(clamping: proceeds.value.value)), .text(proceeds.value.unit.name),
        .bytes(proceeds.bearer),
        SQLiteValue(now),
      ])
  }

  func countByState() throws(Outage) -> [PaymentState: UInt64] {
    var counts: [PaymentState: UInt64] = [:]
    for row in try self.connection.rows("SELECT state, COUNT(*) FROM payments GROUP BY state") {
      counts[try SQLiteRow.present(PaymentState(rawValue: row.text(0)))] = try row.unsigned(1)
    }
    return counts
  }

  func exposure() throws(Outage) -> [Exposure] {
    try self.connection.rows(
      """
      SELECT counterpart, unit, SUM(value >> 32), SUM(value & 0xFFFFFFFF) FROM payments
      WHERE state IN ('reserved', 'settling', 'unknown', 'stuck')
      GROUP BY counterpart, unit ORDER BY counterpart, unit
      """
    ).map { row throws(Outage) in
      Exposure(
        counterpart: try row.text(0), amount: Amount(try Self.sum(row, high: 2), Amount.Unit(try row.text(1)))
      )
    }
  }

  func balances() throws(Outage) -> [TreasuryBalance] {
    try self.connection.rows(
      """
      SELECT counterpart, series, unit, SUM(value >> 32), SUM(value & 0xFFFFFFFF), COUNT(*) FROM proceeds
      GROUP BY counterpart, series, unit ORDER BY counterpart, series, unit
      """
    ).map { row throws(Outage) in
      TreasuryBalance(
        counterpart: try row.text(0), series: try row.text(1),
        amount: Amount(try Self.sum(row, high: 3), Amount.Unit(try row.text(2))), pieces: try row.unsigned(5))
    }
  }

  /// SQLite's SUM fails beyond 63 bits, so halves are summed; a total beyond 64 bits is shown as the largest.
  private static func sum(_ row: SQLiteRow, high: Int) throws(Outage) -> UInt64 {
    let total = try UInt128(row.unsigned(high)) << 32 + UInt128(row.unsigned(high + 1))
    return UInt64(clamping: total)
  }
}
