package import Gate

/// The arrows of design §5. Each makes the row's next version; storing it is a compare-and-set on the old
/// one.
extension PaymentRow {
  package func advanced(at now: Timestamp, _ change: (inout PaymentRow) -> Void) -> PaymentRow {
    var next = self
    change(&next)
    next.version += 1
    next.updated = now
    return next
  }

  /// A new term of recovery: what was never sent stays `reserved`, anything else is `settling` again.
  package func takenOver(term: Int64, by owner: Owner, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      if row.state != .reserved {
        row.state = .settling
        row.recovery.attempts = max(1, row.recovery.attempts)
      }
      row.term = term
      row.hold = Hold(owner: owner, end: now + row.recovery.lease)
      row.recovery.due = nil
    }
  }

  package func sending(at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { $0.state = .settling }
  }

  package func progressed(to plan: [UInt8], at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { $0.plan = plan }
  }

  /// The plan goes: its secrets are worth nothing any more, or belong to the payer.
  package func settled(_ serial: Serial, receipt: Receipt?, fee: Int64, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      row.state = .settled
      row.ending = Ending(serial: serial, receipt: receipt, fee: fee)
      row.hold = nil
      row.recovery.due = nil
      row.plan = []
    }
  }

  package func rejected(_ rejection: Rejection, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      row.state = .rejected
      row.ending = Ending(rejection: rejection)
      row.payer.name = nil
      row.hold = nil
      row.recovery.due = nil
      row.plan = []
    }
  }

  package func unanswered(_ outage: Outage, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      row.state = .unknown
      row.ending = Ending(note: outage.message)
      row.hold = nil
      row.recovery.due = now + Recovery.pause(after: row.recovery.attempts)
      row.recovery.attempts &+= 1
    }
  }

  package func stuck(note: String, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      row.state = .stuck
      row.ending = Ending(note: note)
      row.hold = nil
      row.recovery.due = nil
    }
  }

  /// An operator asks again about a stuck payment: recovery does, or the next redemption of one granted on trust.
  package func reopened(at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      if row.ending.serial == nil {
        row.state = .unknown
        row.recovery.due = now
      } else {
        row.state = .accepted
        row.ending.note = nil
      }
    }
  }

  /// Granted on trust, and taken by a transfer, or left by one that came to nothing.
  func redeeming(in transfer: PaymentID?, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { $0.redemption = transfer }
  }

  /// Its transfer has fetched the money, and keeps the fee in its own row.
  func redeemed(at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      row.state = .settled
      row.plan = []
    }
  }

  /// Its transfer could not fetch the money. The plan stays, for an operator who asks again; so does the grant.
  func lost(note: String, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      row.state = .stuck
      row.ending.note = note
      row.redemption = nil
    }
  }

  func transferred(_ effect: TransferEffect, at now: Timestamp) -> PaymentRow {
    self.advanced(at: now) { row in
      row.state = .settled
      row.ending = Ending(note: effect.note, fee: Int64(clamping: effect.fee), outflow: effect.left)
      row.hold = nil
      row.recovery.due = nil
      row.plan = []
    }
  }

  /// Whether what one says who held the row in `term` may still be written down.
  package func accepts(_ settlement: Settlement, in term: ClaimTerm) -> Bool {
    guard self.term == term.number else { return false }
    switch (self.state, settlement) {
    case (.reserved, _), (.settling, _): return true
    // Late, but nobody has asked since: an answer that ends it is worth more than none.
    case (.unknown, .settled), (.unknown, .transferred), (.unknown, .rejected), (.unknown, .void),
      (.unknown, .stuck):
      return true
    case (.unknown, .unknown), (.unknown, .notSent): return false
    case (.accepted, _), (.settled, _), (.rejected, _), (.stuck, _): return false
    }
  }
}
