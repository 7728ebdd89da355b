internal import Gate

extension PostgreSQLTransaction {
  static let selectGrant = PostgreSQLStatement(
    "grant",
    """
    SELECT serial, payment, route, host, value, unit, uses, uses_taken, ends_at, revoked_at, payer, receipt,
      unused_ms
    FROM grants WHERE serial = $1
    """)
  private static let insertOne = PostgreSQLStatement(
    "grant_insert",
    """
    INSERT INTO grants
      (serial, payment, route, host, value, unit, uses, uses_taken, ends_at, payer, receipt, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    """, expecting: .oneRow)
  private static let replaceOne = PostgreSQLStatement(
    "grant_replace",
    """
    UPDATE grants SET uses = $1, ends_at = $2, unused_ms = $6
    WHERE serial = $3 AND uses IS NOT DISTINCT FROM $4 AND ends_at IS NOT DISTINCT FROM $5
      AND unused_ms IS NOT DISTINCT FROM $7
    """, expecting: .oneRow)
  private static let setTaken = PostgreSQLStatement(
    "grant_taken", "UPDATE grants SET uses_taken = $1 WHERE serial = $2 AND uses_taken = $3",
    expecting: .oneRow)
  private static let revokeOne = PostgreSQLStatement(
    "grant_revoke", "UPDATE grants SET revoked_at = $1 WHERE serial = $2 AND revoked_at IS NULL")
  private static let selectRevoked = PostgreSQLStatement(
    "grants_revoked",
    """
    SELECT serial FROM grants WHERE revoked_at IS NOT NULL AND (ends_at IS NULL OR ends_at > $1)
    ORDER BY revoked_at DESC LIMIT $2
    """)

  func grant(_ serial: Serial) throws(Outage) -> GrantRecord? {
    if let known = self.cache.grants[serial] { return known }
    let row = try self.row(Self.selectGrant, [.bytes(serial.bytes)], under: .grant(serial))
    let grant = try row.map { row throws(Outage) in try GrantRecord(row) }
    if self.mode == .write, let grant { self.cache.grants[serial] = grant }
    if grant == nil { self.forgetGrant(serial) }
    return grant
  }

  func insert(_ grant: GrantRecord, at now: Timestamp) {
    self.change(
      Self.insertOne,
      [
        .bytes(grant.serial.bytes), .text(grant.payment.text), .text(grant.scope.route.text),
        .text(grant.scope.host), .integer(Int64(clamping: grant.paid.value)), .text(grant.paid.unit.name),
        PostgreSQLValue(grant.uses), .integer(Int64(grant.usesTaken)), PostgreSQLValue(grant.end),
        PostgreSQLValue(grant.payer), PostgreSQLValue(grant.receipt?.storedText), PostgreSQLValue(now),
      ], under: .none)
  }

  func replace(_ old: GrantRecord, with new: GrantRecord) {
    self.change(
      Self.replaceOne,
      [
        PostgreSQLValue(new.uses), PostgreSQLValue(new.end), .bytes(old.serial.bytes),
        PostgreSQLValue(old.uses), PostgreSQLValue(old.end), PostgreSQLValue(new.unused?.inMilliseconds),
        PostgreSQLValue(old.unused?.inMilliseconds),
      ], under: .grant(old.serial), of: old.payment)
    self.cache.grants[old.serial] = new
  }

  func setUsesTaken(of serial: Serial, from old: UInt32, to new: UInt32) {
    self.change(
      Self.setTaken, [.integer(Int64(new)), .bytes(serial.bytes), .integer(Int64(old))], under: .grant(serial)
    )
    if var grant = self.cache.grants[serial] ?? nil {
      grant.usesTaken = new
      self.cache.grants[serial] = grant
    }
  }

  func revoke(_ serial: Serial, at now: Timestamp) {
    self.change(Self.revokeOne, [PostgreSQLValue(now), .bytes(serial.bytes)], under: .grant(serial))
    self.cache.grants[serial] = nil
  }

  func revocations(at now: Timestamp, limit: Int) throws(Outage) -> [Serial] {
    try self.rows(Self.selectRevoked, [PostgreSQLValue(now), .integer(Int64(limit))], under: .none)
      .map { row throws(Outage) in try row.serial(0) }
  }
}

extension GrantRecord {
  init(_ row: PostgreSQLRow) throws(Outage) {
    self.init(
      serial: try row.serial(0), payment: PaymentID(try row.text(1)),
      scope: GrantScope(route: RouteID(try row.text(2)), host: try row.text(3)),
      paid: Amount(try row.unsigned(4), Amount.Unit(try row.text(5))), uses: try row.optionalCount(6),
      usesTaken: try row.count(7), end: try row.optionalMoment(8),
      unused: try row.optionalInteger(12).map { .milliseconds($0) },
      revoked: try row.optionalMoment(9) == nil ? .valid : .revoked, payer: try row.optionalText(10),
      receipt: try row.optionalStored(11))
  }
}
