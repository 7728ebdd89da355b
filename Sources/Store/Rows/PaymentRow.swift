package import Gate

/// One payment, as every backend stores it.
package struct PaymentRow: Sendable {
  package var id: PaymentID
  package var bargain: Bargain
  /// Secrets; emptied once nothing can need them.
  package var plan: [UInt8]
  package var counterStarts: [UInt64]
  package var state: PaymentState
  /// Counts the changes of the row; each is made only to the version it was read in.
  package var version: Int64
  /// See ``Gate/ClaimTerm``.
  package var term: Int64
  /// Nil unless in flight (`reserved`, `settling`).
  package var hold: Hold?
  package var recovery: Recovery
  package var ending: Ending
  package var created: Timestamp
  package var updated: Timestamp

  package init(
    id: PaymentID, bargain: Bargain, plan: [UInt8], counterStarts: [UInt64], state: PaymentState,
    version: Int64,
    term: Int64, hold: Hold?, recovery: Recovery, ending: Ending, created: Timestamp, updated: Timestamp
  ) {
    self.id = id
    self.bargain = bargain
    self.plan = plan
    self.counterStarts = counterStarts
    self.state = state
    self.version = version
    self.term = term
    self.hold = hold
    self.recovery = recovery
    self.ending = ending
    self.created = created
    self.updated = updated
  }
}

/// What was offered, and what it buys when it settles.
package struct Bargain: Hashable, Sendable {
  package var method: PaymentMethod
  package var scope: GrantScope
  package var value: Amount
  package var counterpart: String
  package var uses: UInt32?
  package var time: Duration?

  package init(
    method: PaymentMethod, scope: GrantScope, value: Amount, counterpart: String, uses: UInt32?,
    time: Duration?
  ) {
    self.method = method
    self.scope = scope
    self.value = value
    self.counterpart = counterpart
    self.uses = uses
    self.time = time
  }
}

/// How long a process may work on the row, and when an unanswered one is asked about again.
package struct Recovery: Hashable, Sendable {
  package var lease: Duration
  /// Calls whose answer was, or may have been, lost; above zero, nothing can prove any more that nothing was
  /// sent.
  package var attempts: UInt32
  /// Nil unless `unknown`.
  package var due: Timestamp?

  package init(lease: Duration, attempts: UInt32 = 0, due: Timestamp? = nil) {
    self.lease = lease
    self.attempts = attempts
    self.due = due
  }

  /// The pause after so many lost answers: 1 s, doubling to 5 min.
  package static func pause(after attempts: UInt32) -> Duration {
    .seconds(min(300, Int64(1) << Int64(min(attempts, 9))))
  }
}

/// What became of a payment, for lists; never a secret.
package struct Ending: Hashable, Sendable {
  package var rejection: Rejection?
  package var note: String?
  package var serial: Serial?

  package init(rejection: Rejection? = nil, note: String? = nil, serial: Serial? = nil) {
    self.rejection = rejection
    self.note = note
    self.serial = serial
  }
}
