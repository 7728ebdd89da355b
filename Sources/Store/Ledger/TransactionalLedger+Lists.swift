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

  /// Nil for a transfer: it is nobody's but ours.
  package func account(of payment: PaymentID) async throws(Outage) -> PaymentAccount? {
    guard let summary = try await self.payment(payment), !summary.kind.isTransfer else { return nil }
    return PaymentAccount(
      state: summary.state.rawValue, method: summary.bargain.method, value: summary.bargain.value,
      scope: summary.bargain.scope, created: summary.created, grant: summary.grant)
  }

  /// Payments; transfers are not counted.
  package func countByState() async throws(Outage) -> [PaymentState: UInt64] {
    try await self.store.read { rows throws(Outage) in try rows.countByState() }
  }

  /// Per counterpart and unit: what is reserved, settling, unknown, stuck, or granted on trust.
  package func exposure() async throws(Outage) -> [Exposure] {
    try await self.store.read { rows throws(Outage) in try rows.exposures() }
  }

  package func balances() async throws(Outage) -> [TreasuryBalance] {
    try await self.store.read { rows throws(Outage) in
      TreasuryBalance.sums(of: try rows.pieceTotals(in: [.held, .locked]))
    }
  }

  /// Recounts the whole book; reads every row.
  package func reconcile() async throws(Outage) -> Reconciliation {
    try await self.store.read { rows throws(Outage) in try rows.reconciliation() }
  }

  /// Forgets what is only needed to recognise repeats and refusals; never a nullifier. Returns how many rows
  /// went.
  package func prune(olderThan age: Duration, limit: Int = 10_000) async throws(Outage) -> Int {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      try rows.forgetMeters(at: clock.now(), limit: limit)
      return try rows.prune(before: clock.now() + (.zero - age), limit: limit)
    }
  }
}

extension LedgerReader {
  fileprivate func summary(of row: PaymentRow) throws(Outage) -> PaymentSummary {
    guard let serial = row.ending.serial else { return PaymentSummary(row, grant: nil) }
    return PaymentSummary(row, grant: try self.grant(serial)?.borne(by: row, receipt: row.ending.receipt))
  }
}

extension TreasuryBalance {
  /// Ordered by counterpart, series and unit.
  fileprivate static func sums(of totals: [PieceTotal]) -> [TreasuryBalance] {
    Dictionary(grouping: totals) { [$0.counterpart, $0.series, $0.unit.name] }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { key, totals in
        let held = totals.filter { $0.state == .held }
        let locked = totals.filter { $0.state == .locked }
        return TreasuryBalance(
          counterpart: key[0], series: key[1], amount: Amount(held.sum(of: \.value), Amount.Unit(key[2])),
          pieces: held.sum(of: \.pieces), locked: locked.sum(of: \.value))
      }
  }
}

extension [PieceTotal] {
  /// A sum beyond 64 bits is shown as the largest.
  fileprivate func sum(of number: KeyPath<PieceTotal, UInt64>) -> UInt64 {
    UInt64(clamping: self.reduce(0 as UInt128) { $0 + UInt128($1[keyPath: number]) })
  }
}
