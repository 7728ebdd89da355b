/// A moment on the wall clock, in milliseconds since 1970-01-01 UTC; what rows and passes carry.
public struct Timestamp: Hashable, Comparable, Sendable {
  public var milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }
  public init(seconds: Int64) {
    self.milliseconds = seconds.multipliedReportingOverflow(by: 1000).partialValue
  }

  /// Whole seconds, rounded down.
  public var seconds: Int64 {
    self.milliseconds >= 0 ? self.milliseconds / 1000 : (self.milliseconds - 999) / 1000
  }

  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

  public static func + (moment: Timestamp, span: Duration) -> Timestamp {
    Timestamp(milliseconds: moment.milliseconds + span.inMilliseconds)
  }

  public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
    .milliseconds(later.milliseconds - earlier.milliseconds)
  }
}

extension Duration {
  /// Whole milliseconds, rounded towards zero.
  public var inMilliseconds: Int64 {
    let (seconds, attoseconds) = self.components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}

/// Where the gate and the ledger read the time; a test puts its own here.
public protocol TimeSource: Sendable {
  func now() -> Timestamp
}
