/// A movement of the treasury's own money.
public struct TransferDraft: Sendable {
  /// The raw value is what lists show.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Money taken on trust is fetched: payments in, proceeds out.
    case redemption
    /// Money leaves as a token.
    case export
    /// Money leaves over Lightning.
    case melt
  }

  /// Random, 32 hexadecimal digits.
  public var id: PaymentID
  public var kind: Kind
  /// Whose verifier recovers it.
  public var method: PaymentMethod
  public var counterpart: String
  /// The sum of all inputs.
  public var value: Amount
  /// Inputs: payments granted on trust.
  public var payments: [PaymentID]
  /// Inputs: held money.
  public var pieces: [Nullifier]
  public var plan: [UInt8]
  public var counters: [CounterRequest]
  public var lease: Duration

  public init(
    id: PaymentID, kind: Kind, method: PaymentMethod, counterpart: String, value: Amount,
    payments: [PaymentID] = [], pieces: [Nullifier] = [], plan: [UInt8], counters: [CounterRequest],
    lease: Duration
  ) {
    self.id = id
    self.kind = kind
    self.method = method
    self.counterpart = counterpart
    self.value = value
    self.payments = payments
    self.pieces = pieces
    self.plan = plan
    self.counters = counters
    self.lease = lease
  }
}

/// What a finished transfer changed. `value of inputs = kept + left + fee`, or the book refuses it.
///
/// Payments of a redemption that are not in `lost` are settled; its lost ones are `stuck`, and stay booked as exposure.
public struct TransferEffect: Sendable {
  /// New money of ours: change, or what a redemption fetched.
  public var kept: [Proceeds]
  /// Of an export: what left, so that it can be shown again.
  public var exported: [Proceeds]
  /// What left: exported or paid, without fees.
  public var left: UInt64
  /// What the counterpart and the network kept.
  public var fee: UInt64
  /// Payments whose money the counterpart does not give, with a note for the operator.
  public var lost: [PaymentID: String]
  /// A proof for the operator: a payment preimage.
  public var note: String?

  public init(
    kept: [Proceeds], exported: [Proceeds] = [], left: UInt64 = 0, fee: UInt64,
    lost: [PaymentID: String] = [:],
    note: String? = nil
  ) {
    self.kept = kept
    self.exported = exported
    self.left = left
    self.fee = fee
    self.lost = lost
    self.note = note
  }
}
