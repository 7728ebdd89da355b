internal import Gate

extension PostgreSQLTransaction {
  /// In the order in which ``PaymentRow/init(_:)`` reads and `values(of:)` writes them.
  private static let columns = """
    id, kind, method, route, host, value, unit, counterpart, bought_uses, bought_ms, onto, \
    bearing, bearing_hash, payer, name, plan, counter_starts, state, version, term, owner, lease_end, lease_ms, \
    attempts, due_at, rejection, note, serial, receipt, fee, outflow, redemption, created_at, updated_at
    """
  private static let marks = (1...34).map { "$\($0)" }.joined(separator: ", ")

  private static let selectOne = PostgreSQLStatement(
    "payment", "SELECT \(columns) FROM payments WHERE id = $1")
  // LATERAL and LIMIT: planned when the table was small, `= ANY` would go on reading all of it.
  private static let selectThese = PostgreSQLStatement(
    "payments_these",
    """
    SELECT \(columns) FROM unnest($1::text[]) AS wanted (wanted)
    CROSS JOIN LATERAL (SELECT * FROM payments WHERE id = wanted LIMIT 1) AS found
    """)
  private static let selectAll = PostgreSQLStatement(
    "payments", "SELECT \(columns) FROM payments ORDER BY updated_at DESC LIMIT $1")
  private static let selectByState = PostgreSQLStatement(
    "payments_by_state",
    "SELECT \(columns) FROM payments WHERE state = $1 ORDER BY updated_at DESC LIMIT $2")
  private static let selectOnTrust = PostgreSQLStatement(
    "payments_on_trust",
    """
    SELECT \(columns) FROM payments WHERE state = 'accepted' AND redemption IS NULL AND counterpart = $1
    ORDER BY created_at LIMIT $2
    """)
  private static let selectRedeemed = PostgreSQLStatement(
    "payments_redeemed", "SELECT \(columns) FROM payments WHERE redemption = $1")
  private static let selectByName = PostgreSQLStatement(
    "payment_by_name", "SELECT id FROM payments WHERE name = $1")
  private static let insertOne = PostgreSQLStatement(
    "payment_insert", "INSERT INTO payments (\(columns)) VALUES (\(marks))", expecting: .oneRow)
  private static let replaceOne = PostgreSQLStatement(
    "payment_replace",
    """
    UPDATE payments SET (\(columns)) = ROW(\(marks)) WHERE id = $35 AND state = $36 AND version = $37
    """, expecting: .oneRow)
  private static let deleteOne = PostgreSQLStatement("payment_delete", "DELETE FROM payments WHERE id = $1")
  private static let selectOwners = PostgreSQLStatement(
    "payment_owners", "SELECT DISTINCT owner FROM payments WHERE state IN ('reserved', 'settling')")
  private static let selectDue = PostgreSQLStatement(
    "payments_due",
    """
    SELECT id, method FROM payments
    WHERE (state = 'unknown' AND due_at <= $1)
      OR (state IN ('reserved', 'settling')
        AND (lease_end <= $1 OR owner = ANY(string_to_array($2, ','))))
    ORDER BY updated_at LIMIT $3
    """)

  func payment(_ id: PaymentID) throws(Outage) -> PaymentRow? {
    if let known = self.cache.payments[id] { return known }
    let row = try self.row(Self.selectOne, [.text(id.text)])
    let payment = try row.map { row throws(Outage) in try PaymentRow(row) }
    if self.mode == .write { self.cache.payments[id] = .some(payment) }
    return payment
  }

  /// Fills the cache in one round trip.
  func look(at payments: [PaymentID], _ nullifiers: [Nullifier]) throws(Outage) {
    let answers = try self.results([
      PostgreSQLCommand(Self.selectThese, [.array(payments.map(\.text.utf8), of: .text)]),
      PostgreSQLCommand(Self.selectHolders, [.array(nullifiers.map(\.bytes), of: .bytea)]),
    ])
    for id in payments { self.cache.payments[id] = .some(nil) }
    for row in answers[0].rows {
      let payment = try PaymentRow(row)
      self.cache.payments[payment.id] = payment
    }
    for nullifier in nullifiers { self.cache.holders[nullifier] = .some(nil) }
    for row in answers[1].rows {
      self.cache.holders[Nullifier(try row.bytes(0))] = PaymentID(try row.text(1))
    }
  }

  func payments(in state: PaymentState?, limit: Int) throws(Outage) -> [PaymentRow] {
    let rows =
      if let state {
        try self.rows(Self.selectByState, [.text(state.rawValue), .integer(Int64(limit))])
      } else {
        try self.rows(Self.selectAll, [.integer(Int64(limit))])
      }
    return try rows.map { row throws(Outage) in try PaymentRow(row) }
  }

  func acceptedPayments(of counterpart: String, limit: Int) throws(Outage) -> [PaymentRow] {
    try self.rows(Self.selectOnTrust, [.text(counterpart), .integer(Int64(limit))])
      .map { row throws(Outage) in try PaymentRow(row) }
  }

  func payments(redeemedIn transfer: PaymentID) throws(Outage) -> [PaymentRow] {
    try self.rows(Self.selectRedeemed, [.text(transfer.text)])
      .map { row throws(Outage) in try PaymentRow(row) }
  }

  func holder(of name: PaymentName) throws(Outage) -> PaymentID? {
    try self.row(Self.selectByName, [.bytes(name.bytes)])
      .map { row throws(Outage) in PaymentID(try row.text(0)) }
  }

