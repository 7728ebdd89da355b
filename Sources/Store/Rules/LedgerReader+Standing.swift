package import Gate

extension LedgerReader {
  /// What the book says of a payment that is presented for `scope`.
  package func standing(
    of id: PaymentID, row: PaymentRow?, nullifiers: Set<Nullifier>, scope: GrantScope, at now: Timestamp
  ) throws(Outage) -> PaymentStanding {
    if let row {
      switch row.situation(at: now, self.liveness(of:)) {
      case .paid(let serial):
        let grant = try self.storedGrant(serial, of: id)
        return grant.scope == scope ? .granted(grant) : .otherRoute(id)
      case .inFlight: return .inFlight(id)
      case .unanswered(let dueIn): return .unknown(id, dueIn: dueIn)
      case .stuck: return .stuck(id)
      case .spent: return .rejected(.spent)
      case .free: break
      }
    }
    return try self.objection(to: nullifiers, of: id, at: now) ?? .unseen
  }

  /// What the row itself says, whoever asks.
  package func standing(of row: PaymentRow, at now: Timestamp) throws(Outage) -> PaymentStanding {
    switch row.situation(at: now, self.liveness(of:)) {
    case .paid(let serial): .granted(try self.storedGrant(serial, of: row.id))
    case .inFlight: .inFlight(row.id)
    case .unanswered(let dueIn): .unknown(row.id, dueIn: dueIn)
    case .stuck: .stuck(row.id)
    case .spent: .rejected(.spent)
    case .free: row.state == .rejected ? .rejected(row.ending.rejection ?? .spent) : .unseen
    }
  }

  /// The first nullifier that another payment has spent decides; one that is only undecided waits.
  private func objection(
    to nullifiers: Set<Nullifier>, of id: PaymentID, at now: Timestamp
  ) throws(Outage) -> PaymentStanding? {
    var undecided: PaymentStanding?
    for nullifier in nullifiers {
      guard let holder = try self.holder(of: nullifier), let row = try self.payment(holder) else { continue }
      // Its own, taken by a process that died before it sent anything.
      if holder == id, row.state == .reserved { continue }
      let objection = row.objection(at: now, self.liveness(of:))
      if case .rejected = objection { return objection }
      undecided = objection
    }
    return undecided
  }

  private func storedGrant(_ serial: Serial, of id: PaymentID) throws(Outage) -> GrantRecord {
    guard let grant = try self.grant(serial) else {
      throw Outage(.outage, "The store has lost the grant of a settled payment.", payment: id)
    }
    return grant
  }
}
