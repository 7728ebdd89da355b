package import Gate

extension TransactionalLedger {
  package func take(_ request: UseRequest) async throws(Outage) -> UseOutcome {
    let (clock, owner) = (self.clock, self.store.owner)
    switch request.intent {
    case .take:
      return try await self.store.write { rows throws(Outage) in
        try rows.take(request, for: owner, at: clock.now())
      }
    case .look:
      return try await self.store.read { rows throws(Outage) in try rows.look(request, at: clock.now()) }
    }
  }

  package func report(_ use: TakenUse, _ delivery: UseDelivery) async throws(Outage) {
    try await self.store.write { rows throws(Outage) in try rows.report(use, delivery) }
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
}

package enum RevocationOutcome: Hashable, Sendable { case revoked, missing }
