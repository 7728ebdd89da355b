package import Gate

extension UseRow {
  /// Design §4.7: how long, and how often, the same request gets the same allow again.
  package static let repeatWindow: Duration = .seconds(60)
  package static let maxRepeats: UInt32 = 10

  /// Whether `request` is this use's own, asked again. A use whose owner is lost is given again instead.
  package func isRepeated(
    by request: RequestKey, at now: Timestamp, _ liveness: (Owner) -> OwnerLiveness
  ) -> Bool {
    guard self.request == request, now - self.taken <= Self.repeatWindow, self.repeats < Self.maxRepeats
    else {
      return false
    }
    return switch self.state {
    case .spent: true
    case .delivering: !self.hold.hasLapsed(at: now, liveness)
    case .granted, .stuck: false
    }
  }

  /// A use in flight whose owner is lost: given again once, then stuck.
  package enum Loss: Hashable, Sendable { case deliverAgain, stuck }

  /// Nil while somebody delivers it, or once nobody has to.
  package func loss(at now: Timestamp, _ liveness: (Owner) -> OwnerLiveness) -> Loss? {
    guard self.state == .delivering, self.hold.hasLapsed(at: now, liveness) else { return nil }
    return self.redelivered == nil ? .deliverAgain : .stuck
  }

  /// The use handed out now, for another delivery.
  package func delivering(_ request: RequestKey?, hold: Hold, at now: Timestamp) -> UseRow {
    var next = self
    if next.state == .delivering { next.redelivered = now }
    next.state = .delivering
    next.attempt += 1
    next.request = request
    next.repeats = 0
    next.hold = hold
    next.taken = now
    return next
  }

  /// After its delivery; nil when the report is of an earlier one, or was made before.
  package func reported(_ delivery: UseDelivery, attempt: UInt32) -> UseRow? {
    guard self.state == .delivering, self.attempt == attempt else { return nil }
    var next = self
    switch delivery {
    case .written: next.state = .spent
    // A repeat of it was allowed: it was served, though not by this answer.
    case .lost: next.state = self.repeats == 0 ? .granted : .spent
    }
    return next
  }
}
