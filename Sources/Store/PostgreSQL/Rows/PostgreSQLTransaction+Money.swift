internal import Gate

extension PostgreSQLTransaction {
  private static let columns =
    "nullifier, payment, counterpart, series, value, unit, bearer, state, transfer, created_at"
  private static let selectOne = PostgreSQLStatement(
    "piece", "SELECT \(columns) FROM proceeds WHERE nullifier = $1")
  private static let selectByTransfer = PostgreSQLStatement(
    "pieces_in", "SELECT \(columns) FROM proceeds WHERE transfer = $1")
  private static let selectHeld = PostgreSQLStatement(
    "pieces_held",
    """
    SELECT \(columns) FROM proceeds WHERE state = 'held' AND counterpart = $1 AND unit = $2
    ORDER BY value DESC LIMIT $3
    """)
  private static let insertOne = PostgreSQLStatement(
    "piece_insert",
    """
    INSERT INTO proceeds (\(columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (nullifier) DO NOTHING
    """)
  private static let replaceOne = PostgreSQLStatement(
    "piece_replace",
    """
    UPDATE proceeds SET payment = $1, state = $2, transfer = $3
    WHERE nullifier = $4 AND state = $5 AND transfer IS NOT DISTINCT FROM $6
    """, expecting: .oneRow)
  private static let selectExposure = PostgreSQLStatement(
    "exposure", "SELECT total FROM exposures WHERE counterpart = $1 AND unit = $2")
  private static let setExposure = PostgreSQLStatement(
    "exposure_set",
    """
    INSERT INTO exposures (counterpart, unit, total) VALUES ($1, $2, $3)
    ON CONFLICT (counterpart, unit) DO UPDATE SET total = excluded.total
    """)
  private static let selectExposures = PostgreSQLStatement(
    "exposures",
    """
    SELECT counterpart, unit, GREATEST(0, total) FROM exposures WHERE total <> 0
    ORDER BY counterpart COLLATE "C", unit COLLATE "C"
    """)

  func piece(_ nullifier: Nullifier) throws(Outage) -> PieceRow? {
    guard let row = try self.row(Self.selectOne, [.bytes(nullifier.bytes)]) else { return nil }
    return try PieceRow(row)
  }

  func heldPieces(of counterpart: String, in unit: Amount.Unit, limit: Int) throws(Outage) -> [PieceRow] {
    try self.rows(Self.selectHeld, [.text(counterpart), .text(unit.name), .integer(Int64(limit))])
      .map { row throws(Outage) in try PieceRow(row) }
  }

  func pieces(in transfer: PaymentID) throws(Outage) -> [PieceRow] {
    try self.rows(Self.selectByTransfer, [.text(transfer.text)])
      .map { row throws(Outage) in try PieceRow(row) }
  }

  func insert(_ piece: PieceRow) throws(Outage) -> PieceInsertion {
    let proceeds = piece.proceeds
    let answer = try self.changed(
      Self.insertOne,
      [
        .bytes(proceeds.nullifier.bytes), PostgreSQLValue(piece.source?.text), .text(proceeds.counterpart),
        .text(proceeds.series), .integer(Int64(clamping: proceeds.value.value)),
        .text(proceeds.value.unit.name), .bytes(proceeds.bearer), .text(piece.state.rawValue),
        PostgreSQLValue(piece.transfer?.text), PostgreSQLValue(piece.created),
      ])
    return answer.changed == 1 ? .added : .known
  }

  func replace(_ old: PieceRow, with new: PieceRow) {
    self.change(
      Self.replaceOne,
      [
        PostgreSQLValue(new.source?.text), .text(new.state.rawValue), PostgreSQLValue(new.transfer?.text),
        .bytes(old.nullifier.bytes), .text(old.state.rawValue), PostgreSQLValue(old.transfer?.text),
      ], of: old.transfer)
  }

  func addExposure(_ change: Int64, of counterpart: String, in unit: Amount.Unit) throws(Outage) -> Int64 {
    let key = RowCache.ExposureKey(counterpart: counterpart, unit: unit.name)
    let known = self.cache.exposures[key]?.value
    let old =
      if let known { known } else {
        try self.row(Self.selectExposure, [.text(counterpart), .text(unit.name)])?.integer(0) ?? 0
      }
    let (total, isTooMuch) = old.addingReportingOverflow(change)
    guard !isTooMuch else {
      throw Outage(.outage, "The exposure of \(counterpart) is more than can be counted.")
    }
    self.cache.exposures[key] = RowCache.Total(value: total, isWritten: false)
    self.promiseChange()
    return total
  }

  func writeExposure(_ key: RowCache.ExposureKey, _ total: Int64) {
    self.change(Self.setExposure, [.text(key.counterpart), .text(key.unit), .integer(total)])
  }

  func exposures() throws(Outage) -> [Exposure] {
    self.writeTotals()
    return try self.rows(Self.selectExposures).map { row throws(Outage) in
      Exposure(
        counterpart: try row.text(0), amount: Amount(try row.unsigned(2), Amount.Unit(try row.text(1))))
    }
  }
}

extension PieceRow {
  fileprivate init(_ row: PostgreSQLRow) throws(Outage) {
    let proceeds = Proceeds(
      counterpart: try row.text(2), series: try row.text(3),
      value: Amount(try row.unsigned(4), Amount.Unit(try row.text(5))),
      nullifier: Nullifier(try row.bytes(0)),
      bearer: try row.bytes(6))
    self.init(
      proceeds, from: try row.optionalText(1).map { PaymentID($0) },
      state: try PostgreSQLRow.present(State(rawValue: row.text(7))),
      transfer: try row.optionalText(8).map { PaymentID($0) }, created: try row.moment(9))
  }
}
