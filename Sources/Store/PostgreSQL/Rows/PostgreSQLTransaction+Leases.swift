internal import Gate

extension PostgreSQLTransaction {
  private static let selectOne = PostgreSQLStatement("lease", "\(LeaseSQL.select) WHERE l.id = $1")
  private static let selectNewest = PostgreSQLStatement(
    "lease_newest", "\(LeaseSQL.select) WHERE l.serial = $1 ORDER BY l.number DESC LIMIT 1")
  private static let selectLive = PostgreSQLStatement(
    "leases_live", "\(LeaseSQL.select) WHERE \(LeaseSQL.isLive) ORDER BY l.ordered_at, l.id LIMIT $1")
  private static let selectLiveOfBackend = PostgreSQLStatement(
    "leases_live_backend",
    """
    \(LeaseSQL.select) WHERE \(LeaseSQL.isLive) AND l.backend = $1 ORDER BY l.ordered_at, l.id LIMIT $2
    """)
  private static let selectOnPort = PostgreSQLStatement(
    "lease_port", "\(LeaseSQL.select) WHERE \(LeaseSQL.isLive) AND l.backend = $1 AND l.port = $2 LIMIT 1")
  private static let selectAll = PostgreSQLStatement(
    "leases", "\(LeaseSQL.select) ORDER BY l.ordered_at DESC, l.id DESC LIMIT $1")
  private static let selectToppedUp = PostgreSQLStatement(
    "payments_onto",
    """
    SELECT CAST(COALESCE(SUM(bought_ms), 0) AS BIGINT) FROM payments WHERE onto = $1 AND serial = $1
    """)
  private static let insertOne = PostgreSQLStatement(
    "lease_insert",
    """
    INSERT INTO leases (state, username, public_key, image, ready_at, ended_at, told_end, port, host_key,
      handle, owner, note, version, wanted_ms, id, serial, spec, backend, ordered_at, number)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
      (SELECT COALESCE(MAX(number), -1) + 1 FROM leases WHERE serial = $16))
    """, expecting: .oneRow)
  private static let replaceOne = PostgreSQLStatement(
    "lease_replace",
    """
    UPDATE leases SET (state, username, public_key, image, ready_at, ended_at, told_end, port, host_key,
      handle, owner, note, version, wanted_ms)
      = ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    WHERE id = $15 AND version = $16
    """, expecting: .oneRow)
  private static let deleteEnded = PostgreSQLStatement(
    "leases_prune", "DELETE FROM leases WHERE id IN (\(LeaseSQL.selectPrunable) $1 LIMIT $2)")

  func lease(_ id: WorkloadID) throws(Outage) -> Lease? {
    try self.leases(Self.selectOne, [.text(id.text)]).first
  }

  func newestLease(of serial: Serial) throws(Outage) -> Lease? {
    try self.leases(Self.selectNewest, [.bytes(serial.bytes)]).first
  }

  func liveLeases(in backend: String?, limit: Int) throws(Outage) -> [Lease] {
    let limit = PostgreSQLValue.integer(Int64(limit))
    guard let backend else { return try self.leases(Self.selectLive, [limit]) }
    return try self.leases(Self.selectLiveOfBackend, [.text(backend), limit])
  }

  func liveLease(on port: UInt16, in backend: String) throws(Outage) -> Lease? {
    try self.leases(Self.selectOnPort, [.text(backend), .integer(Int64(port))]).first
  }

  func leases(limit: Int) throws(Outage) -> [Lease] {
    try self.leases(Self.selectAll, [.integer(Int64(limit))])
  }

  func timeToppedUp(onto serial: Serial) throws(Outage) -> Duration {
    let row = try self.row(Self.selectToppedUp, [.bytes(serial.bytes)])
    return .milliseconds(try PostgreSQLRow.present(row).integer(0))
  }

  func insert(_ lease: Lease) {
    self.change(
      Self.insertOne,
      Self.values(of: lease) + [
        .text(lease.id.text), .bytes(lease.serial.bytes), .text(lease.spec.text), .text(lease.backend),
        PostgreSQLValue(lease.ordered),
      ], of: lease.payment)
  }

  func replace(_ old: Lease, with new: Lease) {
    self.change(
      Self.replaceOne, Self.values(of: new) + [.text(old.id.text), .integer(Int64(old.version))],
      of: old.payment)
  }

  func pruneLeases(before moment: Timestamp, limit: Int) throws(Outage) -> Int {
    try self.changed(Self.deleteEnded, [PostgreSQLValue(moment), .integer(Int64(limit))]).changed
  }

  private func leases(_ statement: PostgreSQLStatement, _ values: [PostgreSQLValue]) throws(Outage)
    -> [Lease]
  {
    try self.rows(statement, values).map { row throws(Outage) in try Lease(row) }
  }

  private static func values(of lease: Lease) -> [PostgreSQLValue] {
    [
      .text(lease.state.rawValue), PostgreSQLValue(lease.wishes.username),
      PostgreSQLValue(lease.wishes.publicKey), PostgreSQLValue(lease.wishes.image),
      PostgreSQLValue(lease.readySince), PostgreSQLValue(lease.state.isLive ? nil : lease.end),
      PostgreSQLValue(lease.toldEnd), PostgreSQLValue(lease.port.map(Int64.init)),
      PostgreSQLValue(lease.hostKey), PostgreSQLValue(lease.handle), PostgreSQLValue(lease.owner?.text),
      PostgreSQLValue(lease.note), .integer(Int64(lease.version)),
      PostgreSQLValue(lease.wishes.duration?.inMilliseconds),
    ]
  }
}

extension Lease {
  fileprivate init(_ row: PostgreSQLRow) throws(Outage) {
    self.init(
      id: try PostgreSQLRow.present(WorkloadID(row.text(0))), serial: try row.serial(1),
      payment: PaymentID(try row.text(2)), spec: WorkloadSpecName(try row.text(3)),
      wishes: WorkloadWishes(
        username: try row.optionalText(4), publicKey: try row.optionalText(5),
        image: try row.optionalText(6),
        duration: try row.optionalInteger(21).map { .milliseconds($0) }),
      backend: try row.text(7), state: try PostgreSQLRow.present(State(rawValue: row.text(8))),
      ordered: try row.moment(9), readySince: try row.optionalMoment(10), end: try row.moment(11),
      revoked: try row.optionalMoment(12) == nil ? .valid : .revoked, toldEnd: try row.optionalMoment(13),
      port: try row.optionalCount(14).map { number throws(Outage) in
        try PostgreSQLRow.present(UInt16(exactly: number))
      },
      hostKey: try row.optionalText(15), handle: try row.optionalText(16),
      owner: try row.optionalText(17).map { Owner($0) }, credit: .milliseconds(try row.integer(18)),
      note: try row.optionalText(19), version: try row.count(20))
  }
}
