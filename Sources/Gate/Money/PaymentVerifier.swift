/// Judges and redeems one kind of payment.
///
/// `verify` only looks; `settle` moves money. A verdict is an answer; an ``Outage`` means there is none.
/// No method of a verifier writes a response, and none knows who asked.
public protocol PaymentVerifier: Sendable {
  var method: PaymentMethod { get }

  /// The header fields that may carry an offer of this scheme, in lower case; adapters hand these on to the gate.
  var credentialFields: [StaticString] { get }

  /// The offers of this scheme among the request's claims, by their bytes alone; cheap, on the event loop.
  /// One member per credential found: the gate counts them over all schemes.
  func offers(in request: AccessRequest) -> [PaymentOffer]

  /// How to pay `quote`; nil when its tariff has no price in a unit of this scheme. Made once per tariff.
  func challenge(for tariff: Tariff) -> Challenge?

  /// Whether `offer` would pay `quote`, as far as can be told without moving money.
  ///
  /// - Parameter reach: `.local` makes no call to anyone, and throws an ``Outage`` where one would be needed.
  func verify(_ offer: PaymentOffer, against quote: Quote, reach: Reach) async throws(Outage) -> Verdict

  /// Whether the counterpart may be asked about this payment now (the mint-budget rule, design §5).
  ///
  /// Called before a payment that the ledger has never seen is claimed.
  /// A payment granted on trust asks nobody now, and is admitted.
  func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage)

  /// Moves the money. Called with the plan durable; consumes the claim, so it cannot be done twice.
  func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement

  /// Finds out what became of a settlement whose answer was lost, and finishes it. Never charges again.
  func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement
}

/// How far `verify` may go.
public enum Reach: Sendable { case local, network }

/// What the client sent; untrusted. Its bytes are a secret: whoever reads them can spend them.
public struct PaymentOffer: Sendable {
  public var method: PaymentMethod
  public var bytes: [UInt8]

  public init(method: PaymentMethod, bytes: [UInt8]) {
    self.method = method
    self.bytes = bytes
  }
}

/// A judgement of an offer that has moved no money yet.
public enum Verdict: Sendable {
  case verified(VerifiedPayment)
  case rejected(Rejection)
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

/// So many consecutive numbers that no other plan will ever get (NUT-13: a counter per keyset).
public struct CounterRequest: Hashable, Sendable {
  public var name: String
  public var count: UInt32

  public init(name: String, count: UInt32) {
    self.name = name
    self.count = count
  }
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

/// What the counterpart said of a settled payment; public, and shown to the payer each time.
public struct Receipt: Hashable, Sendable {
  /// Header fields for the payer (x402 `PAYMENT-RESPONSE`).
  public var fields: [Challenge.Field]
  /// The counterpart's own name of the transfer: a transaction hash.
  public var transaction: String?

  public init(fields: [Challenge.Field], transaction: String? = nil) {
    self.fields = fields
    self.transaction = transaction
  }
}

/// Redeemed money of the treasury: one proof, for Cashu.
public struct Proceeds: Sendable {
  /// Who must honour it (a mint's configured URL).
  public var counterpart: String
  /// Under which of its keys (a keyset id).
  public var series: String
  public var value: Amount
  /// Unique among all proceeds: a row found twice is the same money.
  public var nullifier: Nullifier
  /// Contains secrets; stored, never shown.
  public var bearer: [UInt8]

  public init(counterpart: String, series: String, value: Amount, nullifier: Nullifier, bearer: [UInt8]) {
    self.counterpart = counterpart
    self.series = series
    self.value = value
    self.nullifier = nullifier
    self.bearer = bearer
  }
}
