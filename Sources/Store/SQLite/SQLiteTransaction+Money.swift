internal import Gate

extension SQLiteTransaction {
  private static let columns =
    "nullifier, payment, counterpart, series, value, unit, bearer, state, transfer, created_at"
  private static let selectOne = "SELECT \(Self.columns) FROM proceeds WHERE nullifier = ?"
  private static let selectByTransfer = "SELECT \(Self.columns) FROM proceeds WHERE transfer = ?"
  private static let selectHeld = """
    SELECT \(Self.columns) FROM proceeds WHERE state = 'held' AND counterpart = ? AND unit = ?
    ORDER BY value DESC LIMIT ?
    """

  func piece(_ nullifier: Nullifier) throws(Outage) -> PieceRow? {
    guard let row = try self.connection.row(Self.selectOne, [.bytes(nullifier.bytes)]) else { return nil }
    return try PieceRow(row)
  }

  func heldPieces(of counterpart: String, in unit: Amount.Unit, limit: Int) throws(Outage) -> [PieceRow] {
    try self.connection.rows(
      Self.selectHeld, [.text(counterpart), .text(unit.name), .integer(Int64(limit))]
    ).map { row throws(Outage) in try PieceRow(row) }
  }

  func pieces(in transfer: PaymentID) throws(Outage) -> [PieceRow] {
    try self.connection.rows(Self.selectByTransfer, [.text(transfer.text)])
      .map { row throws(Outage) in try PieceRow(row) }
  }

  func insert(_ piece: PieceRow) throws(Outage) -> PieceInsertion {
    let proceeds = piece.proceeds
    let added = try self.connection.run(
      """
      INSERT INTO proceeds (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (nullifier) DO NOTHING
      """,
      [
        .bytes(proceeds.nullifier.bytes), SQLiteValue(piece.source?.text), .text(proceeds.counterpart),
        .text(proceeds.series), .integer(Int64(clamping: proceeds.value.value)),
        .text(proceeds.value.unit.name),
        .bytes(proceeds.bearer), .text(piece.state.rawValue), SQLiteValue(piece.transfer?.text),
        SQLiteValue(piece.created),
      ])
    return added == 1 ? .added : .known
  }

  func replace(_ old: PieceRow, with new: PieceRow) throws(Outage) {
    let changed = try self.connection.run(
      """
      UPDATE proceeds SET payment = ?, state = ?, transfer = ? WHERE nullifier = ? AND state = ? AND transfer IS ?
      """,
      [
        SQLiteValue(new.source?.text), .text(new.state.rawValue), SQLiteValue(new.transfer?.text),
        .bytes(old.nullifier.bytes), .text(old.state.rawValue), SQLiteValue(old.transfer?.text),
      ])
    guard changed == 1 else { throw .conflict(old.transfer) }
  }

  func addExposure(_ change: Int64, of counterpart: String, in unit: Amount.Unit) throws(Outage) -> Int64 {
    let key: [SQLiteValue] = [.text(counterpart), .text(unit.name)]
    // Not RETURNING: SQLite makes a temporary table for it, which costs more than looking twice.
    let changed = try self.connection.run(
      "UPDATE exposures SET total = total + ?3 WHERE counterpart = ?1 AND unit = ?2", key + [.integer(change)]
    )
    guard changed > 0 else {
      try self.connection.run(
        "INSERT INTO exposures (counterpart, unit, total) VALUES (?, ?, ?)", key + [.integer(change)])
      return change
    }
    let row = try self.connection.row("SELECT total FROM exposures WHERE counterpart = ? AND unit = ?", key)
    return try SQLiteRow.present(row).integer(0)
  }

  func exposures() throws(Outage) -> [Exposure] {
    try self.connection.rows(
      "SELECT counterpart, unit, MAX(0, total) FROM exposures WHERE total <> 0 ORDER BY counterpart, unit"
    ).map { row throws(Outage) in
      Exposure(
        counterpart: try row.text(0), amount: Amount(try row.unsigned(2), Amount.Unit(try row.text(1))))
    }
  }
}

extension PieceRow {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    let proceeds = Proceeds(
      counterpart: try row.text(2), series: try row.text(3),
      value: Amount(try row.unsigned(4), Amount.Unit(try row.text(5))),
      nullifier: Nullifier(try row.bytes(0)),
      bearer: try row.bytes(6))
    self.init(
      proceeds, from: try row.optionalText(1).map { PaymentID($0) },
      state: try SQLiteRow.present(State(rawValue: row.text(7))),
      transfer: try row.optionalText(8).map { PaymentID($0) }, created: try row.moment(9))
  }
}
