package import Gate

/// A payment as lists show it; no plan, no secret.
package struct PaymentSummary: Sendable {
  package var id: PaymentID
  package var kind: PaymentKind
  package var bargain: Bargain
  package var payer: Payer
  package var state: PaymentState
  package var recovery: Recovery
  package var leaseEnd: Timestamp?
  package var ending: Ending
  package var redemption: PaymentID?
  package var grant: GrantRecord?
  package var created: Timestamp
  package var updated: Timestamp

  init(_ row: PaymentRow, grant: GrantRecord?) {
    self.id = row.id
    self.kind = row.kind
    self.bargain = row.bargain
    self.payer = row.payer
    self.state = row.state
    self.recovery = row.recovery
    self.leaseEnd = row.hold?.end
    self.ending = row.ending
    self.redemption = row.redemption
    self.grant = grant
    self.created = row.created
    self.updated = row.updated
  }
}

/// A use that a crash may have served twice, or that was lost twice.
package struct LostUse: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable { case redelivered, stuck }

  package var payment: PaymentID
  package var use: UseRow

  package init(payment: PaymentID, use: UseRow) {
    self.payment = payment
    self.use = use
  }
}

/// Paid to us, and not ours yet: open payments, and those granted on trust.
package struct Exposure: Hashable, Sendable {
  package var counterpart: String
  package var amount: Amount

  package init(counterpart: String, amount: Amount) {
    self.counterpart = counterpart
    self.amount = amount
  }
}

/// What the treasury holds of one series of one counterpart.
package struct TreasuryBalance: Hashable, Sendable {
  package var counterpart: String
  package var series: String
  /// Free to be spent.
  package var amount: Amount
  /// Pieces of money that make up `amount`: proofs, for Cashu.
  package var pieces: UInt64
  /// What unfinished transfers spend; not in `amount`.
  package var locked: UInt64

  package init(counterpart: String, series: String, amount: Amount, pieces: UInt64, locked: UInt64 = 0) {
    self.counterpart = counterpart
    self.series = series
    self.amount = amount
    self.pieces = pieces
    self.locked = locked
  }
}
