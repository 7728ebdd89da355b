package import Gate

extension TransactionalLedger {
  package func claim(_ reservation: Reservation) async throws(Outage) -> ClaimOutcome {
    let payment = reservation.payment
    let term = ClaimTerm(payment: payment.id, number: self.random.term())
    let (clock, owner, serial) = (self.clock, self.store.owner, self.random.serial())
    let expected = ExpectedRows(payments: [payment.id], nullifiers: payment.nullifiers)
    let taking = try await self.store.write(expecting: expected) { rows throws(Outage) -> Taking in
      try rows.take(reservation, term: term, newSerial: serial, for: owner, at: clock.now())
    }
    return self.outcome(of: taking, in: term)
  }

  func outcome(of taking: Taking, in term: ClaimTerm) -> ClaimOutcome {
    switch taking {
    case .standing(let standing): .standing(standing)
    case .taken(let counterStarts): .claimed(self.makeClaim(term, counterStarts: counterStarts))
    }
  }

  package func resume(_ payment: PaymentID) async throws(Outage) -> ResumeOutcome {
    let term = ClaimTerm(payment: payment, number: self.random.term())
    let (clock, owner) = (self.clock, self.store.owner)
    let expected = ExpectedRows(payments: [payment])
    let takeOver = try await self.store.write(expecting: expected) { rows throws(Outage) -> TakeOver in
      try rows.takeOver(term, for: owner, at: clock.now())
    }
    switch takeOver {
    case .standing(let standing): return .standing(standing)
    case .taken(let row):
      let claim = self.makeClaim(term, counterStarts: row.counterStarts)
      return .resumed(Resumption(method: row.bargain.method, plan: SettlementPlan(row), claim: claim))
    }
  }

  package func conclude(_ term: ClaimTerm, with settlement: Settlement) async throws(Outage)
    -> PaymentStanding
  {
    let (clock, serial) = (self.clock, self.random.serial())
    return try await self.store.write(expecting: ExpectedRows(payments: [term.payment])) {
      rows throws(Outage) in
      try rows.conclude(term, with: settlement, newSerial: serial, at: clock.now())
    }
  }

  /// Asks again about a stuck payment, at an operator's word; recovery finds it due at once.
  package func reopen(_ payment: PaymentID) async throws(Outage) -> PaymentStanding {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      guard let row = try rows.payment(payment) else { return .unseen }
      guard row.state == .stuck else { return try rows.standing(of: row, at: clock.now()) }
      let reopened = row.reopened(at: clock.now())
      try rows.store(reopened, over: row)
      return try rows.standing(of: reopened, at: clock.now())
    }
  }

  private func makeClaim(_ term: ClaimTerm, counterStarts: [UInt64]) -> Claim {
    let (clock, store, crashPoints) = (self.clock, self.store, self.crashPoints)
    return Claim(term: term, counterStarts: counterStarts) { step throws(Outage) in
      try await store.write(expecting: ExpectedRows(payments: [term.payment])) { rows throws(Outage) in
        try rows.record(step, in: term, at: clock.now())
      }
      crashPoints.reach(.sending)
    }
  }
}

/// The answer to a reservation, before it is made a claim.
enum Taking: Sendable {
  case taken(counterStarts: [UInt64])
  case standing(PaymentStanding)
}

enum TakeOver: Sendable {
  case taken(PaymentRow)
  case standing(PaymentStanding)
}

extension SettlementPlan {
  init(_ row: PaymentRow) {
    self.init(
      payment: row.id, value: row.bargain.value, counterpart: row.bargain.counterpart, plan: row.plan,
      counterStarts: row.counterStarts, progress: row.state == .reserved ? .notSent : .maybeSent)
  }
}
