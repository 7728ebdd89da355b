package import Gate

/// Where a payment stands between offer and money (design §5).
package enum PaymentState: String, Hashable, Sendable, CaseIterable {
  /// Taken; nothing has been sent.
  case reserved
  /// An irreversible call may have gone out.
  case settling
  /// Granted on trust: its nullifiers are ours, its money is not yet.
  case accepted
  case settled
  case rejected
  /// Sent and unanswered; asked again with back-off.
  case unknown
  /// The counterpart holds it; an operator must look.
  case stuck

  /// Money that is neither ours nor known to be lost: what exposure counts.
  package var isOpen: Bool {
    switch self {
    case .reserved, .settling, .accepted, .unknown, .stuck: true
    case .settled, .rejected: false
    }
  }
}

/// Whether the process that took a row still runs.
package enum OwnerLiveness: Sendable {
  case alive
  /// Proven, not guessed from silence: its leases count as ended.
  case dead
}

/// Who works on a row in flight, and until when.
package struct Hold: Hashable, Sendable {
  package var owner: Owner
  package var end: Timestamp

  package init(owner: Owner, end: Timestamp) {
    self.owner = owner
    self.end = end
  }

  package func hasLapsed(at now: Timestamp, _ liveness: (Owner) -> OwnerLiveness) -> Bool {
    self.end <= now || liveness(self.owner) == .dead
  }
}
