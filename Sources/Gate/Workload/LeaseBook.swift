/// The durable book of machines; each call is one transaction, on disk when it returns.
public protocol LeaseBook: Ledger {
  /// The machine that a grant pays for: the live one, else a new row in `ordered` under `id`.
  ///
  /// A grant whose last machine left credit (failed, or ended early by its owner) gets its end moved to now plus
  /// that credit in the same transaction; one that never had a machine, to now plus all that was bought. Two orders
  /// for one grant at the same time give one machine.
  func order(_ order: WorkloadOrder, as id: WorkloadID, in backend: String) async throws(Outage)
    -> OrderOutcome

  /// The time that the next machine of a grant has; nil while one runs, and where none is left.
  func timeKept(of serial: Serial) async throws(Outage) -> Duration?

  func lease(_ id: WorkloadID) async throws(Outage) -> Lease?
  /// The newest of a grant.
  func lease(of serial: Serial) async throws(Outage) -> Lease?
  /// The newest of the grant that a payment opened or topped up.
  func lease(boughtBy payment: PaymentID) async throws(Outage) -> Lease?
  /// Oldest first.
  func liveLeases(in backend: String?, limit: Int) async throws(Outage) -> [Lease]
  /// Newest first, live or not.
  func leases(limit: Int) async throws(Outage) -> [Lease]

  /// This process, as `began(by:)` names it; the store may give it another name after a long absence.
  var owner: Owner { get }
  /// Those of `owners` that are proven dead: their machines may be taken over.
  func dead(among owners: [Owner]) async throws(Outage) -> Set<Owner>

  /// Compare-and-set on (id, version, end); nil when another was faster, also a top-up or its like that moved
  /// the grant's end since `lease` was read: read again. Nil too for a port that another live machine of the
  /// same backend has: then the row is as it was.
  func change(_ lease: Lease, by change: LeaseChange) async throws(Outage) -> Lease?
}

public enum OrderOutcome: Hashable, Sendable {
  /// Made by this call.
  case opened(Lease)
  /// Was there.
  case live(Lease)
  /// The grant's time is over and no credit is left.
  case over
  case revoked
  /// The grant is another route's.
  case otherRoute
  case missing
}

/// One step in the life of a machine. What does not follow from the row's state is a bug of the caller and is
/// refused with an ``Outage``.
public enum LeaseChange: Hashable, Sendable {
  /// `ordered` → `starting`, or a take-over of a `starting` one.
  case began(by: Owner)
  /// `starting`: where it will listen, before it exists.
  case prepared(port: UInt16, hostKey: String)
  /// `starting`: it exists.
  case started(handle: String)
  /// `starting` → `ready`. Moves the grant's end by the time since the order: the buyer gets all he paid for.
  case ready
  /// The backend knows this end.
  case told(end: Timestamp)
  /// Its owner asked for another key or name; kept for a new machine.
  case wished(WorkloadWishes)
  /// Any live state → `expiring`.
  case expiring(Unused, note: String)
  /// `expiring` → `gone`; nothing of it is left.
  case gone
  /// Any live state → `failed`. Before `ready` all its time is credit; after, what is left of it.
  case failed(note: String)

  /// What becomes of the time that is left when a machine ends early.
  public enum Unused: String, Hashable, Sendable {
    /// Its owner's to use for another machine.
    case credited
    /// Over, or revoked.
    case none
  }
}
