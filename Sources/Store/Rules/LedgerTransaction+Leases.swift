internal import Gate

/// All changes of leases go through here, so that a machine's time and its grant's are one.
extension LedgerTransaction {
  func order(
    _ order: WorkloadOrder, as id: WorkloadID, in backend: String, at now: Timestamp
  ) throws(Outage) -> OrderOutcome {
    // Ahead of the grant: whoever locks rows takes the book's lock first.
    let newest = try self.newestLease(of: order.serial)
    guard let grant = try self.grant(order.serial) else { return .missing }
    guard grant.revoked == .valid else { return .revoked }
    guard grant.scope.route == order.route else { return .otherRoute }
    if let newest, newest.state.isLive { return newest.hasTime(at: now) ? .live(newest) : .over }
    let owed = try self.timeOwed(to: grant, after: newest, at: now)
    guard owed > .zero else { return .over }
    var running = grant
    (running.end, running.unused) = (now + owed, nil)
    if running != grant { try self.replace(grant, with: running) }
    let lease = Lease(
      id: id, serial: grant.serial, payment: grant.payment, spec: order.spec, wishes: order.wishes,
      backend: backend, ordered: now, end: now + owed)
    try self.insert(lease)
    return .opened(lease)
  }

  /// Nil where the row or its end is not what the caller saw, and where the port is another's.
  func change(_ seen: Lease, by change: LeaseChange, at now: Timestamp) throws(Outage) -> Lease? {
    guard let lease = try self.lease(seen.id), lease.version == seen.version, lease.end == seen.end else {
      return nil
    }
    guard let next = lease.changed(by: change, at: now) else {
      throw Outage(
        .outage, "A machine in state \(lease.state.rawValue) cannot be changed by \(change.word).",
        payment: lease.payment)
    }
    if case .prepared(let port, _) = change,
      let holder = try self.liveLease(on: port, in: lease.backend), holder.id != lease.id
    {
      return nil
    }
    if next.state != lease.state { try self.keepTime(of: next) }
    try self.replace(lease, with: next)
    return next
  }

  private func keepTime(of lease: Lease) throws(Outage) {
    // A revoked grant stays as it is: it is listed until its passes end.
    guard let grant = try self.grant(lease.serial), grant.revoked == .valid else { return }
    var next = grant
    next.end = lease.end
    next.unused = lease.state.isRunning ? nil : lease.credit
    if next != grant { try self.replace(grant, with: next) }
  }
}

extension LedgerReader {
  func timeKept(of serial: Serial, at now: Timestamp) throws(Outage) -> Duration? {
    let newest = try self.newestLease(of: serial)
    guard newest?.state.isRunning != true, let grant = try self.grant(serial), grant.revoked == .valid
    else { return nil }
    let owed = try self.timeOwed(to: grant, after: newest, at: now)
    return owed > .zero ? owed : nil
  }

  /// Whoever paid and got no machine has all that he bought, however late he comes: his payment may have
  /// been settled when he had gone.
  fileprivate func timeOwed(to grant: GrantRecord, after newest: Lease?, at now: Timestamp) throws(Outage)
    -> Duration
  {
    guard let end = grant.end else {
      throw Outage(.outage, "A machine is paid for by time; this grant has none.", payment: grant.payment)
    }
    if let unused = grant.unused { return unused }
    guard newest == nil, let bought = try self.payment(grant.payment)?.bargain.time else {
      return max(.zero, end - now)
    }
    return bought + (try self.timeToppedUp(onto: grant.serial))
  }
}

extension LeaseChange {
  /// For messages; nothing of what its owner chose.
  fileprivate var word: String {
    switch self {
    case .began: "began"
    case .prepared: "prepared"
    case .started: "started"
    case .ready: "ready"
    case .told: "told"
    case .wished: "wished"
    case .expiring: "expiring"
    case .gone: "gone"
    case .failed: "failed"
    }
  }
}
