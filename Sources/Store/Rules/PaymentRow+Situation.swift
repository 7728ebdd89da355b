package import Gate

extension PaymentRow {
  /// What a row means at a moment: pure, so that every backend says the same.
  package enum Situation: Hashable, Sendable {
    /// Nobody works on it and nothing was ever sent, or it was refused: what its nullifiers say decides.
    case free
    /// Refused as spent, which never changes: one of its nullifiers is, though it may not be known which.
    case spent
    case inFlight
    /// Sent (or about to be) by one who is gone; to be asked again in so long.
    case unanswered(dueIn: Duration)
    case paid(Serial)
    case stuck
    /// A transfer that is done.
    case transferred
  }

  package func situation(at now: Timestamp, _ liveness: (Owner) -> OwnerLiveness) -> Situation {
    switch self.state {
    case .reserved: self.isHeld(at: now, liveness) ? .inFlight : .free
    case .settling: self.isHeld(at: now, liveness) ? .inFlight : .unanswered(dueIn: .zero)
    case .unknown: .unanswered(dueIn: max(.zero, (self.recovery.due ?? now) - now))
    case .settled where self.kind.isTransfer: .transferred
    // Stuck with a grant: given on trust and not honoured, which is not its payer's fault.
    case .accepted, .settled, .stuck: self.ending.serial.map(Situation.paid) ?? .stuck
    case .rejected: self.ending.rejection == .spent ? .spent : .free
    }
  }

  private func isHeld(at now: Timestamp, _ liveness: (Owner) -> OwnerLiveness) -> Bool {
    guard let hold = self.hold else { return false }
    return !hold.hasLapsed(at: now, liveness)
  }

  /// What this row says to another payment that has one of its nullifiers; nil when it says nothing.
  package func objection(at now: Timestamp, _ liveness: (Owner) -> OwnerLiveness) -> PaymentStanding {
    switch self.situation(at: now, liveness) {
    case .paid, .spent, .stuck, .transferred: .rejected(.spent)
    // A refused payment keeps only the nullifiers that its counterpart called spent.
    case .free where self.state == .rejected: .rejected(.spent)
    case .free: .unknown(self.id, dueIn: .zero)
    case .inFlight: .inFlight(self.id)
    case .unanswered(let dueIn): .unknown(self.id, dueIn: dueIn)
    }
  }
}
