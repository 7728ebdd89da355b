internal import Gate

extension SQLiteTransaction {
  /// In the order in which ``PaymentRow/init(_:)`` reads and `values(of:)` writes them.
  private static let columns = """
    id, kind, method, route, host, value, unit, counterpart, bought_uses, bought_ms, onto, \
    bearing, bearing_hash, payer, name, plan, counter_starts, state, version, term, owner, lease_end, lease_ms, \
    attempts, due_at, rejection, note, serial, receipt, fee, outflow, redemption, created_at, updated_at
    """

  private static let selectOne = "SELECT \(Self.columns) FROM payments WHERE id = ?"
  private static let selectAll = "SELECT \(Self.columns) FROM payments ORDER BY updated_at DESC LIMIT ?"
  private static let selectByState = """
    SELECT \(Self.columns) FROM payments WHERE state = ? ORDER BY updated_at DESC LIMIT ?
    """
  private static let marks = Array(repeating: "?", count: 34).joined(separator: ", ")
  private static let insertOne = "INSERT INTO payments (\(Self.columns)) VALUES (\(Self.marks))"
  private static let replaceOne = """
    UPDATE payments SET (\(Self.columns)) = (\(Self.marks)) WHERE id = ? AND state = ? AND version = ?
    """
  private static let selectOnTrust = """
    SELECT \(Self.columns) FROM payments WHERE state = 'accepted' AND redemption IS NULL AND counterpart = ?
    ORDER BY created_at LIMIT ?
    """
  private static let selectRedeemed = "SELECT \(Self.columns) FROM payments WHERE redemption = ?"

  func payment(_ id: PaymentID) throws(Outage) -> PaymentRow? {
    guard let row = try self.connection.row(Self.selectOne, [.text(id.text)]) else { return nil }
    return try PaymentRow(row)
  }

  func payments(in state: PaymentState?, limit: Int) throws(Outage) -> [PaymentRow] {
    let rows =
      if let state {
        try self.connection.rows(Self.selectByState, [.text(state.rawValue), .integer(Int64(limit))])
      } else {
        try self.connection.rows(Self.selectAll, [.integer(Int64(limit))])
      }
    return try rows.map { row throws(Outage) in try PaymentRow(row) }
  }

  func acceptedPayments(of counterpart: String, limit: Int) throws(Outage) -> [PaymentRow] {
    try self.connection.rows(Self.selectOnTrust, [.text(counterpart), .integer(Int64(limit))])
      .map { row throws(Outage) in try PaymentRow(row) }
  }

  func payments(redeemedIn transfer: PaymentID) throws(Outage) -> [PaymentRow] {
    try self.connection.rows(Self.selectRedeemed, [.text(transfer.text)])
      .map { row throws(Outage) in try PaymentRow(row) }
  }

  func holder(of name: PaymentName) throws(Outage) -> PaymentID? {
    try self.connection.row("SELECT id FROM payments WHERE name = ?", [.bytes(name.bytes)])
      .map { row throws(Outage) in PaymentID(try row.text(0)) }
  }

  func insert(_ payment: PaymentRow) throws(Outage) {
    try self.connection.run(Self.insertOne, Self.values(of: payment))
  }

  func replace(_ old: PaymentRow, with new: PaymentRow) throws(Outage) {
    let key: [SQLiteValue] = [.text(old.id.text), .text(old.state.rawValue), .integer(old.version)]
    let changed = try self.connection.run(Self.replaceOne, Self.values(of: new) + key)
    guard changed == 1 else { throw .conflict(old.id) }
  }

  func delete(_ payment: PaymentID) throws(Outage) {
    try self.connection.run("DELETE FROM payments WHERE id = ?", [.text(payment.text)])
  }

  func ownersInFlight() throws(Outage) -> [Owner] {
    try self.connection.rows("SELECT DISTINCT owner FROM payments WHERE state IN ('reserved', 'settling')")
      .map { row throws(Outage) in Owner(try row.text(0)) }
  }

