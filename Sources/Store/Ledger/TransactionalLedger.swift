package import Gate

/// The rules of the book, written once over the rows of any backend.
///
/// Each call is one transaction. What a row means and becomes is decided by pure functions (`Rules/`).
package struct TransactionalLedger: Ledger {
  package let store: any LedgerStore
  let clock: any TimeSource
  let random: LedgerRandom
  let crashPoints: CrashPoints

  package init(
    store: any LedgerStore, clock: any TimeSource, random: LedgerRandom = .system,
    crashPoints: CrashPoints = .none
  ) {
    self.store = store
    self.clock = clock
    self.random = random
    self.crashPoints = crashPoints
  }

  package func standing(of payment: VerifiedPayment, scope: GrantScope) async throws(Outage)
    -> PaymentStanding
  {
    let clock = self.clock
    return try await self.store.read { rows throws(Outage) in
      let row = try rows.payment(payment.id)
      return try rows.standing(of: payment, row: row, scope: scope, at: clock.now())
    }
  }

  package func due(limit: Int) async throws(Outage) -> [DuePayment] {
    let clock = self.clock
    return try await self.store.read { rows throws(Outage) in
      let dead = try rows.ownersInFlight().filter { rows.liveness(of: $0) == .dead }
      return try rows.duePayments(at: clock.now(), dead: dead, limit: limit)
    }
  }

  package func revocations(limit: Int) async throws(Outage) -> [Serial] {
    let clock = self.clock
    return try await self.store.read { rows throws(Outage) in
      try rows.revocations(at: clock.now(), limit: limit)
    }
  }
}

/// Where serials and terms come from; a test counts instead.
package struct LedgerRandom: Sendable {
  let serial: @Sendable () -> Serial
  let term: @Sendable () -> Int64

  package init(serial: @escaping @Sendable () -> Serial, term: @escaping @Sendable () -> Int64) {
    self.serial = serial
    self.term = term
  }

  /// The system's generator, which is fit for secrets (getrandom on Linux).
  package static let system = LedgerRandom(
    serial: { Serial(UInt128.random(in: .min ... .max)) },
    term: { Int64.random(in: .min ... .max) }
  )
}
