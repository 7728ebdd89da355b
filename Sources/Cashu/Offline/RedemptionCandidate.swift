internal import Gate

/// A payment accepted on trust, as far as its redemption needs it. Secret.
struct RedemptionCandidate: Sendable {
  var payment: PaymentID
  var accepted: Timestamp
  var value: UInt64
  var inputs: [SwapPlan.Input]
  /// The first moment at which another may spend one of them.
  var locktime: Timestamp?

  init(payment: PaymentID, accepted: Timestamp, value: UInt64, inputs: [SwapPlan.Input]) {
    self.payment = payment
    self.accepted = accepted
    self.value = value
    self.inputs = inputs
    self.locktime = inputs.compactMap { PayeeLock($0.secret)?.locktime }.min()
  }

  /// Nil for a row that no verifier of ours wrote.
  init?(_ accepted: AcceptedPayment) {
    guard PlanKind(of: accepted.plan) == .swap, let plan = SwapPlan(decoding: accepted.plan) else {
      return nil
    }
    self.init(
      payment: accepted.payment, accepted: accepted.accepted, value: accepted.value.value, inputs: plan.inputs
    )
  }

  /// Locks that end come first, the next to end before the others; the rest by age.
  static func goesBefore(_ a: Self, _ b: Self) -> Bool {
    switch (a.locktime, b.locktime) {
    case (let first?, let second?): first < second
    case (.some, nil): true
    case (nil, .some): false
    case (nil, nil): a.accepted < b.accepted
    }
  }
}
