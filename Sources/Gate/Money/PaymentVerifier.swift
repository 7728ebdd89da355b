/// Judges and redeems one kind of payment.
///
/// `verify` only looks; `settle` moves money. A verdict is an answer; an ``Outage`` means there is none.
/// No method of a verifier writes a response, and none knows who asked.
public protocol PaymentVerifier: Sendable {
  var method: PaymentMethod { get }

  /// How long `settle` or `recover` may work, the time-outs of its calls included: a claim is not taken over sooner, or an
  /// answer that comes late would be one that nobody may write down. Zero for less than a request's deadline and 30 s.
  var longestWork: Duration { get }

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

extension PaymentVerifier {
  public var longestWork: Duration { .zero }
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
