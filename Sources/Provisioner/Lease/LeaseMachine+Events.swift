package import Gate

/// What a machine's life is told, and what it has done.
extension LeaseMachine {
  /// What is asked of the backend.
  package enum Ask: Hashable, Sendable {
    /// With none of these ports.
    case prepare(besides: Set<UInt16>)
    /// To end at this moment unless told otherwise.
    case start(end: Timestamp)
    case look
    case setEnd(Timestamp)
    /// Those that wait in the drawer.
    case setCredentials
    case remove
  }

  package enum Event: Hashable, Sendable {
    /// The row, read anew: something happened, or it is time.
    case row(Lease)
    /// The row after a change of ours.
    case written(Lease)
    case prepared(PreparedWorkload)
    /// The book has refused the port that was prepared; these are other machines'.
    case portsTaken(Set<UInt16>)
    case started(handle: String)
    case sighted(Sighting)
    case told(Timestamp)
    case credentialsSet
    case removed
    case fault(BackendFault, during: Ask)
  }

  package enum Action: Hashable, Sendable {
    case write(LeaseChange)
    case ask(Ask)
    /// Nothing until then, or until something happens.
    case rest(until: Timestamp?)
    /// Nothing any more.
    case forget
  }

  /// Whose a row in `starting` is.
  package enum Holder: Hashable, Sendable { case ours, nobody, dead, other }

  /// What an event is judged by, besides the row.
  package struct Circumstances: Sendable {
    package var now: Timestamp
    package var owner: Owner
    package var holder: Holder
    package var drawer: Drawer

    /// Whether a password or key waits for this machine.
    package enum Drawer: Hashable, Sendable { case empty, filled }

    package init(
      now: Timestamp, owner: Owner, holder: Holder = .ours, drawer: Drawer = .empty
    ) {
      self.now = now
      self.owner = owner
      self.holder = holder
      self.drawer = drawer
    }
  }
}

extension LeaseMachine.Ask {
  /// The same verb.
  func isLike(_ other: Self) -> Bool { self.verb == other.verb }

  /// For logs and metrics.
  package var verb: String {
    switch self {
    case .prepare: "prepare"
    case .start: "start"
    case .look: "look"
    case .setEnd: "set-end"
    case .setCredentials: "set-credentials"
    case .remove: "remove"
    }
  }
}
