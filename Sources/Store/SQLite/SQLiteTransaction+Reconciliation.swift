internal import Gate

extension SQLiteTransaction {
  func countByState() throws(Outage) -> [PaymentState: UInt64] {
    var counts: [PaymentState: UInt64] = [:]
    for row in try self.connection.rows(
      "SELECT state, COUNT(*) FROM payments WHERE kind = 'payment' GROUP BY state")
    {
      counts[try SQLiteRow.present(PaymentState(rawValue: row.text(0)))] = try row.unsigned(1)
    }
    return counts
  }

  func paymentTotals() throws(Outage) -> [PaymentTotal] {
    try self.connection.rows(
      """
      SELECT kind, method, state, counterpart, unit, COUNT(*), SUM(value >> 32), SUM(value & 0xFFFFFFFF),
        SUM(fee >> 32), SUM(fee & 0xFFFFFFFF), SUM(outflow >> 32), SUM(outflow & 0xFFFFFFFF)
      FROM payments GROUP BY kind, method, state, counterpart, unit
      """
    ).map { row throws(Outage) in
      PaymentTotal(
        kind: try SQLiteRow.present(PaymentKind(rawValue: row.text(0))),
        method: PaymentMethod(try row.text(1)),
        state: try SQLiteRow.present(PaymentState(rawValue: row.text(2))), counterpart: try row.text(3),
        unit: Amount.Unit(try row.text(4)), rows: try row.unsigned(5),
        value: UInt64(clamping: try Self.sum(row, high: 6)), fee: Int64(clamping: try Self.sum(row, high: 8)),
        outflow: UInt64(clamping: try Self.sum(row, high: 10)))
    }
  }

  func pieceTotals(in states: [PieceRow.State]) throws(Outage) -> [PieceTotal] {
    let marks = states.map { _ in "?" }.joined(separator: ", ")
    return try self.connection.rows(
      """
      SELECT counterpart, series, unit, state, payment IS NULL, SUM(value >> 32), SUM(value & 0xFFFFFFFF), COUNT(*)
      FROM proceeds WHERE state IN (\(marks)) GROUP BY counterpart, series, unit, state, payment IS NULL
      """,
      states.map { .text($0.rawValue) }
    ).map { row throws(Outage) in
      PieceTotal(
        counterpart: try row.text(0), series: try row.text(1), unit: Amount.Unit(try row.text(2)),
        state: try SQLiteRow.present(PieceRow.State(rawValue: row.text(3))),
        origin: try SQLiteRow.present(PieceTotal.Origin(rawValue: row.integer(4))),
        value: UInt64(clamping: try Self.sum(row, high: 5)), pieces: try row.unsigned(7))
    }
  }

  /// SQLite's SUM fails beyond 63 bits, so halves are summed.
  private static func sum(_ row: SQLiteRow, high: Int) throws(Outage) -> Int128 {
    try Int128(row.integer(high)) << 32 + Int128(row.integer(high + 1))
  }

  func flaws(_ kind: Flaw.Kind, limit: Int) throws(Outage) -> [Flaw] {
    try self.connection.rows("\(kind.query) ORDER BY 1 LIMIT ?", [.integer(Int64(limit))])
      .map { row throws(Outage) in Flaw(kind, try row.text(0)) }
  }
}

extension Flaw.Kind {
  /// One column, the subject.
  fileprivate var query: String {
    switch self {
    case .proceeds:
      """
      SELECT id FROM payments AS p
      WHERE kind = 'payment' AND state = 'settled' AND method <> 'x402' AND redemption IS NULL
        AND (fee < 0 OR value - fee <> (
          SELECT COALESCE(SUM(value), 0) FROM proceeds WHERE payment = p.id AND unit = p.unit))
      """
    case .orphan:
      """
      SELECT DISTINCT payment FROM proceeds
      WHERE payment IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payments WHERE id = proceeds.payment)
      """
    case .lock:
      """
      SELECT DISTINCT transfer FROM proceeds
      WHERE state = 'locked' AND NOT EXISTS (
        SELECT 1 FROM payments WHERE id = proceeds.transfer AND kind <> 'payment'
          AND state IN ('reserved', 'settling', 'unknown', 'stuck'))
      """
    case .redemption:
      """
      SELECT id FROM payments AS p
      WHERE state = 'accepted' AND redemption IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM payments WHERE id = p.redemption AND kind = 'redemption'
          AND state IN ('reserved', 'settling', 'unknown', 'stuck'))
      """
    case .grant:
      """
      SELECT lower(hex(serial)) FROM grants
      WHERE NOT EXISTS (SELECT 1 FROM payments WHERE id = grants.payment AND payments.serial = grants.serial)
      """
    case .payment:
      """
      SELECT id FROM payments WHERE serial IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.serial = payments.serial)
      """
    case .uses:
      """
      SELECT lower(hex(serial)) FROM grants
      WHERE uses IS NOT NULL AND uses_taken <> uses_forgotten + (
        SELECT COUNT(*) FROM uses WHERE uses.serial = grants.serial AND uses.state <> 'granted')
      """
    }
  }
}
