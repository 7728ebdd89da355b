package import Gate

/// A place where rows are kept: a backend. All rules are in ``TransactionalLedger``; a backend only stores
/// and finds.
package protocol LedgerStore: Sendable {
  /// This process, in the rows it has in flight.
  var owner: Owner { get }

  /// Runs `body` in one transaction, durable when this returns; whatever it throws undoes all it did.
  ///
  /// `body` runs on a thread that may block, and may run again from the start when its transaction lost a race or
  /// its connection: it takes rows in and gives rows out, and does nothing else. It lets each ``Outage`` of a primitive
  /// pass; one that answers nothing may report its failure later, at the next one or at the end. Cancelling the
  /// caller's task cancels nothing.
  func write<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R

  /// The same, for a body that will look at these rows: a backend that is far away fetches them with those of others.
  func write<R: Sendable>(
    expecting rows: ExpectedRows, _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R

  /// Runs `body` on one consistent state that holds every write that has returned.
  func read<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerReader) throws(Outage) -> R
  ) async throws(Outage) -> R
}

extension LedgerStore {
  package func write<R: Sendable>(
    expecting rows: ExpectedRows, _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R {
    try await self.write(body)
  }
}

/// What a body is known to look at before it runs; nothing depends on it but speed.
package struct ExpectedRows: Sendable {
  package var payments: [PaymentID]
  package var nullifiers: [Nullifier]
  /// The grant whose use is taken, and by which request; or the use that is reported.
  package var uses: [ExpectedUse]

  package enum ExpectedUse: Sendable {
    case taking(Serial, RequestKey?)
    case reporting(Serial, UInt32)
  }

  package init(payments: [PaymentID] = [], nullifiers: [Nullifier] = [], uses: [ExpectedUse] = []) {
    self.payments = payments
    self.nullifiers = nullifiers
    self.uses = uses
  }
}

/// Finds rows.
package protocol LedgerReader {
  func liveness(of owner: Owner) -> OwnerLiveness

  // Payments and transfers, which share a table.
  func payment(_ id: PaymentID) throws(Outage) -> PaymentRow?
  /// The payment that a nullifier is bound to.
  func holder(of nullifier: Nullifier) throws(Outage) -> PaymentID?
  func holder(of name: PaymentName) throws(Outage) -> PaymentID?
  /// Owners of rows in flight, each once.
  func ownersInFlight() throws(Outage) -> [Owner]
  /// `unknown` and due, or in flight with an ended lease or an owner in `dead`; oldest first.
  func duePayments(at now: Timestamp, dead: [Owner], limit: Int) throws(Outage) -> [DuePayment]
  /// `accepted` without a redemption; first made first.
  func acceptedPayments(of counterpart: String, limit: Int) throws(Outage) -> [PaymentRow]
  /// Whose `redemption` is `transfer`, in whatever state.
  func payments(redeemedIn transfer: PaymentID) throws(Outage) -> [PaymentRow]

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

  func piece(_ nullifier: Nullifier) throws(Outage) -> PieceRow?
  /// `held`, largest first.
  func heldPieces(of counterpart: String, in unit: Amount.Unit, limit: Int) throws(Outage) -> [PieceRow]
  /// Whose `transfer` is this, in whatever state.
  func pieces(in transfer: PaymentID) throws(Outage) -> [PieceRow]

  func meter(_ meter: String) throws(Outage) -> MeterRow?

  func invoice(_ id: String) throws(Outage) -> Invoice?
  /// Oldest first.
  func openInvoices(limit: Int) throws(Outage) -> [Invoice]

  // What a lease says of its paid time is its grant's: `end`, `revoked`, `credit`; so is its `payment`.
  func lease(_ id: WorkloadID) throws(Outage) -> Lease?
  /// The one that was ordered last.
  func newestLease(of serial: Serial) throws(Outage) -> Lease?
  /// Oldest first; of all backends when nil.
  func liveLeases(in backend: String?, limit: Int) throws(Outage) -> [Lease]
  /// There is at most one.
  func liveLease(on port: UInt16, in backend: String) throws(Outage) -> Lease?
  /// Newest first.
  func leases(limit: Int) throws(Outage) -> [Lease]
  /// What top-ups have added to a grant, since it was made.
  func timeToppedUp(onto serial: Serial) throws(Outage) -> Duration

  /// Newest change first; all states when nil.
  func payments(in state: PaymentState?, limit: Int) throws(Outage) -> [PaymentRow]
  /// Uses given out twice, or stuck; newest first.
  func lostUses(_ kind: LostUse.Kind, limit: Int) throws(Outage) -> [LostUse]
  /// Payments; transfers are not counted.
  func countByState() throws(Outage) -> [PaymentState: UInt64]
  /// The running totals that are not 0, ordered by counterpart and unit; what is below 0 counts as 0.
  func exposures() throws(Outage) -> [Exposure]
  /// One for each that has rows, in any order.
  func paymentTotals() throws(Outage) -> [PaymentTotal]
  func pieceTotals(in states: [PieceRow.State]) throws(Outage) -> [PieceTotal]
  func flaws(_ kind: Flaw.Kind, limit: Int) throws(Outage) -> [Flaw]
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
  /// ``Outage``, for the rules have looked before. So is a name.
  func bind(_ nullifiers: Set<Nullifier>, to payment: PaymentID) throws(Outage)
  /// Frees all nullifiers of a payment but these.
  func free(_ payment: PaymentID, except kept: Set<Nullifier>) throws(Outage)
  /// The counter's next number, moving it on by `count`. Never goes back.
  func advance(_ counter: CounterRequest) throws(Outage) -> UInt64
  /// Moves a counter on to at least `next`.
  func raise(_ counter: String, to next: UInt64) throws(Outage)
  /// Changes a running total, made at 0 where there is none; returns what it is then.
  func addExposure(_ change: Int64, of counterpart: String, in unit: Amount.Unit) throws(Outage) -> Int64

  func insert(_ grant: GrantRecord, at now: Timestamp) throws(Outage)
  /// Compare-and-set on what was bought: `uses`, `end` and `unused`, which are all that changes.
  func replace(_ old: GrantRecord, with new: GrantRecord) throws(Outage)
  /// Compare-and-set on the number before.
  func setUsesTaken(of serial: Serial, from old: UInt32, to new: UInt32) throws(Outage)
  /// A second revocation changes nothing.
  func revoke(_ serial: Serial, at now: Timestamp) throws(Outage)
  func insert(_ use: UseRow) throws(Outage)
  /// Compare-and-set on (serial, number, attempt).
  func replace(_ old: UseRow, with new: UseRow) throws(Outage)

  /// Changes nothing where its nullifier is known.
  func insert(_ piece: PieceRow) throws(Outage) -> PieceInsertion
  /// Compare-and-set on (nullifier, state, transfer); changes source, state and transfer.
  func replace(_ old: PieceRow, with new: PieceRow) throws(Outage)

  /// Counts one event, at most up to `ceiling`; a window that has ended by `now` begins anew and ends at `end`.
  func count(_ meter: String, at now: Timestamp, until end: Timestamp, ceiling: UInt32) throws(Outage)
    -> MeterRow
  /// Forgets ended windows.
  func forgetMeters(at now: Timestamp, limit: Int) throws(Outage)

  func insert(_ invoice: Invoice) throws(Outage)
  /// Compare-and-set on (id, state); changes only the state.
  func replace(_ old: Invoice, with new: Invoice, at now: Timestamp) throws(Outage)

  /// A grant's next; an ``Outage`` where one of its own is live or the id is taken.
  func insert(_ lease: Lease) throws(Outage)
  /// Compare-and-set on (id, version). What is its grant's does not change here, but the `end` of one that is not live
  /// is kept.
  func replace(_ old: Lease, with new: Lease) throws(Outage)

  func setFact(_ key: String, to value: String) throws(Outage)
  /// Forgets spent uses last taken before `moment` (counted in their grants, see ``Flaw/Kind/uses``) and refused
  /// payments and transfers that bind no nullifier, invoices that expired, and machines that ended without credit;
  /// at most `limit` of each.
  func prune(before moment: Timestamp, limit: Int) throws(Outage) -> Int
}

extension Outage {
  /// Somebody changed the row between reading and writing; the payer asks again.
  package static func conflict(_ payment: PaymentID?) -> Outage {
    Outage(.inFlight, "The row was changed by another request.", retryAfterSeconds: 1, payment: payment)
  }
}
