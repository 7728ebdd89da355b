package import Gate

/// What operators see. None of it holds a secret.
extension TransactionalLedger {
  /// Newest change first; all states when nil.
  package func payments(in state: PaymentState? = nil, limit: Int) async throws(Outage) -> [PaymentSummary] {
    try await self.store.read { rows throws(Outage) in
      var summaries: [PaymentSummary] = []
      for row in try rows.payments(in: state, limit: limit) { summaries.append(try rows.summary(of: row)) }
      return summaries
    }
  }

  package func payment(_ id: PaymentID) async throws(Outage) -> PaymentSummary? {
    try await self.store.read { rows throws(Outage) in
      guard let row = try rows.payment(id) else { return nil }
      return try rows.summary(of: row)
    }
  }

  /// Each use that may have been served twice, or is stuck; newest first.
  package func lostUses(_ kind: LostUse.Kind, limit: Int) async throws(Outage) -> [LostUse] {
    try await self.store.read { rows throws(Outage) in try rows.lostUses(kind, limit: limit) }
  }

  package func countByState() async throws(Outage) -> [PaymentState: UInt64] {
    try await self.store.read { rows throws(Outage) in try rows.countByState() }
  }

  /// Per counterpart and unit: what is reserved, settling, unknown or stuck.
  package func exposure() async throws(Outage) -> [Exposure] {
    try await self.store.read { rows throws(Outage) in try rows.exposure() }
  }

  package func balances() async throws(Outage) -> [TreasuryBalance] {
    try await self.store.read { rows throws(Outage) in try rows.balances() }
  }

  /// Forgets what is only needed to recognise repeats and refusals; never a nullifier. Returns how many rows
  /// went.
  package func prune(olderThan age: Duration, limit: Int = 10_000) async throws(Outage) -> Int {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      try rows.prune(before: clock.now() + (.zero - age), limit: limit)
    }
  }
}

extension LedgerReader {
  fileprivate func summary(of row: PaymentRow) throws(Outage) -> PaymentSummary {
    guard let serial = row.ending.serial else { return PaymentSummary(row, grant: nil) }
    return PaymentSummary(row, grant: try self.grant(serial))
  }
}
