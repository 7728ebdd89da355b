/// The durable book of payments, grants and uses: the one place that says what was spent (design §5).
///
/// Every change is one transaction, on disk when the call returns. An ``Outage`` means the book cannot be read or
/// written; nothing may be allowed on it.
public protocol Ledger: Sendable {
  /// What the book says of a payment, changing nothing. `scope` tells 409 from the rest.
  func standing(of payment: VerifiedPayment, scope: GrantScope) async throws(Outage) -> PaymentStanding

  /// Takes a payment for this process, or says who has it. The claim's row is `reserved`, its plan and counters stored.
  ///
  /// A payment granted on trust is never `claimed` while its counterpart's limit allows it: it stands as `granted` at once.
  func claim(_ reservation: Reservation) async throws(Outage) -> ClaimOutcome

  /// Takes over a payment whose owner is dead or whose lease has ended, for recovery.
  func resume(_ payment: PaymentID) async throws(Outage) -> ResumeOutcome

  /// Writes down what became of a claimed payment; a settled one gets its grant in the same transaction.
  ///
  /// A term that has been taken over changes nothing; the answer is what the book says then.
  func conclude(_ term: ClaimTerm, with settlement: Settlement) async throws(Outage) -> PaymentStanding

  /// Takes one use of a grant, or finds that time is left on it.
  func take(_ request: UseRequest) async throws(Outage) -> UseOutcome

  /// `written`: the use is spent. `lost`: not a byte of the answer went out, the use returns.
  func report(_ use: TakenUse, _ delivery: UseDelivery) async throws(Outage)

  /// Payments that are due for recovery now, oldest first.
  func due(limit: Int) async throws(Outage) -> [DuePayment]

  /// Serials whose passes are revoked, newest first, at most `limit`.
  func revocations(limit: Int) async throws(Outage) -> [Serial]

  /// Counts one event of a meter, unless its window is full; exact over all processes of the store.
  func count(_ event: MeterEvent) async throws(Outage) -> MeterReading

  /// What anyone who knows its id may be told of a payment.
  func account(of payment: PaymentID) async throws(Outage) -> PaymentAccount?
}

/// One event to be counted: at most `limit` in a window of fixed start.
public struct MeterEvent: Hashable, Sendable {
  /// What is counted, and for whom: `free ROUTE CLIENT`.
  public var meter: String
  public var window: Duration
  public var limit: UInt32

  public init(meter: String, window: Duration, limit: UInt32) {
    self.meter = meter
    self.window = window
    self.limit = limit
  }
}

public enum MeterReading: Hashable, Sendable {
  case counted(left: UInt32)
  case full(until: Timestamp)
}

/// What is told of a payment to whoever knows its id; no secret.
public struct PaymentAccount: Sendable {
  /// `reserved`, `settling`, `accepted`, `settled`, `rejected`, `unknown` or `stuck`.
  public var state: String
  public var method: PaymentMethod
  public var value: Amount
  public var scope: GrantScope
  public var created: Timestamp
  public var grant: GrantRecord?

  public init(
    state: String, method: PaymentMethod, value: Amount, scope: GrantScope, created: Timestamp,
    grant: GrantRecord?
  ) {
    self.state = state
    self.method = method
    self.value = value
    self.scope = scope
    self.created = created
    self.grant = grant
  }
}

/// All that one transaction needs to take a payment.
public struct Reservation: Sendable {
  public var payment: VerifiedPayment
  public var scope: GrantScope
  public var tariff: Tariff
  /// How long this process may work on it; another takes over when it has ended.
  public var lease: Duration
  /// The grant that what is bought is added to (top-up); nil makes one.
  public var onto: Serial?

  public init(
    payment: VerifiedPayment, scope: GrantScope, tariff: Tariff, lease: Duration, onto: Serial? = nil
  ) {
    self.payment = payment
    self.scope = scope
    self.tariff = tariff
    self.lease = lease
    self.onto = onto
  }
}

/// What the book says of a payment.
public enum PaymentStanding: Sendable {
  /// Never seen, or freed again: it may be claimed.
  case unseen
  /// Paid for this scope (or one that it covers); whether uses or time are left, `take` says.
  case granted(GrantRecord)
  /// Paid, for another route.
  case otherRoute(PaymentID)
  /// Paid, and whoever presents it now does not show that it is his.
  case notBearer(GrantRecord)
  /// The name that the payer gave it is another payment's.
  case nameTaken(PaymentID)
  /// Somebody works on it.
  case inFlight(PaymentID)
  /// Sent and unanswered; `dueIn` is the time until it is asked again.
  case unknown(PaymentID, dueIn: Duration)
  /// The counterpart holds it.
  case stuck(PaymentID)
  /// The counterpart refused it for good, or one of its nullifiers is spent in another payment.
  case rejected(Rejection)
  /// A finished transfer of the treasury's own (``TreasuryBook``); no payer has its id.
  case transferred(PaymentID)
}

/// The answer to a claim. One case per answer: exactly one claimant gets `claimed`.
public enum ClaimOutcome: ~Copyable, Sendable {
  case claimed(Claim)
  case standing(PaymentStanding)
}

/// The answer to a take-over.
public enum ResumeOutcome: ~Copyable, Sendable {
  case resumed(Resumption)
  case standing(PaymentStanding)
}

/// A payment taken over for recovery.
public struct Resumption: ~Copyable, Sendable {
  public let method: PaymentMethod
  public let plan: SettlementPlan
  public let claim: Claim

  package init(method: PaymentMethod, plan: SettlementPlan, claim: consuming Claim) {
    self.method = method
    self.plan = plan
    self.claim = claim
  }

  public consuming func take() -> Claim { self.claim }
}

/// A payment that waits for recovery.
public struct DuePayment: Sendable {
  public var payment: PaymentID
  public var method: PaymentMethod

  public init(payment: PaymentID, method: PaymentMethod) {
    self.payment = payment
    self.method = method
  }
}
