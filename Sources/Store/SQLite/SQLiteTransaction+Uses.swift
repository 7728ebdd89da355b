internal import Gate

extension SQLiteTransaction {
  private static let columns =
    "uses.serial, number, uses.state, attempt, request, repeats, owner, lease_end, taken_at, redelivered_at"

  private static let selectOne = "SELECT \(Self.columns) FROM uses WHERE serial = ? AND number = ?"
  private static let selectByRequest = """
    SELECT \(Self.columns) FROM uses WHERE serial = ? AND request = ? ORDER BY taken_at DESC, number DESC LIMIT 1
    """
  // INDEXED BY: of a grant of a million uses the few open ones must be found without reading the spent ones.
  private static let selectInFlight = """
    SELECT \(Self.columns) FROM uses INDEXED BY uses_in_flight
    WHERE serial = ? AND state = 'delivering' ORDER BY lease_end LIMIT ?
    """
  private static let selectReturned = """
    SELECT \(Self.columns) FROM uses INDEXED BY uses_returned
    WHERE serial = ? AND state = 'granted' ORDER BY number LIMIT 1
    """
  private static let selectRedelivered = """
    SELECT \(Self.columns), grants.payment FROM uses JOIN grants ON grants.serial = uses.serial
    WHERE redelivered_at IS NOT NULL ORDER BY redelivered_at DESC LIMIT ?
    """
  private static let selectStuck = """
    SELECT \(Self.columns), grants.payment FROM uses JOIN grants ON grants.serial = uses.serial
    WHERE uses.state = 'stuck' ORDER BY taken_at DESC LIMIT ?
    """

  func use(_ number: UInt32, of serial: Serial) throws(Outage) -> UseRow? {
    try self.first(Self.selectOne, [.bytes(serial.bytes), .integer(Int64(number))])
  }

  func latestUse(of serial: Serial, by request: RequestKey) throws(Outage) -> UseRow? {
    try self.first(Self.selectByRequest, [.bytes(serial.bytes), .text(request.text)])
  }

  func returnedUse(of serial: Serial) throws(Outage) -> UseRow? {
    try self.first(Self.selectReturned, [.bytes(serial.bytes)])
  }

  func usesInFlight(of serial: Serial, limit: Int) throws(Outage) -> [UseRow] {
    try self.connection.rows(Self.selectInFlight, [.bytes(serial.bytes), .integer(Int64(limit))])
      .map { row throws(Outage) in try UseRow(row) }
  }

  func lostUses(_ kind: LostUse.Kind, limit: Int) throws(Outage) -> [LostUse] {
    let sql =
      switch kind {
      case .redelivered: Self.selectRedelivered
      case .stuck: Self.selectStuck
      }
    return try self.connection.rows(sql, [.integer(Int64(limit))]).map { row throws(Outage) in
      LostUse(payment: PaymentID(try row.text(10)), use: try UseRow(row))
    }
  }

  func insert(_ use: UseRow) throws(Outage) {
    try self.connection.run(
      """
      INSERT INTO uses
        (serial, number, state, attempt, request, repeats, owner, lease_end, taken_at, redelivered_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, [.bytes(use.serial.bytes), .integer(Int64(use.number))] + Self.values(of: use))
  }

  func replace(_ old: UseRow, with new: UseRow) throws(Outage) {
    let changed = try self.connection.run(
      """
      UPDATE uses SET
        (state, attempt, request, repeats, owner, lease_end, taken_at, redelivered_at) = (?, ?, ?, ?, ?, ?, ?, ?)
      WHERE serial = ? AND number = ? AND state = ? AND attempt = ? AND repeats = ?
      """,
      Self.values(of: new) + [
        .bytes(old.serial.bytes), .integer(Int64(old.number)), .text(old.state.rawValue),
        .integer(Int64(old.attempt)),
        .integer(Int64(old.repeats)),
      ])
    guard changed == 1 else { throw .conflict(nil) }
  }

  private func first(_ sql: String, _ arguments: [SQLiteValue]) throws(Outage) -> UseRow? {
    guard let row = try self.connection.row(sql, arguments) else { return nil }
    return try UseRow(row)
  }

  private static func values(of use: UseRow) -> [SQLiteValue] {
    [
      .text(use.state.rawValue), .integer(Int64(use.attempt)), SQLiteValue(use.request?.text),
      .integer(Int64(use.repeats)), .text(use.hold.owner.text), SQLiteValue(use.hold.end),
      SQLiteValue(use.taken),
      SQLiteValue(use.redelivered),
    ]
  }
}

extension UseRow {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    self.init(
      serial: try row.serial(0), number: try row.count(1),
      state: try SQLiteRow.present(State(rawValue: row.text(2))),
      attempt: try row.count(3), request: try row.optionalText(4).map(RequestKey.init),
      repeats: try row.count(5),
      hold: Hold(owner: Owner(try row.text(6)), end: try row.moment(7)), taken: try row.moment(8),
      redelivered: try row.optionalMoment(9))
  }
}
