/// Proof that this process, and no other, may move the money of one payment. Only a ledger makes one.
public struct Claim: ~Copyable, Sendable {
  public let term: ClaimTerm
  /// The first number of each counter the plan asked for.
  public let counterStarts: [UInt64]
  /// Makes a step durable before the irreversible call that follows it; design §5.
  private let record: @Sendable (Step) async throws(Outage) -> Void

  /// What is recorded while money moves.
  public enum Step: Sendable {
    /// `reserved → settling`: the next thing that happens is an irreversible call.
    case sending
    /// A scheme with more than one step stores what it needs to go on from here.
    case progressed(plan: [UInt8])
  }

  public var payment: PaymentID { self.term.payment }

  package init(
    term: ClaimTerm, counterStarts: [UInt64],
    record: @escaping @Sendable (Step) async throws(Outage) -> Void
  ) {
    self.term = term
    self.counterStarts = counterStarts
    self.record = record
  }

  /// Call before each irreversible call, and do not make it when this throws.
  public func willSend() async throws(Outage) { try await self.record(.sending) }

  /// Replaces the stored plan; a recovery starts from it.
  public func progressed(to plan: [UInt8]) async throws(Outage) {
    try await self.record(.progressed(plan: plan))
  }
}

/// One taking of a payment. Whoever takes it over starts a new term, and what the old one still says is not written down.
///
/// Read it from the claim before `settle` or `recover` consumes that, and conclude with it.
public struct ClaimTerm: Hashable, Sendable {
  public let payment: PaymentID
  /// Random, so that the number of a freed row never returns.
  package let number: Int64

  package init(payment: PaymentID, number: Int64) {
    self.payment = payment
    self.number = number
  }
}
