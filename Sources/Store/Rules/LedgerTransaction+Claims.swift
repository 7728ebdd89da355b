internal import Gate

extension LedgerTransaction {
  /// Rows hold 63-bit numbers; more money than that is no money.
  private var maxValue: UInt64 { UInt64(Int64.max) }

  func take(
    _ reservation: Reservation, term: ClaimTerm, newSerial: Serial, for owner: Owner, at now: Timestamp
  ) throws(Outage) -> Taking {
    let payment = reservation.payment
    let old = try self.payment(payment.id)
    let standing = try self.standing(of: payment, row: old, scope: reservation.scope, at: now)
    guard case .unseen = standing else { return .standing(standing) }
    guard payment.value.value <= self.maxValue else { return .standing(.rejected(.malformed)) }
    guard let purchase = Purchase(of: payment.value, under: reservation.tariff) else {
      return .standing(.rejected(.tooLittle))
    }
    let bargain = Bargain(
      method: payment.method, scope: reservation.scope, value: payment.value,
      counterpart: payment.counterpart, uses: purchase.uses, time: purchase.time, onto: reservation.onto)
    try self.checkTopUp(bargain, by: payment.id, at: now)
    var row = PaymentRow(
      id: payment.id, bargain: bargain,
      payer: Payer(bearing: payment.bearing, address: payment.payer, name: payment.name), plan: payment.plan,
      counterStarts: [], state: .reserved, version: (old?.version ?? 0) + 1, term: term.number,
      hold: Hold(owner: owner, end: now + reservation.lease),
      recovery: Recovery(lease: reservation.lease), ending: Ending(), created: old?.created ?? now,
      updated: now)
    let owed = try self.expose(row, insteadOf: old)
    if try self.isTrusted(payment, owed: owed) {
      return .standing(.granted(try self.accept(row, over: old, payment.nullifiers, newSerial, at: now)))
    }
    for counter in payment.counters { row.counterStarts.append(try self.advance(counter)) }
    try self.write(row, over: old)
    try self.bind(Set(payment.nullifiers), to: payment.id)
    return .taken(counterStarts: row.counterStarts)
  }

  /// Refused before any money moves; `grantPurchase` has an answer for what changes after this.
  private func checkTopUp(_ bargain: Bargain, by payment: PaymentID, at now: Timestamp) throws(Outage) {
    guard let onto = bargain.onto else { return }
    guard try self.grant(onto)?.toppedUp(by: bargain, at: now) != nil else {
      throw Outage(
        .outage,
        "the pass cannot be topped up by this: it is revoked, or another route's, or of another kind",
        payment: payment)
    }
  }

  /// - Parameter owed: what the counterpart owes, this payment included; nil where that has not changed.
  private func isTrusted(_ payment: VerifiedPayment, owed: Int64?) throws(Outage) -> Bool {
    guard case .reservation(let limit, let beyond) = payment.trust else { return false }
    let total =
      if let owed { owed } else {
        try self.addExposure(0, of: payment.counterpart, in: payment.value.unit)
      }
    if UInt64(clamping: total) <= limit { return true }
    switch beyond {
    case .settle: return false
    case .refuse:
      throw Outage(
        .outage, "the exposure limit of \(payment.counterpart) is reached", retryAfterSeconds: 30,
        payment: payment.id)
    }
  }

  /// The row, its nullifiers and its grant, in this one transaction: nobody but us can spend the money from here on.
  private func accept(
    _ reserved: PaymentRow, over old: PaymentRow?, _ nullifiers: [Nullifier], _ newSerial: Serial,
    at now: Timestamp
  ) throws(Outage) -> GrantRecord {
    var row = reserved
    row.state = .accepted
    row.hold = nil
    // A top-up may turn out to be a new grant, so its serial is known only after; grants refer to rows.
    row.ending.serial = row.bargain.onto ?? newSerial
    try self.write(row, over: old)
    try self.bind(Set(nullifiers), to: row.id)
    let grant = try self.grantPurchase(of: row, newSerial: newSerial, receipt: nil, at: now)
    precondition(
      grant.serial == row.ending.serial, "What may be topped up was looked at in this transaction.")
    return grant
  }

  func takeOver(_ term: ClaimTerm, for owner: Owner, at now: Timestamp) throws(Outage) -> TakeOver {
    guard let row = try self.payment(term.payment) else { return .standing(.unseen) }
    switch row.situation(at: now, self.liveness(of:)) {
    case .unanswered(dueIn: .zero): break
    case .free where row.state == .reserved: break
    case .free, .inFlight, .paid, .spent, .stuck, .transferred, .unanswered:
      return .standing(try self.standing(of: row, at: now))
    }
    let taken = row.takenOver(term: term.number, by: owner, at: now)
    try self.store(taken, over: row)
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
      try self.store(row.sending(at: now), over: row)
    case .progressed(let plan):
      try self.store(row.progressed(to: plan, at: now), over: row)
    }
  }

  func conclude(
    _ term: ClaimTerm, with settlement: Settlement, newSerial: Serial, at now: Timestamp
  ) throws(Outage) -> PaymentStanding {
    guard let row = try self.payment(term.payment) else { return .unseen }
    guard row.accepts(settlement, in: term) else { return try self.standing(of: row, at: now) }
    let next: PaymentRow
    switch settlement {
    case .settled(let proceeds, let receipt):
      guard !row.kind.isTransfer else { throw .otherEnding(row.id) }
      next = try self.settle(row, proceeds, receipt, newSerial, at: now)
    case .transferred(let effect):
      guard row.kind.isTransfer else { throw .otherEnding(row.id) }
      next = try self.finish(row, effect, at: now)
    case .rejected(let rejection, let spent):
      next = row.rejected(rejection, at: now)
      try self.releaseInputs(of: row, at: now)
      try self.free(row.id, except: Set(spent))
    // Not sent in this term; an earlier one may have. Freeing it then could lose the payer's money.
    case .notSent(let outage) where row.recovery.attempts > 0: next = row.unanswered(outage, at: now)
    case .notSent, .void:
      try self.releaseInputs(of: row, at: now)
      try self.remove(row)
      return .unseen
    case .unknown(let outage): next = row.unanswered(outage, at: now)
    case .stuck(let note): next = row.stuck(note: note, at: now)
    }
    try self.store(next, over: row)
    return try self.standing(of: next, at: now)
  }

  private func settle(
    _ row: PaymentRow, _ proceeds: [Proceeds], _ receipt: Receipt?, _ newSerial: Serial, at now: Timestamp
  ) throws(Outage) -> PaymentRow {
    let grant = try self.grantPurchase(of: row, newSerial: newSerial, receipt: receipt, at: now)
    var received: UInt128 = 0
    for piece in proceeds { received += UInt128(try self.book(piece, as: .held, for: row, at: now)) }
    // Without proceeds the money is kept elsewhere (on a chain), and none of it went to a counterpart.
    let fee = proceeds.isEmpty ? 0 : Int64(clamping: Int128(row.bargain.value.value) - Int128(received))
    return row.settled(grant.serial, receipt: receipt, fee: fee, at: now)
  }
}

extension Outage {
  /// A payment settles, a transfer is transferred; anything else is a verifier's fault and changes nothing.
  fileprivate static func otherEnding(_ payment: PaymentID) -> Outage {
    Outage(.outage, "A payment cannot end as a transfer, nor a transfer as a payment.", payment: payment)
  }
}
