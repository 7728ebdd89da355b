/// Whether time is left, which a machine has or the next one will.
extension Lease {
  /// Whether its grant still pays for it, or for another after it.
  public func hasTime(at now: Timestamp) -> Bool {
    switch self.state {
    // Its time begins when it is ready.
    case .ordered, .starting: true
    case .ready: now < self.end
    case .expiring, .gone, .failed: self.credit > .zero
    }
  }
}

extension Lease.State {
  /// Whether its grant's time runs, or is about to; else what is left waits for another machine.
  public var isRunning: Bool {
    switch self {
    case .ordered, .starting, .ready: true
    case .expiring, .gone, .failed: false
    }
  }
}
