package import Gate

/// So many tokens a minute, and at most a minute's worth at once. Time is handed in, so it is a pure value.
package struct TokenBucket: Sendable {
  private let perMinute: Double
  private var level: Double
  private var filledAt: Timestamp

  package init(perMinute: Int, now: Timestamp) {
    self.perMinute = Double(max(1, perMinute))
    self.level = self.perMinute
    self.filledAt = now
  }

  /// Seconds until a token is there; nil when one is there now. A clock that went back adds nothing.
  package mutating func secondsUntilToken(now: Timestamp) -> Int? {
    let elapsed = Double(max(0, (now - self.filledAt).inMilliseconds)) / 60_000
    self.level = min(self.perMinute, self.level + elapsed * self.perMinute)
    self.filledAt = now
    guard self.level < 1 else { return nil }
    return max(1, Int(((1 - self.level) / self.perMinute * 60).rounded(.up)))
  }

  package mutating func take() { self.level -= 1 }

  package var isFull: Bool { self.level >= self.perMinute }
}
