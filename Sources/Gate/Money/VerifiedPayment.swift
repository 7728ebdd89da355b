/// An offer that would pay its quote, and how it will be redeemed.
public struct VerifiedPayment: Sendable {
  public var id: PaymentID
  public var method: PaymentMethod
  /// Sorted; at least one.
  public var nullifiers: [Nullifier]
  /// Face value; what credit is counted from.
  public var value: Amount
  /// The counterpart that holds the money, for exposure (a mint's configured URL).
  public var counterpart: String
  /// All that is needed to repeat the irreversible call byte for byte. Contains secrets; stored, never shown.
  public var plan: [UInt8]
  /// Counters that the plan takes numbers from; reserved in the transaction that stores the plan.
  public var counters: [CounterRequest]
  public var trust: Trust
  public var bearing: Bearing
  /// Who paid, where the scheme tells (an address); asserted to the app.
  public var payer: String?
  public var name: PaymentName?

  public init(
    id: PaymentID, method: PaymentMethod, nullifiers: [Nullifier], value: Amount, counterpart: String,
    plan: [UInt8], counters: [CounterRequest] = [], trust: Trust = .settlement, bearing: Bearing = .payload,
    payer: String? = nil, name: PaymentName? = nil
  ) {
    self.id = id
    self.method = method
    self.nullifiers = nullifiers
    self.value = value
    self.counterpart = counterpart
    self.plan = plan
    self.counters = counters
    self.trust = trust
    self.bearing = bearing
    self.payer = payer
    self.name = name
  }
}

/// When a payment becomes a grant (design §5).
public enum Trust: Hashable, Sendable {
  /// When its money is ours.
  case settlement
  /// When its nullifiers are durable: nobody but us can spend it. Its counterpart may owe us at most `limit` in all this
  /// way.
  case reservation(limit: UInt64, beyond: Overdraft)

  /// What is done with a payment that would exceed the limit.
  public enum Overdraft: Hashable, Sendable {
    /// It is settled at once, as if there were no trust.
    case settle
    /// Nobody takes it now: an ``Outage``.
    case refuse
  }
}

/// By what a payer shows that a payment is his when he presents it again (design §4, "x402 payloads are public").
public enum Bearing: Hashable, Sendable {
  /// By the payment itself: it is a secret until it is spent (ecash).
  case payload
  /// The payload is public once it is broadcast; SHA-256 of the random secret that its challenge gave out.
  case secret(hash: [UInt8])
  /// The payload is public and came without a secret: its first presentation counts, later ones only as repeats.
  case firstPresentation
}

/// A name that the payer gave a payment (x402 `payment-identifier`): one name, one payment.
public struct PaymentName: Hashable, Sendable {
  /// A digest of what the payer sent; 32 bytes.
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// So many consecutive numbers that no other plan will ever get (NUT-13: a counter per keyset).
public struct CounterRequest: Hashable, Sendable {
  public var name: String
  public var count: UInt32

  public init(name: String, count: UInt32) {
    self.name = name
    self.count = count
  }
}
