internal import Gate

/// How a machine's row is closed.
extension Lease {
  /// At its stop.
  var expiry: LeaseChange {
    self.stop < self.end
      ? .expiring(.credited, note: "the time that was asked for is over")
      : .expiring(.none, note: "its time is over")
  }

  /// The next step of one that nobody has looked after for `span` since its stop, or since its order where it never
  /// ran; nil where somebody may.
  func closing(at now: Timestamp, after span: Duration) -> LeaseChange? {
    switch self.state {
    case .ordered, .starting: now - self.ordered >= span ? .failed(note: "its host is gone") : nil
    case .ready: now - self.stop >= span ? self.expiry : nil
    case .expiring: now - self.end >= span ? .gone : nil
    case .gone, .failed: nil
    }
  }
}
