internal import Gate

extension LedgerTransaction {
  /// Rows hold 63-bit numbers; more money than that is no money.
  private var maxValue: UInt64 { UInt64(Int64.max) }

  func take(
    _ reservation: Reservation, term: ClaimTerm, for owner: Owner, at now: Timestamp
  ) throws(Outage) -> Taking {
    let payment = reservation.payment
    let nullifiers = Set(payment.nullifiers)
    let old = try self.payment(payment.id)
    let standing = try self.standing(
      of: payment.id, row: old, nullifiers: nullifiers, scope: reservation.scope, at: now)
    guard case .unseen = standing else { return .standing(standing) }
    guard payment.value.value <= self.maxValue else { return .standing(.rejected(.malformed)) }
    guard let purchase = Purchase(of: payment.value, under: reservation.tariff) else {
      return .standing(.rejected(.tooLittle))
    }
    var counterStarts: [UInt64] = []
    for counter in payment.counters { counterStarts.append(try self.advance(counter)) }
    let bargain = Bargain(
      method: payment.method, scope: reservation.scope, value: payment.value,
      counterpart: payment.counterpart,
      uses: purchase.uses, time: purchase.time)
    let row = PaymentRow(
      id: payment.id, bargain: bargain, plan: payment.plan, counterStarts: counterStarts, state: .reserved,
      version: (old?.version ?? 0) + 1, term: term.number,
      hold: Hold(owner: owner, end: now + reservation.lease),
      recovery: Recovery(lease: reservation.lease), ending: Ending(), created: old?.created ?? now,
      updated: now)
    if let old { try self.replace(old, with: row) } else { try self.insert(row) }
    try self.bind(nullifiers, to: payment.id)
    return .taken(counterStarts: counterStarts)
  }

  func takeOver(_ term: ClaimTerm, for owner: Owner, at now: Timestamp) throws(Outage) -> TakeOver {
    guard let row = try self.payment(term.payment) else { return .standing(.unseen) }
    switch row.situation(at: now, self.liveness(of:)) {
    case .unanswered(dueIn: .zero): break
    case .free where row.state == .reserved: break
    case .free, .inFlight, .paid, .spent, .stuck, .unanswered:
      return .standing(try self.standing(of: row, at: now))
    }
    let taken = row.takenOver(term: term.number, by: owner, at: now)
    try self.replace(row, with: taken)
    return .taken(taken)
  }

  /// Throws unless the row is still this term's, so that nothing irreversible is done for it.
  func record(_ step: Claim.Step, in term: ClaimTerm, at now: Timestamp) throws(Outage) {
    guard let row = try self.payment(term.payment), row.term == term.number, let hold = row.hold else {
      throw .conflict(term.payment)
    }
    switch step {
    case .sending:
      guard now < hold.end else { throw .conflict(term.payment) }
      try self.replace(row, with: row.sending(at: now))
    case .progressed(let plan):
      try self.replace(row, with: row.progressed(to: plan, at: now))
    }
  }

  func conclude(
    _ term: ClaimTerm, with settlement: Settlement, newSerial: Serial, at now: Timestamp
  ) throws(Outage) -> PaymentStanding {
    guard let row = try self.payment(term.payment) else { return .unseen }
    guard row.accepts(settlement, in: term) else { return try self.standing(of: row, at: now) }
    let next: PaymentRow
    switch settlement {
    case .settled(let proceeds):
      next = row.settled(newSerial, at: now)
      for piece in proceeds { try self.insert(piece, of: row.id, at: now) }
      try self.insert(GrantRecord(newSerial, of: row, at: now), at: now)
    case .rejected(let rejection, let spent):
      next = row.rejected(rejection, at: now)
      try self.free(row.id, except: Set(spent))
    // Not sent in this term; an earlier one may have. Freeing it then could lose the payer's money.
    case .notSent(let outage) where row.recovery.attempts > 0: next = row.unanswered(outage, at: now)
    case .notSent, .void:
      try self.delete(row.id)
      return .unseen
    case .unknown(let outage): next = row.unanswered(outage, at: now)
    case .stuck(let note): next = row.stuck(note: note, at: now)
    }
    try self.replace(row, with: next)
    return try self.standing(of: next, at: now)
  }
}

extension GrantRecord {
  init(_ serial: Serial, of row: PaymentRow, at now: Timestamp) {
    self.init(
      serial: serial, payment: row.id, scope: row.bargain.scope, paid: row.bargain.value,
      uses: row.bargain.uses,
      usesTaken: 0, end: row.bargain.time.map { now + $0 })
  }
}
