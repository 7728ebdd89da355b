internal import Gate

extension SQLiteTransaction {
  func grant(_ serial: Serial) throws(Outage) -> GrantRecord? {
    let row = try self.connection.row(
      """
      SELECT serial, payment, route, host, value, unit, uses, uses_taken, ends_at, revoked_at, payer, receipt,
        unused_ms
      FROM grants WHERE serial = ?
      """, [.bytes(serial.bytes)])
    guard let row else { return nil }
    return GrantRecord(
      serial: try row.serial(0), payment: PaymentID(try row.text(1)),
      scope: GrantScope(route: RouteID(try row.text(2)), host: try row.text(3)),
      paid: Amount(try row.unsigned(4), Amount.Unit(try row.text(5))), uses: try row.optionalCount(6),
      usesTaken: try row.count(7), end: try row.optionalMoment(8),
      unused: try row.optionalInteger(12).map { .milliseconds($0) },
      revoked: try row.optionalMoment(9) == nil ? .valid : .revoked, payer: try row.optionalText(10),
      receipt: try row.optionalStored(11))
  }

  func insert(_ grant: GrantRecord, at now: Timestamp) throws(Outage) {
    try self.connection.run(
      """
      INSERT INTO grants
        (serial, payment, route, host, value, unit, uses, uses_taken, ends_at, revoked_at, payer, receipt,
         created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?)
      """,
      [
        .bytes(grant.serial.bytes), .text(grant.payment.text), .text(grant.scope.route.text),
        .text(grant.scope.host),
        .integer(Int64(clamping: grant.paid.value)), .text(grant.paid.unit.name), SQLiteValue(grant.uses),
        .integer(Int64(grant.usesTaken)), SQLiteValue(grant.end), SQLiteValue(grant.payer),
        SQLiteValue(grant.receipt?.storedText), SQLiteValue(now),
      ])
  }

  func replace(_ old: GrantRecord, with new: GrantRecord) throws(Outage) {
    let changed = try self.connection.run(
      """
      UPDATE grants SET uses = ?, ends_at = ?, unused_ms = ?
      WHERE serial = ? AND uses IS ? AND ends_at IS ? AND unused_ms IS ?
      """,
      [
        SQLiteValue(new.uses), SQLiteValue(new.end), SQLiteValue(new.unused?.inMilliseconds),
        .bytes(old.serial.bytes), SQLiteValue(old.uses), SQLiteValue(old.end),
        SQLiteValue(old.unused?.inMilliseconds),
      ])
    guard changed == 1 else { throw .conflict(old.payment) }
  }

  func setUsesTaken(of serial: Serial, from old: UInt32, to new: UInt32) throws(Outage) {
    let changed = try self.connection.run(
      "UPDATE grants SET uses_taken = ? WHERE serial = ? AND uses_taken = ?",
      [.integer(Int64(new)), .bytes(serial.bytes), .integer(Int64(old))])
    guard changed == 1 else { throw .conflict(nil) }
  }

  func revoke(_ serial: Serial, at now: Timestamp) throws(Outage) {
    try self.connection.run(
      "UPDATE grants SET revoked_at = ? WHERE serial = ? AND revoked_at IS NULL",
      [SQLiteValue(now), .bytes(serial.bytes)])
  }

  func revocations(at now: Timestamp, limit: Int) throws(Outage) -> [Serial] {
    try self.connection.rows(
      """
      SELECT serial FROM grants WHERE revoked_at IS NOT NULL AND (ends_at IS NULL OR ends_at > ?)
      ORDER BY revoked_at DESC LIMIT ?
      """,
      [SQLiteValue(now), .integer(Int64(limit))]
    ).map { row throws(Outage) in try row.serial(0) }
  }
}
