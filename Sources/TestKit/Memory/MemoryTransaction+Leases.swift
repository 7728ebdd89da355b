internal import Gate
internal import Store

extension MemoryTransaction {
  func lease(_ id: WorkloadID) -> Lease? { self.rows.leases[id].flatMap(self.completed) }

  func newestLease(of serial: Serial) -> Lease? { self.newestStored(of: serial).flatMap(self.completed) }

  func liveLeases(in backend: String?, limit: Int) -> [Lease] {
    let found = self.rows.leases.values.map(\.lease).filter {
      $0.state.isLive && (backend == nil || $0.backend == backend)
    }
    return found.sorted { ($0.ordered, $0.id.text) < ($1.ordered, $1.id.text) }.prefix(limit)
      .compactMap { self.lease($0.id) }
  }

  func liveLease(on port: UInt16, in backend: String) -> Lease? {
    let found = self.rows.leases.values.map(\.lease).first {
      $0.state.isLive && $0.backend == backend && $0.port == port
    }
    return found.flatMap { self.lease($0.id) }
  }

  func leases(limit: Int) -> [Lease] {
    self.rows.leases.values.map(\.lease)
      .sorted { ($0.ordered, $0.id.text) > ($1.ordered, $1.id.text) }.prefix(limit)
      .compactMap { self.lease($0.id) }
  }

  func timeToppedUp(onto serial: Serial) -> Duration {
    self.rows.payments.values.filter { $0.bargain.onto == serial && $0.ending.serial == serial }
      .reduce(.zero) { $0 + ($1.bargain.time ?? .zero) }
  }

  func insert(_ lease: Lease) throws(Outage) {
    let newest = self.newestStored(of: lease.serial)
    guard self.rows.leases[lease.id] == nil, newest?.lease.state.isLive != true else {
      throw .conflict(lease.payment)
    }
    self.rows.leases[lease.id] = .init(lease: lease, number: (newest?.number ?? -1) + 1)
  }

  func replace(_ old: Lease, with new: Lease) throws(Outage) {
    guard self.rows.leases[old.id]?.lease.version == old.version else { throw .conflict(old.payment) }
    self.rows.leases[old.id]?.lease = new
  }

  func pruneLeases(before moment: Timestamp, limit: Int) -> Int {
    let ended = self.rows.leases.values.compactMap(self.completed).filter {
      !$0.state.isLive && $0.end < moment && $0.credit == .zero
    }
    for lease in ended.prefix(limit) { self.rows.leases[lease.id] = nil }
    return min(limit, ended.count)
  }

  private func newestStored(of serial: Serial) -> MemoryRows.StoredLease? {
    self.rows.leases.values.filter { $0.lease.serial == serial }.max { $0.number < $1.number }
  }

  /// With what its grant says of its time.
  private func completed(_ stored: MemoryRows.StoredLease) -> Lease? {
    guard let grant = self.rows.grants[stored.lease.serial], let end = grant.record.end else { return nil }
    var lease = stored.lease
    lease.revoked = grant.record.revoked
    if lease.state.isLive { lease.end = min(end, grant.revoked ?? end) }
    let isNewest = self.newestStored(of: lease.serial)?.number == stored.number
    let isOwed = !lease.state.isRunning && grant.revoked == nil && isNewest
    lease.credit = isOwed ? grant.record.unused ?? .zero : .zero
    return lease
  }
}
