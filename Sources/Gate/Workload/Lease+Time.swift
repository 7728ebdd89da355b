/// How long a machine runs, and whether time is left: its own, or the next one's.
extension Lease {
  /// When the machine ends: with the paid time, or when it has run as long as its buyer wished; what is paid for beyond
  /// that is credit.
  public var stop: Timestamp {
    guard let duration = self.wishes.duration else { return self.end }
    return min(self.end, (self.readySince ?? self.ordered) + duration)
  }

  /// What is paid for beyond its end: the next machine's.
  public var spare: Duration { self.state.isRunning ? self.end - self.stop : self.credit }

  /// Whether its grant still pays for it, or for another after it.
  public func hasTime(at now: Timestamp) -> Bool {
    switch self.state {
    // Its time begins when it is ready.
    case .ordered, .starting: true
    case .ready: now < self.end || self.stop < self.end
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
