package import Gate

extension LedgerReader {
  /// What the book says of a payment that is presented for `scope`; `row` is the one with its id.
  package func standing(
    of payment: VerifiedPayment, row: PaymentRow?, scope: GrantScope, at now: Timestamp
  ) throws(Outage) -> PaymentStanding {
    if let name = payment.name, let holder = try self.holder(of: name), holder != payment.id {
      return .nameTaken(holder)
    }
    if let row {
      switch row.situation(at: now, self.liveness(of:)) {
      case .paid(let serial):
        let grant = try self.storedGrant(serial, of: row)
        guard grant.scope == scope else { return .otherRoute(row.id) }
        return row.payer.isBearer(showing: payment.bearing) ? .granted(grant) : .notBearer(grant)
      case .inFlight: return .inFlight(row.id)
      case .unanswered(let dueIn): return .unknown(row.id, dueIn: dueIn)
      case .stuck: return .stuck(row.id)
      case .spent: return .rejected(.spent)
      case .transferred: return .transferred(row.id)
      // Refused, it may be public all the same, and its money may come: then it is still its first bearer's.
      case .free where row.state == .rejected && !row.payer.mayPresentAgain(showing: payment.bearing):
        return .rejected(row.ending.rejection ?? .invalid)
      case .free: break
      }
    }
    return try self.objection(to: Set(payment.nullifiers), of: payment.id, at: now) ?? .unseen
  }

  /// What the row itself says, whoever asks.
  package func standing(of row: PaymentRow, at now: Timestamp) throws(Outage) -> PaymentStanding {
    switch row.situation(at: now, self.liveness(of:)) {
    case .paid(let serial): .granted(try self.storedGrant(serial, of: row))
    case .inFlight: .inFlight(row.id)
    case .unanswered(let dueIn): .unknown(row.id, dueIn: dueIn)
    case .stuck: .stuck(row.id)
    case .spent: .rejected(.spent)
    case .transferred: .transferred(row.id)
    case .free where row.state == .rejected: .rejected(row.ending.rejection ?? .spent)
    // A transfer's inputs stay taken until recovery has let them go.
    case .free: row.kind.isTransfer ? .unknown(row.id, dueIn: .zero) : .unseen
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

  private func storedGrant(_ serial: Serial, of row: PaymentRow) throws(Outage) -> GrantRecord {
    guard let grant = try self.grant(serial) else {
      throw Outage(.outage, "The store has lost the grant of a settled payment.", payment: row.id)
    }
    return grant.borne(by: row, receipt: row.ending.receipt)
  }
}
