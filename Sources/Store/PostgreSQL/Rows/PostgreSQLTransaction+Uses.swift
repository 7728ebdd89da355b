internal import Gate

extension PostgreSQLTransaction {
  private static let columns =
    "uses.serial, number, uses.state, attempt, request, repeats, owner, lease_end, taken_at, redelivered_at"

  static let selectUse = PostgreSQLStatement(
    "use", "SELECT \(columns) FROM uses WHERE serial = $1 AND number = $2")
  static let selectUseByRequest = PostgreSQLStatement(
    "use_by_request",
    """
    SELECT \(columns) FROM uses WHERE serial = $1 AND request = $2
    ORDER BY taken_at DESC, number DESC LIMIT 1
    """)
  static let selectUsesInFlight = PostgreSQLStatement(
    "uses_in_flight",
    "SELECT \(columns) FROM uses WHERE serial = $1 AND state = 'delivering' ORDER BY lease_end LIMIT $2")
  static let selectReturnedUse = PostgreSQLStatement(
    "use_returned",
    "SELECT \(columns) FROM uses WHERE serial = $1 AND state = 'granted' ORDER BY number LIMIT 1")
  private static let selectRedelivered = PostgreSQLStatement(
    "uses_redelivered",
    """
    SELECT \(columns), grants.payment FROM uses JOIN grants ON grants.serial = uses.serial
    WHERE redelivered_at IS NOT NULL ORDER BY redelivered_at DESC LIMIT $1
    """)
  private static let selectStuck = PostgreSQLStatement(
    "uses_stuck",
    """
    SELECT \(columns), grants.payment FROM uses JOIN grants ON grants.serial = uses.serial
    WHERE uses.state = 'stuck' ORDER BY taken_at DESC LIMIT $1
    """)
  private static let insertOne = PostgreSQLStatement(
    "use_insert",
    """
    INSERT INTO uses
      (serial, number, state, attempt, request, repeats, owner, lease_end, taken_at, redelivered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    """, expecting: .oneRow)
  private static let replaceOne = PostgreSQLStatement(
    "use_replace",
    """
    UPDATE uses SET (state, attempt, request, repeats, owner, lease_end, taken_at, redelivered_at)
      = ROW($3, $4, $5, $6, $7, $8, $9, $10)
    WHERE serial = $1 AND number = $2 AND state = $11 AND attempt = $12 AND repeats = $13
    """, expecting: .oneRow)

  func use(_ number: UInt32, of serial: Serial) throws(Outage) -> UseRow? {
    if let known = self.cache.uses[serial]?.byNumber[number] { return known }
    return try self.use(Self.selectUse, of: serial, [.integer(Int64(number))])
  }

  func latestUse(of serial: Serial, by request: RequestKey) throws(Outage) -> UseRow? {
    if let known = self.cache.uses[serial]?.latest[request] { return known }
    return try self.use(Self.selectUseByRequest, of: serial, [.text(request.text)])
  }

  func returnedUse(of serial: Serial) throws(Outage) -> UseRow? {
    if let known = self.cache.uses[serial]?.returned { return known }
    return try self.use(Self.selectReturnedUse, of: serial, [])
  }

  func usesInFlight(of serial: Serial, limit: Int) throws(Outage) -> [UseRow] {
    if limit <= RowCache.KnownUses.maxInFlight, let known = self.cache.uses[serial]?.inFlight {
      return Array(known.prefix(limit))
    }
    let values: [PostgreSQLValue] = [.bytes(serial.bytes), .integer(Int64(limit))]
    return try self.rows(Self.selectUsesInFlight, values, under: .grant(serial))
      .map { row throws(Outage) in try UseRow(row) }
  }

  func lostUses(_ kind: LostUse.Kind, limit: Int) throws(Outage) -> [LostUse] {
    let statement =
      switch kind {
      case .redelivered: Self.selectRedelivered
      case .stuck: Self.selectStuck
      }
    return try self.rows(statement, [.integer(Int64(limit))], under: .none).map { row throws(Outage) in
      LostUse(payment: PaymentID(try row.text(10)), use: try UseRow(row))
    }
  }

  func insert(_ use: UseRow) {
    self.change(Self.insertOne, Self.values(of: use), under: .grant(use.serial))
    self.cache.uses[use.serial]?.note(use, insteadOf: nil)
  }

  func replace(_ old: UseRow, with new: UseRow) {
    let before: [PostgreSQLValue] = [
      .text(old.state.rawValue), .integer(Int64(old.attempt)), .integer(Int64(old.repeats)),
    ]
    var values = Self.values(of: new)
    (values[0], values[1]) = (.bytes(old.serial.bytes), .integer(Int64(old.number)))
    self.change(Self.replaceOne, values + before, under: .grant(old.serial))
    self.cache.uses[old.serial]?.note(new, insteadOf: old)
  }

  private func use(_ statement: PostgreSQLStatement, of serial: Serial, _ values: [PostgreSQLValue])
    throws(Outage) -> UseRow?
  {
    let row = try self.row(statement, [.bytes(serial.bytes)] + values, under: .grant(serial))
    return try row.map { row throws(Outage) in try UseRow(row) }
  }

  private static func values(of use: UseRow) -> [PostgreSQLValue] {
    [
      .bytes(use.serial.bytes), .integer(Int64(use.number)), .text(use.state.rawValue),
      .integer(Int64(use.attempt)), PostgreSQLValue(use.request?.text), .integer(Int64(use.repeats)),
      .text(use.hold.owner.text), PostgreSQLValue(use.hold.end), PostgreSQLValue(use.taken),
      PostgreSQLValue(use.redelivered),
    ]
  }
}

extension UseRow {
  init(_ row: PostgreSQLRow) throws(Outage) {
    self.init(
      serial: try row.serial(0), number: try row.count(1),
      state: try PostgreSQLRow.present(State(rawValue: row.text(2))), attempt: try row.count(3),
      request: try row.optionalText(4).map(RequestKey.init), repeats: try row.count(5),
      hold: Hold(owner: Owner(try row.text(6)), end: try row.moment(7)), taken: try row.moment(8),
      redelivered: try row.optionalMoment(9))
  }
}
