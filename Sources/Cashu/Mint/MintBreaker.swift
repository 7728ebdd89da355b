package import Gate

/// How far one mint is trusted before it is asked; a pure value.
///
/// A mint that is silent costs nothing while our lock holds: only we can spend until its locktime. One that refuses what
/// it has signed costs all that is accepted from now on.
package struct MintBreaker: Sendable {
  package enum Grade: Sendable, Equatable {
    case closed
    /// A lock that ends may end before the mint is back.
    case permanentLocksOnly
    case open
  }

  /// Design §5: after this no lock that ends is accepted.
  static let patience: Duration = .seconds(30 * 60)
  /// After a failure nothing is trusted for so long, each time twice as long as before.
  static let firstPause: Duration = .seconds(5 * 60)
  static let longestPause: Duration = .seconds(60 * 60)
  /// A success in the round that found a culprit says nothing new.
  static let round: Duration = .seconds(60)

  private var silentSince: Timestamp?
  private var failedAt: Timestamp?
  private var failures = 0

  package init() {}

  package func grade(at now: Timestamp) -> Grade {
    if let failedAt = self.failedAt, now - failedAt < self.pause { return .open }
    if let since = self.silentSince, now - since >= Self.patience { return .permanentLocksOnly }
    return .closed
  }

  /// The mint answered.
  package mutating func heard() { self.silentSince = nil }

  /// The mint could not be reached.
  package mutating func missed(at now: Timestamp) { self.silentSince = self.silentSince ?? now }

  /// The mint took proofs that had been accepted on trust.
  package mutating func redeemed(at now: Timestamp) {
    self.heard()
    guard self.failedAt.map({ now - $0 >= Self.round }) ?? true else { return }
    self.failedAt = nil
    self.failures = 0
  }

  /// The mint would not take such proofs.
  package mutating func failed(at now: Timestamp) {
    self.heard()
    self.failedAt = now
    self.failures += 1
  }

  private var pause: Duration {
    let doublings = min(self.failures - 1, 4)
    return min(Self.firstPause * (1 << doublings), Self.longestPause)
  }
}
