internal import NIOCore

/// Counts events in windows of one second.
struct RateCounter {
  private let limit: Int
  private var windowStart = NIODeadline.uptimeNanoseconds(0)
  private var count = 0

  init(perSecond limit: Int) { self.limit = limit }

  /// True when this event is one too many.
  mutating func exceeds(at now: NIODeadline) -> Bool {
    if now - self.windowStart >= .seconds(1) {
      self.windowStart = now
      self.count = 0
    }
    self.count += 1
    return self.count > self.limit
  }
}
