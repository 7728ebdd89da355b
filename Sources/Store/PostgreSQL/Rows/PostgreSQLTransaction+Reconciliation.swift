internal import Gate

extension PostgreSQLTransaction {
  private static let selectCounts = PostgreSQLStatement(
    "payment_counts", "SELECT state, COUNT(*) FROM payments WHERE kind = 'payment' GROUP BY state")
  /// Sums of BIGINT are NUMERIC, and travel as text.
  private static let selectPaymentTotals = PostgreSQLStatement(
    "payment_totals",
    """
    SELECT kind, method, state, counterpart, unit, COUNT(*), SUM(value)::text, SUM(fee)::text,
      SUM(outflow)::text
    FROM payments GROUP BY kind, method, state, counterpart, unit
    """)
  private static let selectPieceTotals = PostgreSQLStatement(
    "piece_totals",
    """
    SELECT counterpart, series, unit, state, (payment IS NULL)::int::bigint, SUM(value)::text, COUNT(*)
    FROM proceeds WHERE state = ANY(string_to_array($1, ','))
    GROUP BY counterpart, series, unit, state, payment IS NULL
    """)

  func countByState() throws(Outage) -> [PaymentState: UInt64] {
    var counts: [PaymentState: UInt64] = [:]
    for row in try self.rows(Self.selectCounts) {
      counts[try PostgreSQLRow.present(PaymentState(rawValue: row.text(0)))] = try row.unsigned(1)
    }
    return counts
  }

  func paymentTotals() throws(Outage) -> [PaymentTotal] {
    try self.rows(Self.selectPaymentTotals).map { row throws(Outage) in
      PaymentTotal(
        kind: try PostgreSQLRow.present(PaymentKind(rawValue: row.text(0))),
        method: PaymentMethod(try row.text(1)),
        state: try PostgreSQLRow.present(PaymentState(rawValue: row.text(2))), counterpart: try row.text(3),
        unit: Amount.Unit(try row.text(4)), rows: try row.unsigned(5),
        value: UInt64(clamping: try row.sum(6)), fee: Int64(clamping: try row.sum(7)),
        outflow: UInt64(clamping: try row.sum(8)))
    }
  }

  func pieceTotals(in states: [PieceRow.State]) throws(Outage) -> [PieceTotal] {
    let names = states.map(\.rawValue).joined(separator: ",")
    return try self.rows(Self.selectPieceTotals, [.text(names)]).map { row throws(Outage) in
      PieceTotal(
        counterpart: try row.text(0), series: try row.text(1), unit: Amount.Unit(try row.text(2)),
        state: try PostgreSQLRow.present(PieceRow.State(rawValue: row.text(3))),
        origin: try PostgreSQLRow.present(PieceTotal.Origin(rawValue: row.integer(4))),
        value: UInt64(clamping: try row.sum(5)), pieces: try row.unsigned(6))
    }
  }

  func flaws(_ kind: Flaw.Kind, limit: Int) throws(Outage) -> [Flaw] {
    let statement = PostgreSQLStatement(
      "flaws_\(kind.rawValue)", "SELECT subject FROM (\(kind.query)) AS flaws ORDER BY 1 LIMIT $1")
    return try self.rows(statement, [.integer(Int64(limit))])
      .map { row throws(Outage) in Flaw(kind, try row.text(0)) }
  }
}

extension Flaw.Kind {
  fileprivate var query: String {
    switch self {
    case .proceeds:
      """
      SELECT id AS subject FROM payments AS p
      WHERE kind = 'payment' AND state = 'settled' AND method <> 'x402' AND redemption IS NULL
        AND (fee < 0 OR value - fee <> (
          SELECT COALESCE(SUM(value), 0) FROM proceeds WHERE payment = p.id AND unit = p.unit))
      """
    case .orphan:
      """
      SELECT DISTINCT payment AS subject FROM proceeds
      WHERE payment IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payments WHERE id = proceeds.payment)
      """
    case .lock:
      """
      SELECT DISTINCT transfer AS subject FROM proceeds
      WHERE state = 'locked' AND NOT EXISTS (
        SELECT 1 FROM payments WHERE id = proceeds.transfer AND kind <> 'payment'
          AND state IN ('reserved', 'settling', 'unknown', 'stuck'))
      """
    case .redemption:
      """
      SELECT id AS subject FROM payments AS p
      WHERE state = 'accepted' AND redemption IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM payments WHERE id = p.redemption AND kind = 'redemption'
          AND state IN ('reserved', 'settling', 'unknown', 'stuck'))
      """
    case .grant:
      """
      SELECT encode(serial, 'hex') AS subject FROM grants
      WHERE NOT EXISTS (SELECT 1 FROM payments WHERE id = grants.payment AND payments.serial = grants.serial)
      """
    case .payment:
      """
      SELECT id AS subject FROM payments WHERE serial IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.serial = payments.serial)
      """
    case .uses:
      """
      SELECT encode(serial, 'hex') AS subject FROM grants
      WHERE uses IS NOT NULL AND uses_taken <> uses_forgotten + (
        SELECT COUNT(*) FROM uses WHERE uses.serial = grants.serial AND uses.state <> 'granted')
      """
    }
  }
}