  func duePayments(at now: Timestamp, dead: [Owner], limit: Int) throws(Outage) -> [DuePayment] {
    let marks = dead.map { _ in "?" }.joined(separator: ", ")
    return try self.connection.rows(
      """
      SELECT id, method FROM payments
      WHERE (state = 'unknown' AND due_at <= ?1)
        OR (state IN ('reserved', 'settling') AND (lease_end <= ?1 OR owner IN (\(marks))))
      ORDER BY updated_at LIMIT \(max(0, limit))
      """,
      [SQLiteValue(now)] + dead.map { .text($0.text) }
    ).map { row throws(Outage) in
      DuePayment(payment: PaymentID(try row.text(0)), method: PaymentMethod(try row.text(1)))
    }
  }

  private static func values(of payment: PaymentRow) -> [SQLiteValue] {
    let bargain = payment.bargain
    return [
      .text(payment.id.text), .text(payment.kind.rawValue), .text(bargain.method.name),
      .text(bargain.scope.route.text), .text(bargain.scope.host),
      .integer(Int64(clamping: bargain.value.value)), .text(bargain.value.unit.name),
      .text(bargain.counterpart), SQLiteValue(bargain.uses), SQLiteValue(bargain.time?.inMilliseconds),
      SQLiteValue(bargain.onto?.bytes), .text(payment.payer.bearing.word),
      SQLiteValue(payment.payer.bearing.hash), SQLiteValue(payment.payer.address),
      SQLiteValue(payment.payer.name?.bytes), .bytes(payment.plan),
      .text(payment.counterStarts.map(String.init).joined(separator: ",")), .text(payment.state.rawValue),
      .integer(payment.version), .integer(payment.term), SQLiteValue(payment.hold?.owner.text),
      SQLiteValue(payment.hold?.end), .integer(payment.recovery.lease.inMilliseconds),
      .integer(Int64(payment.recovery.attempts)), SQLiteValue(payment.recovery.due),
      SQLiteValue(payment.ending.rejection?.rawValue), SQLiteValue(payment.ending.note),
      SQLiteValue(payment.ending.serial?.bytes), SQLiteValue(payment.ending.receipt?.storedText),
      .integer(payment.ending.fee), .integer(Int64(clamping: payment.ending.outflow)),
      SQLiteValue(payment.redemption?.text), SQLiteValue(payment.created), SQLiteValue(payment.updated),
    ]
  }
}

extension PaymentRow {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    let starts = try row.text(16).split(separator: ",")
    let counterStarts = starts.compactMap { UInt64($0) }
    guard counterStarts.count == starts.count else { throw .damaged }
    var hold: Hold?
    if let owner = try row.optionalText(20) { hold = Hold(owner: Owner(owner), end: try row.moment(21)) }
    self.init(
      id: PaymentID(try row.text(0)), kind: try SQLiteRow.present(PaymentKind(rawValue: row.text(1))),
      bargain: try Bargain(row), payer: try Payer(row), plan: try row.bytes(15), counterStarts: counterStarts,
      state: try SQLiteRow.present(PaymentState(rawValue: row.text(17))), version: try row.integer(18),
      term: try row.integer(19), hold: hold,
      recovery: Recovery(
        lease: .milliseconds(try row.integer(22)), attempts: try row.count(23),
        due: try row.optionalMoment(24)),
      ending: try Ending(row), redemption: try row.optionalText(31).map { PaymentID($0) },
      created: try row.moment(32), updated: try row.moment(33))
  }
}

extension Bargain {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    self.init(
      method: PaymentMethod(try row.text(2)),
      scope: GrantScope(route: RouteID(try row.text(3)), host: try row.text(4)),
      value: Amount(try row.unsigned(5), Amount.Unit(try row.text(6))), counterpart: try row.text(7),
      uses: try row.optionalCount(8), time: try row.optionalInteger(9).map { .milliseconds($0) },
      onto: try row.optionalSerial(10))
  }
}

extension Payer {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    self.init(
      bearing: try SQLiteRow.present(Bearing(word: row.text(11), hash: row.optionalBytes(12))),
      address: try row.optionalText(13), name: try row.optionalBytes(14).map { PaymentName($0) })
  }
}

extension Ending {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    self.init(
      rejection: try row.optionalText(25).flatMap(Rejection.init), note: try row.optionalText(26),
      serial: try row.optionalSerial(27), receipt: try row.optionalStored(28), fee: try row.integer(29),
      outflow: try row.unsigned(30))
  }
}
