/// Hears what the cashier does, for metrics and logs.
public protocol CashierObserver: Sendable {
  func verified(_ method: PaymentMethod, _ verdict: Verdict, in span: Duration)
  func settled(_ method: PaymentMethod, _ settlement: Settlement, in span: Duration)
  func recovered(_ method: PaymentMethod, _ settlement: Settlement)
}

public struct SilentObserver: CashierObserver {
  public init() {}
  public func verified(_ method: PaymentMethod, _ verdict: Verdict, in span: Duration) {}
  public func settled(_ method: PaymentMethod, _ settlement: Settlement, in span: Duration) {}
  public func recovered(_ method: PaymentMethod, _ settlement: Settlement) {}
}
