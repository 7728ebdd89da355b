/// Waits that double and never come in step with those of others: each is between half of its step and all of
/// it.
struct Backoff: Equatable {
  static let first: Duration = .milliseconds(500)
  static let longest: Duration = .seconds(30)

  private var failures = 0

  /// `fraction` is random, 0..<1.
  mutating func next(fraction: Double, atLeast floor: Duration? = nil) -> Duration {
    let step = min(Self.first * (1 << min(self.failures, 10)), Self.longest)
    self.failures += 1
    let wait = step / 2 + step / 2 * fraction
    return max(wait, floor ?? .zero)
  }

  mutating func reset() { self.failures = 0 }
}
