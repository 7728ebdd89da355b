package import Gate

extension TransactionalLedger: LeaseBook {
  package var owner: Owner { self.store.owner }

  package func dead(among owners: [Owner]) async throws(Outage) -> Set<Owner> {
    try await self.store.read { rows throws(Outage) in
      Set(owners.filter { rows.liveness(of: $0) == .dead })
    }
  }

  package func order(_ order: WorkloadOrder, as id: WorkloadID, in backend: String) async throws(Outage)
    -> OrderOutcome
  {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      try rows.order(order, as: id, in: backend, at: clock.now())
    }
  }

  package func timeKept(of serial: Serial) async throws(Outage) -> Duration? {
    let clock = self.clock
    return try await self.store.read { rows throws(Outage) in
      try rows.timeKept(of: serial, at: clock.now())
    }
  }

  package func lease(_ id: WorkloadID) async throws(Outage) -> Lease? {
    try await self.store.read { rows throws(Outage) in try rows.lease(id) }
  }

  package func lease(of serial: Serial) async throws(Outage) -> Lease? {
    try await self.store.read { rows throws(Outage) in try rows.newestLease(of: serial) }
  }

  package func lease(boughtBy payment: PaymentID) async throws(Outage) -> Lease? {
    try await self.store.read { rows throws(Outage) in
      guard let serial = try rows.payment(payment)?.ending.serial else { return nil }
      return try rows.newestLease(of: serial)
    }
  }

  package func liveLeases(in backend: String?, limit: Int) async throws(Outage) -> [Lease] {
    try await self.store.read { rows throws(Outage) in try rows.liveLeases(in: backend, limit: limit) }
  }

  package func leases(limit: Int) async throws(Outage) -> [Lease] {
    try await self.store.read { rows throws(Outage) in try rows.leases(limit: limit) }
  }

  package func change(_ lease: Lease, by change: LeaseChange) async throws(Outage) -> Lease? {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      try rows.change(lease, by: change, at: clock.now())
    }
  }
}
