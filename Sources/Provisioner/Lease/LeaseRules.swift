/// How long the steps of a machine's life may take.
package struct LeaseRules: Hashable, Sendable {
  /// From this process's first try until it takes logins; then the lease fails and all its time is credit.
  package var startPatience: Duration
  /// Added to the end that a machine is started with: it may boot that long before its own deadline counts. Told
  /// exactly when it is ready.
  package var bootAllowance: Duration
  /// Between two asks of a backend that does not answer; doubled up to the longest.
  package var firstPause: Duration = .milliseconds(250)
  package var longestPause: Duration = .seconds(10)
  /// Between two looks at a machine that boots; doubled up to the longest.
  package var firstLook: Duration = .milliseconds(50)
  package var longestLook: Duration = .seconds(1)
  /// How long a backend must find nothing before a machine counts as dead: a view of a cluster lags.
  package var absence: Duration = .seconds(2)
  /// A machine that ends by itself this shortly before its end was at its end: it counts in whole seconds.
  package var endTolerance: Duration = .seconds(2)
  /// How long the row of a living owner may stand still in `starting` before another process takes it over. An owner
  /// that works gives up before.
  package var idleOwner: Duration { self.startPatience + .seconds(60) }

  package init(startPatience: Duration = .seconds(180), bootAllowance: Duration = .zero) {
    self.startPatience = startPatience
    self.bootAllowance = bootAllowance
  }

  /// The `attempt`th pause, from 1.
  func pause(_ attempt: Int) -> Duration {
    Self.doubled(self.firstPause, attempt - 1, upTo: self.longestPause)
  }

  /// Before the look after the `count`th, from 1.
  func look(_ count: Int) -> Duration { Self.doubled(self.firstLook, count - 1, upTo: self.longestLook) }

  private static func doubled(_ first: Duration, _ times: Int, upTo longest: Duration) -> Duration {
    min(longest, first * (1 << min(max(0, times), 16)))
  }
}
