/// What became of a settlement.
public enum Settlement: Sendable {
  /// The money is ours; `proceeds` are what the treasury now holds.
  case settled([Proceeds], receipt: Receipt? = nil)
  /// A transfer of the treasury's own is done.
  case transferred(TransferEffect)
  /// It never will be. `spent` are the nullifiers the counterpart calls spent: remembered, so that it is not asked again.
  /// With ``Rejection/spent`` the payment itself is remembered too, also where it is not known which of them are.
  case rejected(Rejection, spent: [Nullifier])
  /// Nothing was sent under this claim. If nothing ever was, the payer keeps the payment; else it is unknown.
  case notSent(Outage)
  /// Whatever was sent has not been acted on and cannot be any more: the payer keeps the payment.
  case void(Outage)
  /// Sent, and no answer; to be recovered.
  case unknown(Outage)
  /// The counterpart holds the money and gives no answer that ends it; an operator must look. `note` is for them.
  case stuck(note: String)
}

/// A plan as the ledger stored it, with the numbers it was given.
public struct SettlementPlan: Sendable {
  public var payment: PaymentID
  public var value: Amount
  public var counterpart: String
  public var plan: [UInt8]
  /// The first number of each counter, in the order they were asked for.
  public var counterStarts: [UInt64]
  /// Whether a first irreversible call may already have gone out.
  public var progress: Progress

  public enum Progress: Sendable { case notSent, maybeSent }

  public init(
    payment: PaymentID, value: Amount, counterpart: String, plan: [UInt8], counterStarts: [UInt64],
    progress: Progress
  ) {
    self.payment = payment
    self.value = value
    self.counterpart = counterpart
    self.plan = plan
    self.counterStarts = counterStarts
    self.progress = progress
  }
}
