package import Gate

extension Lease {
  /// Less than this is no credit: a machine of it would be gone before anyone has logged in.
  package static let leastCredit: Duration = .seconds(1)

  /// The machine after a step of its life; nil where the step does not follow from its state.
  package func changed(by change: LeaseChange, at now: Timestamp) -> Lease? {
    guard self.state.isLive else { return nil }
    var next = self
    next.version += 1
    switch (change, self.state) {
    case (.began(let owner), .ordered), (.began(let owner), .starting):
      next.state = .starting
      next.owner = owner
    case (.prepared(let port, let hostKey), .starting):
      next.port = port
      next.hostKey = hostKey
    case (.started(let handle), .starting) where self.port != nil:
      next.handle = handle
    case (.ready, .starting) where self.port != nil:
      next.state = .ready
      next.readySince = now
      if self.revoked == .valid { next.end = self.end + max(.zero, now - self.ordered) }
    case (.told(let end), .starting), (.told(let end), .ready), (.told(let end), .expiring):
      next.toldEnd = end
    case (.wished(let wishes), _):
      next.wishes = wishes
    case (.expiring, .expiring):
      // The first has said what becomes of its time.
      break
    case (.expiring(let unused, let note), _):
      next.state = .expiring
      next.note = note
      switch unused {
      case .credited: next.credit = self.timeLeft(at: now)
      case .none: next.credit = .zero
      }
      next.end = min(self.end, now)
    case (.gone, .expiring):
      next.state = .gone
      next.end = min(self.end, now)
    case (.failed(let note), _):
      next.state = .failed
      next.note = note
      if self.state != .expiring { next.credit = self.timeLeft(at: now) }
      next.end = min(self.end, now)
    case (.began, _), (.prepared, _), (.started, _), (.ready, _), (.told, _), (.gone, _):
      return nil
    }
    return next
  }

  /// What was paid for and not had: all of it until the machine took logins; after it has stopped, what was left then.
  private func timeLeft(at now: Timestamp) -> Duration {
    guard self.revoked == .valid else { return .zero }
    let left = self.end - (self.readySince == nil ? self.ordered : min(now, self.stop))
    return left < Self.leastCredit ? .zero : left
  }
}
