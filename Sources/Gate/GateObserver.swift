/// Hears what the gate's money does, for metrics and logs; must not wait.
public protocol GateObserver: Sendable {
  func verified(_ method: PaymentMethod, _ verdict: Verdict, in span: Duration)
  func settled(_ payment: PaymentID, _ method: PaymentMethod, _ settlement: Settlement, in span: Duration)
  func recovered(_ payment: PaymentID, _ method: PaymentMethod, _ settlement: Settlement)
  /// Work of the service failed; `payment` is nil where it concerns none.
  func failed(_ work: BackgroundWork, _ outage: Outage, payment: PaymentID?)
}

/// What the service does without anybody waiting for it.
public enum BackgroundWork: String, Sendable {
  case recovery, delivery, revocations
}

public struct SilentObserver: GateObserver {
  public init() {}
  public func verified(_ method: PaymentMethod, _ verdict: Verdict, in span: Duration) {}
  public func settled(
    _ payment: PaymentID, _ method: PaymentMethod, _ settlement: Settlement, in span: Duration
  ) {}
  public func recovered(_ payment: PaymentID, _ method: PaymentMethod, _ settlement: Settlement) {}
  public func failed(_ work: BackgroundWork, _ outage: Outage, payment: PaymentID?) {}
}
