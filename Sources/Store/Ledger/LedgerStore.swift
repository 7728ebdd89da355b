package import Gate

/// A place where rows are kept: a backend. All rules are in ``TransactionalLedger``; a backend only stores
/// and finds.
package protocol LedgerStore: Sendable {
  /// This process, in the rows it has in flight.
  var owner: Owner { get }

  /// Runs `body` in one transaction, durable when this returns; whatever it throws undoes all it did.
  ///
  /// `body` runs once, on a thread that may block. Cancelling the caller's task cancels nothing.
  func write<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R

  /// Runs `body` on one consistent state that holds every write that has returned.
  func read<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerReader) throws(Outage) -> R
  ) async throws(Outage) -> R
}

/// Finds rows.
package protocol LedgerReader {
  func liveness(of owner: Owner) -> OwnerLiveness

  func payment(_ id: PaymentID) throws(Outage) -> PaymentRow?
  /// The payment that a nullifier is bound to.
  func holder(of nullifier: Nullifier) throws(Outage) -> PaymentID?
  /// Owners of rows in flight, each once.
  func ownersInFlight() throws(Outage) -> [Owner]
  /// `unknown` and due, or in flight with an ended lease or an owner in `dead`; oldest first.
  func duePayments(at now: Timestamp, dead: [Owner], limit: Int) throws(Outage) -> [DuePayment]

  func grant(_ serial: Serial) throws(Outage) -> GrantRecord?
  /// Of grants that have not ended, newest revocation first.
  func revocations(at now: Timestamp, limit: Int) throws(Outage) -> [Serial]
  func use(_ number: UInt32, of serial: Serial) throws(Outage) -> UseRow?
  /// The latest use that `request` took.
  func latestUse(of serial: Serial, by request: RequestKey) throws(Outage) -> UseRow?
  /// Uses in `delivering`, earliest lease end first.
  func usesInFlight(of serial: Serial, limit: Int) throws(Outage) -> [UseRow]
  /// The lowest returned use.
  func returnedUse(of serial: Serial) throws(Outage) -> UseRow?

  /// Newest change first; all states when nil.
  func payments(in state: PaymentState?, limit: Int) throws(Outage) -> [PaymentRow]
  /// Uses given out twice, or stuck; newest first.
  func lostUses(_ kind: LostUse.Kind, limit: Int) throws(Outage) -> [LostUse]
  func countByState() throws(Outage) -> [PaymentState: UInt64]
  func exposure() throws(Outage) -> [Exposure]
  func balances() throws(Outage) -> [TreasuryBalance]
  func fact(_ key: String) throws(Outage) -> String?
}

/// Finds and changes rows.
package protocol LedgerTransaction: LedgerReader {
  func insert(_ payment: PaymentRow) throws(Outage)
  /// Compare-and-set on (id, state, version); an ``Outage`` when somebody was faster.
  func replace(_ old: PaymentRow, with new: PaymentRow) throws(Outage)
  /// With its nullifiers.
  func delete(_ payment: PaymentID) throws(Outage)
  /// Binds nullifiers; those bound to this payment already stay. Unique: one bound to another payment is an
  /// ``Outage``,
  /// for the rules have looked before.
  func bind(_ nullifiers: Set<Nullifier>, to payment: PaymentID) throws(Outage)
  /// Frees all nullifiers of a payment but these.
  func free(_ payment: PaymentID, except kept: Set<Nullifier>) throws(Outage)
  /// The counter's next number, moving it on by `count`. Never goes back.
  func advance(_ counter: CounterRequest) throws(Outage) -> UInt64

  func insert(_ grant: GrantRecord, at now: Timestamp) throws(Outage)
  /// Compare-and-set on the number before.
  func setUsesTaken(of serial: Serial, from old: UInt32, to new: UInt32) throws(Outage)
  /// A second revocation changes nothing.
  func revoke(_ serial: Serial, at now: Timestamp) throws(Outage)
  func insert(_ use: UseRow) throws(Outage)
  /// Compare-and-set on (serial, number, attempt).
  func replace(_ old: UseRow, with new: UseRow) throws(Outage)

  /// Money found again by its nullifier is the same money.
  func insert(_ proceeds: Proceeds, of payment: PaymentID, at now: Timestamp) throws(Outage)
  func setFact(_ key: String, to value: String) throws(Outage)
  /// Forgets spent uses last taken before `moment` and refused payments that bind no nullifier; at most
  /// `limit` of each.
  func prune(before moment: Timestamp, limit: Int) throws(Outage) -> Int
}

extension Outage {
  /// Somebody changed the row between reading and writing; the payer asks again.
  package static func conflict(_ payment: PaymentID?) -> Outage {
    Outage(.inFlight, "The row was changed by another request.", retryAfterSeconds: 1, payment: payment)
  }
}
