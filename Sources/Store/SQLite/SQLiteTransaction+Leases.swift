internal import Gate

extension SQLiteTransaction {
  private static let selectOne = "\(LeaseSQL.select) WHERE l.id = ?"
  private static let selectNewest = "\(LeaseSQL.select) WHERE l.serial = ? ORDER BY l.number DESC LIMIT 1"
  private static let selectLive = """
    \(LeaseSQL.select) WHERE \(LeaseSQL.isLive) ORDER BY l.ordered_at, l.id LIMIT ?
    """
  private static let selectLiveOfBackend = """
    \(LeaseSQL.select) WHERE \(LeaseSQL.isLive) AND l.backend = ? ORDER BY l.ordered_at, l.id LIMIT ?
    """
  private static let selectOnPort = """
    \(LeaseSQL.select) WHERE \(LeaseSQL.isLive) AND l.backend = ? AND l.port = ? LIMIT 1
    """
  private static let selectAll = "\(LeaseSQL.select) ORDER BY l.ordered_at DESC, l.id DESC LIMIT ?"

  func lease(_ id: WorkloadID) throws(Outage) -> Lease? {
    try self.leases(Self.selectOne, [.text(id.text)]).first
  }

  func newestLease(of serial: Serial) throws(Outage) -> Lease? {
    try self.leases(Self.selectNewest, [.bytes(serial.bytes)]).first
  }

  func liveLeases(in backend: String?, limit: Int) throws(Outage) -> [Lease] {
    let limit = SQLiteValue.integer(Int64(limit))
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
    let row = try self.connection.row(
      "SELECT COALESCE(SUM(bought_ms), 0) FROM payments WHERE onto = ?1 AND serial = ?1",
      [.bytes(serial.bytes)])
    return .milliseconds(try SQLiteRow.present(row).integer(0))
  }

  func insert(_ lease: Lease) throws(Outage) {
    try self.connection.run(
      """
      INSERT INTO leases (state, username, public_key, image, ready_at, ended_at, told_end, port, host_key,
        handle, owner, note, version, wanted_ms, id, serial, spec, backend, ordered_at, number)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
        (SELECT COALESCE(MAX(number), -1) + 1 FROM leases WHERE serial = ?))
      """,
      Self.values(of: lease) + [
        .text(lease.id.text), .bytes(lease.serial.bytes), .text(lease.spec.text), .text(lease.backend),
        SQLiteValue(lease.ordered), .bytes(lease.serial.bytes),
      ])
  }

  func replace(_ old: Lease, with new: Lease) throws(Outage) {
    let changed = try self.connection.run(
      """
      UPDATE leases SET (state, username, public_key, image, ready_at, ended_at, told_end, port, host_key,
        handle, owner, note, version, wanted_ms) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      WHERE id = ? AND version = ?
      """,
      Self.values(of: new) + [.text(old.id.text), .integer(Int64(old.version))])
    guard changed == 1 else { throw .conflict(old.payment) }
  }

  func pruneLeases(before moment: Timestamp, limit: Int) throws(Outage) -> Int {
    try self.connection.run(
      "DELETE FROM leases WHERE id IN (\(LeaseSQL.selectPrunable) ? LIMIT ?)",
      [SQLiteValue(moment), .integer(Int64(limit))])
  }

  private func leases(_ sql: String, _ arguments: [SQLiteValue]) throws(Outage) -> [Lease] {
    try self.connection.rows(sql, arguments).map { row throws(Outage) in try Lease(row) }
  }

  private static func values(of lease: Lease) -> [SQLiteValue] {
    [
      .text(lease.state.rawValue), SQLiteValue(lease.wishes.username), SQLiteValue(lease.wishes.publicKey),
      SQLiteValue(lease.wishes.image), SQLiteValue(lease.readySince),
      SQLiteValue(lease.state.isLive ? nil : lease.end), SQLiteValue(lease.toldEnd),
      SQLiteValue(lease.port.map(Int64.init)), SQLiteValue(lease.hostKey), SQLiteValue(lease.handle),
      SQLiteValue(lease.owner?.text), SQLiteValue(lease.note), .integer(Int64(lease.version)),
      SQLiteValue(lease.wishes.duration?.inMilliseconds),
    ]
  }
}

extension Lease {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    self.init(
      id: try SQLiteRow.present(WorkloadID(row.text(0))), serial: try row.serial(1),
      payment: PaymentID(try row.text(2)), spec: WorkloadSpecName(try row.text(3)),
      wishes: WorkloadWishes(
        username: try row.optionalText(4), publicKey: try row.optionalText(5),
        image: try row.optionalText(6),
        duration: try row.optionalInteger(21).map { .milliseconds($0) }),
      backend: try row.text(7), state: try SQLiteRow.present(State(rawValue: row.text(8))),
      ordered: try row.moment(9), readySince: try row.optionalMoment(10), end: try row.moment(11),
      revoked: try row.optionalMoment(12) == nil ? .valid : .revoked, toldEnd: try row.optionalMoment(13),
      port: try row.optionalCount(14).map { number throws(Outage) in
        try SQLiteRow.present(UInt16(exactly: number))
      },
      hostKey: try row.optionalText(15), handle: try row.optionalText(16),
      owner: try row.optionalText(17).map { Owner($0) }, credit: .milliseconds(try row.integer(18)),
      note: try row.optionalText(19), version: try row.count(20))
  }
}
