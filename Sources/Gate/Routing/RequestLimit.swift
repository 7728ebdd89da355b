/// So many requests of one client in a window of fixed start.
public struct RequestLimit: Hashable, Sendable {
  /// At least 1.
  public var requests: UInt32
  /// At least one second.
  public var per: Duration

  public init(requests: UInt32, per: Duration) {
    self.requests = requests
    self.per = per
  }
}
