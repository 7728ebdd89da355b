package import Gate

extension TransactionalLedger: TreasuryBook {
  package func acceptedPayments(of counterpart: String, limit: Int) async throws(Outage)
    -> [AcceptedPayment]
  {
    try await self.store.read { rows throws(Outage) in
      try rows.acceptedPayments(of: counterpart, limit: limit).map { row in
        AcceptedPayment(
          payment: row.id, method: row.bargain.method, counterpart: row.bargain.counterpart,
          value: row.bargain.value, plan: row.plan, accepted: row.created)
      }
    }
  }

  package func pieces(of counterpart: String, in unit: Amount.Unit, limit: Int) async throws(Outage)
    -> [Proceeds]
  {
    try await self.store.read { rows throws(Outage) in
      try rows.heldPieces(of: counterpart, in: unit, limit: limit).map(\.proceeds)
    }
  }

  package func begin(_ transfer: TransferDraft) async throws(Outage) -> ClaimOutcome {
    let term = ClaimTerm(payment: transfer.id, number: self.random.term())
    let (clock, owner) = (self.clock, self.store.owner)
    let taking = try await self.store.write { rows throws(Outage) -> Taking in
      try rows.begin(transfer, term: term, for: owner, at: clock.now())
    }
    return self.outcome(of: taking, in: term)
  }

  package func recordFound(_ proceeds: [Proceeds]) async throws(Outage) -> FoundMoney {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      var (added, known) = (0 as UInt128, 0 as UInt128)
      for piece in proceeds {
        switch try rows.insert(PieceRow(piece, from: nil, created: clock.now())) {
        case .added: added += UInt128(piece.value.value)
        case .known: known += UInt128(piece.value.value)
        }
      }
      return FoundMoney(added: UInt64(clamping: added), known: UInt64(clamping: known))
    }
  }

  package func raise(counter name: String, to next: UInt64) async throws(Outage) {
    try await self.store.write { rows throws(Outage) in try rows.raise(name, to: next) }
  }

  package func next(of counter: String) async throws(Outage) -> UInt64 {
    try await self.store.write { rows throws(Outage) in
      try rows.advance(CounterRequest(name: counter, count: 0))
    }
  }

  package func exported(in transfer: PaymentID) async throws(Outage) -> [Proceeds] {
    try await self.store.read { rows throws(Outage) in
      try rows.pieces(in: transfer).filter { $0.state == .exported }.map(\.proceeds)
    }
  }
}
