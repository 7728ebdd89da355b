internal import Gate

extension LedgerTransaction {
  /// Gives what a paid row bought: a grant of its own, or more of the one that it tops up.
  ///
  /// A grant that cannot be topped up any more (revoked meanwhile) costs nobody his money: then a new one is made.
  func grantPurchase(
    of row: PaymentRow, newSerial: Serial, receipt: Receipt?, at now: Timestamp
  ) throws(Outage) -> GrantRecord {
    if let onto = row.bargain.onto {
      // Ahead of the grant, as in ``order(_:as:in:at:)``.
      let machine = try self.newestLease(of: onto)
      if let old = try self.grant(onto), let new = old.toppedUp(by: row.bargain, at: now) {
        try self.replace(old, with: new)
        if let machine { try self.prolong(machine, by: row.bargain.time) }
        return new.borne(by: row, receipt: receipt)
      }
    }
    let bargain = row.bargain
    let grant = GrantRecord(
      serial: newSerial, payment: row.id, scope: bargain.scope, paid: bargain.value, uses: bargain.uses,
      usesTaken: 0, end: bargain.time.map { now + $0 }, payer: row.payer.address, receipt: receipt)
    try self.insert(grant, at: now)
    return grant
  }
}

extension LedgerTransaction {
  /// One that was wanted for less than was paid stays as much longer as was bought; any other ends with its grant.
  private func prolong(_ machine: Lease, by bought: Duration?) throws(Outage) {
    guard machine.state.isRunning, let wish = machine.wishes.duration, let bought else { return }
    var next = machine
    next.wishes.duration = wish + bought
    next.version += 1
    try self.replace(machine, with: next)
  }
}

extension GrantRecord {
  /// Nil when it is revoked, of another scope, of another kind (uses, time), or full.
  func toppedUp(by bargain: Bargain, at now: Timestamp) -> GrantRecord? {
    guard self.revoked == .valid, self.scope == bargain.scope, (self.uses == nil) == (bargain.uses == nil),
      (self.end == nil) == (bargain.time == nil)
    else { return nil }
    var next = self
    if let uses = self.uses, let bought = bargain.uses {
      let (sum, overflow) = uses.addingReportingOverflow(bought)
      guard !overflow else { return nil }
      next.uses = sum
    }
    if let end = self.end, let bought = bargain.time {
      // Time that no machine runs down waits for one, and so does what is added to it.
      if let unused = self.unused {
        next.unused = unused + bought
      } else {
        next.end = max(now, end) + bought
      }
    }
    return next
  }

  /// The same right as a payment bears it that topped it up.
  func borne(by row: PaymentRow, receipt: Receipt?) -> GrantRecord {
    var grant = self
    guard self.payment != row.id else { return grant }
    grant.payment = row.id
    grant.paid = row.bargain.value
    grant.payer = row.payer.address
    grant.receipt = receipt
    return grant
  }
}
