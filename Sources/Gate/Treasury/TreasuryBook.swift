/// The treasury's side of the book: what is held, and how it moves.
///
/// A transfer is written ahead like a payment and goes through the same states; the cashier recovers it the same way
/// (``Ledger/due(limit:)``, ``Ledger/resume(_:)``, ``Ledger/conclude(_:with:)`` with ``Settlement/transferred(_:)``).
public protocol TreasuryBook: Ledger {
  /// Payments granted on trust that `counterpart` owes and no transfer redeems yet, oldest first.
  func acceptedPayments(of counterpart: String, limit: Int) async throws(Outage) -> [AcceptedPayment]

  /// Held money that no transfer spends, largest first.
  func pieces(of counterpart: String, in unit: Amount.Unit, limit: Int) async throws(Outage) -> [Proceeds]

  /// Takes the transfer's inputs and stores its plan, in one transaction; an ``Outage`` when one of them is not there to
  /// be taken or the sum is not its value. ``ClaimOutcome/standing(_:)`` with `inFlight`
  /// when another transfer has one of them, with whatever the row says when the id is known already.
  func begin(_ transfer: TransferDraft) async throws(Outage) -> ClaimOutcome

  /// Adds money that was found again at its counterpart (`treasury restore`); what the book knows already is not counted.
  func recordFound(_ proceeds: [Proceeds]) async throws(Outage) -> FoundMoney

  /// Moves a counter on to at least `next`; it never goes back.
  func raise(counter name: String, to next: UInt64) async throws(Outage)

  /// The next number of a counter; 0 for one that nobody took a number from.
  func next(of counter: String) async throws(Outage) -> UInt64

  /// What left the treasury in `transfer`, for who lost the print-out.
  func exported(in transfer: PaymentID) async throws(Outage) -> [Proceeds]
}

/// A payment granted on trust.
public struct AcceptedPayment: Sendable {
  public var payment: PaymentID
  public var method: PaymentMethod
  public var counterpart: String
  public var value: Amount
  /// As its verifier made it. Contains secrets.
  public var plan: [UInt8]
  public var accepted: Timestamp

  public init(
    payment: PaymentID, method: PaymentMethod, counterpart: String, value: Amount, plan: [UInt8],
    accepted: Timestamp
  ) {
    self.payment = payment
    self.method = method
    self.counterpart = counterpart
    self.value = value
    self.plan = plan
    self.accepted = accepted
  }
}

/// What a search at a counterpart brought to light: sums of values.
public struct FoundMoney: Hashable, Sendable {
  public var added: UInt64
  public var known: UInt64

  public init(added: UInt64, known: UInt64) {
    self.added = added
    self.known = known
  }
}