  func insert(_ payment: PaymentRow) {
    self.change(Self.insertOne, Self.values(of: payment))
    self.cache.payments[payment.id] = payment
  }

  func replace(_ old: PaymentRow, with new: PaymentRow) {
    let key: [PostgreSQLValue] = [.text(old.id.text), .text(old.state.rawValue), .integer(old.version)]
    self.change(Self.replaceOne, Self.values(of: new) + key, of: old.id)
    self.cache.payments[old.id] = new
  }

  func delete(_ payment: PaymentID) {
    self.change(Self.deleteOne, [.text(payment.text)])
    self.cache.payments[payment] = .some(nil)
    self.cache.holders = [:]
  }

  func ownersInFlight() throws(Outage) -> [Owner] {
    try self.rows(Self.selectOwners).map { row throws(Outage) in Owner(try row.text(0)) }
  }

  func duePayments(at now: Timestamp, dead: [Owner], limit: Int) throws(Outage) -> [DuePayment] {
    let names = dead.map(\.text).joined(separator: ",")
    return try self.rows(
      Self.selectDue, [PostgreSQLValue(now), .text(names), .integer(Int64(max(0, limit)))]
    )
    .map { row throws(Outage) in
      DuePayment(payment: PaymentID(try row.text(0)), method: PaymentMethod(try row.text(1)))
    }
  }

  private static func values(of payment: PaymentRow) -> [PostgreSQLValue] {
    let bargain = payment.bargain
    return [
      .text(payment.id.text), .text(payment.kind.rawValue), .text(bargain.method.name),
      .text(bargain.scope.route.text), .text(bargain.scope.host),
      .integer(Int64(clamping: bargain.value.value)), .text(bargain.value.unit.name),
      .text(bargain.counterpart), PostgreSQLValue(bargain.uses),
      PostgreSQLValue(bargain.time?.inMilliseconds), PostgreSQLValue(bargain.onto?.bytes),
      .text(payment.payer.bearing.word), PostgreSQLValue(payment.payer.bearing.hash),
      PostgreSQLValue(payment.payer.address), PostgreSQLValue(payment.payer.name?.bytes),
      .bytes(payment.plan), .text(payment.counterStarts.map(String.init).joined(separator: ",")),
      .text(payment.state.rawValue), .integer(payment.version), .integer(payment.term),
      PostgreSQLValue(payment.hold?.owner.text), PostgreSQLValue(payment.hold?.end),
      .integer(payment.recovery.lease.inMilliseconds), .integer(Int64(payment.recovery.attempts)),
      PostgreSQLValue(payment.recovery.due), PostgreSQLValue(payment.ending.rejection?.rawValue),
      PostgreSQLValue(payment.ending.note), PostgreSQLValue(payment.ending.serial?.bytes),
      PostgreSQLValue(payment.ending.receipt?.storedText), .integer(payment.ending.fee),
      .integer(Int64(clamping: payment.ending.outflow)), PostgreSQLValue(payment.redemption?.text),
      PostgreSQLValue(payment.created), PostgreSQLValue(payment.updated),
    ]
  }
}

extension PaymentRow {
  fileprivate init(_ row: PostgreSQLRow) throws(Outage) {
    let starts = try row.text(16).split(separator: ",")
    let counterStarts = starts.compactMap { UInt64($0) }
    guard counterStarts.count == starts.count else { throw PostgreSQLError.damaged.outage }
    var hold: Hold?
    if let owner = try row.optionalText(20) { hold = Hold(owner: Owner(owner), end: try row.moment(21)) }
    self.init(
      id: PaymentID(try row.text(0)), kind: try PostgreSQLRow.present(PaymentKind(rawValue: row.text(1))),
      bargain: try Bargain(row), payer: try Payer(row), plan: try row.bytes(15), counterStarts: counterStarts,
      state: try PostgreSQLRow.present(PaymentState(rawValue: row.text(17))), version: try row.integer(18),
      term: try row.integer(19), hold: hold,
      recovery: Recovery(
        lease: .milliseconds(try row.integer(22)), attempts: try row.count(23),
        due: try row.optionalMoment(24)),
      ending: try Ending(row), redemption: try row.optionalText(31).map { PaymentID($0) },
      created: try row.moment(32), updated: try row.moment(33))
  }
}

extension Bargain {
  fileprivate init(_ row: PostgreSQLRow) throws(Outage) {
    self.init(
      method: PaymentMethod(try row.text(2)),
      scope: GrantScope(route: RouteID(try row.text(3)), host: try row.text(4)),
      value: Amount(try row.unsigned(5), Amount.Unit(try row.text(6))), counterpart: try row.text(7),
      uses: try row.optionalCount(8), time: try row.optionalInteger(9).map { .milliseconds($0) },
      onto: try row.optionalSerial(10))
  }
}

extension Payer {
  fileprivate init(_ row: PostgreSQLRow) throws(Outage) {
    self.init(
      bearing: try PostgreSQLRow.present(Bearing(word: row.text(11), hash: row.optionalBytes(12))),
      address: try row.optionalText(13), name: try row.optionalBytes(14).map { PaymentName($0) })
  }
}

extension Ending {
  fileprivate init(_ row: PostgreSQLRow) throws(Outage) {
    self.init(
      rejection: try row.optionalText(25).flatMap(Rejection.init), note: try row.optionalText(26),
      serial: try row.optionalSerial(27), receipt: try row.optionalStored(28), fee: try row.integer(29),
      outflow: try row.unsigned(30))
  }
}
