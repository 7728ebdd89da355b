package import Gate

extension TransactionalLedger {
  package func take(_ request: UseRequest) async throws(Outage) -> UseOutcome {
    let (clock, owner) = (self.clock, self.store.owner)
    switch request.intent {
    case .take, .again:
      let expected = ExpectedRows(uses: [.taking(request.serial, request.request)])
      return try await self.store.write(expecting: expected) { rows throws(Outage) in
        try rows.take(request, for: owner, at: clock.now())
      }
    case .look:
      return try await self.store.read { rows throws(Outage) in try rows.look(request, at: clock.now()) }
    }
  }

  package func count(_ event: MeterEvent) async throws(Outage) -> MeterReading {
    let clock = self.clock
    let full = try await self.store.read { rows throws(Outage) in try rows.fullMeter(event, at: clock.now()) }
    if let full { return full }
    return try await self.store.write { rows throws(Outage) in try rows.count(event, at: clock.now()) }
  }

  package func report(_ use: TakenUse, _ delivery: UseDelivery) async throws(Outage) {
    let expected = ExpectedRows(uses: [.reporting(use.serial, use.number)])
    try await self.store.write(expecting: expected) { rows throws(Outage) in try rows.report(use, delivery) }
  }

  /// Ends a grant before its time, for all who bear it. Its serial is listed until its end.
  package func revoke(_ serial: Serial) async throws(Outage) -> RevocationOutcome {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      guard try rows.grant(serial) != nil else { return .missing }
      try rows.revoke(serial, at: clock.now())
      return .revoked
    }
  }

  /// Ends the grant that a payment bought or topped up; presenting the payment finds it revoked from then on.
  package func revoke(payment: PaymentID) async throws(Outage) -> RevocationOutcome {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      guard let serial = try rows.payment(payment)?.ending.serial, try rows.grant(serial) != nil else {
        return .missing
      }
      try rows.revoke(serial, at: clock.now())
      return .revoked
    }
  }
}

package enum RevocationOutcome: Hashable, Sendable { case revoked, missing }
