package import Gate

/// One payment, or one transfer of the treasury's own, as every backend stores it.
package struct PaymentRow: Sendable {
  package var id: PaymentID
  package var kind: PaymentKind
  package var bargain: Bargain
  package var payer: Payer
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
  /// The transfer that fetches, or fetched, the money of a payment granted on trust.
  package var redemption: PaymentID?
  package var created: Timestamp
  package var updated: Timestamp

  package init(
    id: PaymentID, kind: PaymentKind = .payment, bargain: Bargain, payer: Payer = Payer(), plan: [UInt8],
    counterStarts: [UInt64], state: PaymentState, version: Int64, term: Int64, hold: Hold?,
    recovery: Recovery,
    ending: Ending, redemption: PaymentID? = nil, created: Timestamp, updated: Timestamp
  ) {
    self.id = id
    self.kind = kind
    self.bargain = bargain
    self.payer = payer
    self.plan = plan
    self.counterStarts = counterStarts
    self.state = state
    self.version = version
    self.term = term
    self.hold = hold
    self.recovery = recovery
    self.ending = ending
    self.redemption = redemption
    self.created = created
    self.updated = updated
  }

  /// What exposure counts of it: paid to us, and neither ours nor known to be lost.
  package var exposed: UInt64 { self.kind == .payment && self.state.isOpen ? self.bargain.value.value : 0 }
}

/// What was offered, and what it buys when it settles.
package struct Bargain: Hashable, Sendable {
  package var method: PaymentMethod
  /// Empty for a transfer, which buys nothing.
  package var scope: GrantScope
  package var value: Amount
  package var counterpart: String
  package var uses: UInt32?
  package var time: Duration?
  /// The grant that is topped up; nil makes one.
  package var onto: Serial?

  package init(
    method: PaymentMethod, scope: GrantScope, value: Amount, counterpart: String, uses: UInt32?,
    time: Duration?, onto: Serial? = nil
  ) {
    self.method = method
    self.scope = scope
    self.value = value
    self.counterpart = counterpart
    self.uses = uses
    self.time = time
    self.onto = onto
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

/// What became of a payment or transfer; never a secret.
package struct Ending: Hashable, Sendable {
  package var rejection: Rejection?
  package var note: String?
  /// Of the grant that it bought or topped up.
  package var serial: Serial?
  package var receipt: Receipt?
  /// What the counterpart and the network kept: value less what came in, or left for others.
  package var fee: Int64
  /// Of a transfer: what left the treasury, without fees.
  package var outflow: UInt64

  package init(
    rejection: Rejection? = nil, note: String? = nil, serial: Serial? = nil, receipt: Receipt? = nil,
    fee: Int64 = 0, outflow: UInt64 = 0
  ) {
    self.rejection = rejection
    self.note = note
    self.serial = serial
    self.receipt = receipt
    self.fee = fee
    self.outflow = outflow
  }
}
