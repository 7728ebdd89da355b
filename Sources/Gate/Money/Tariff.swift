/// What a route costs and what that buys.
public struct Tariff: Hashable, Sendable {
  /// What one price buys (config `pass:` on a route).
  public enum Terms: Hashable, Sendable {
    case uses(UInt32)
    case duration(Duration)
    /// So many uses within so long.
    case usesWithin(UInt32, Duration)
    /// Time in proportion to the amount: the price buys `per`, and less than `least` is not sold.
    case rate(per: Duration, least: Duration = .seconds(1))
  }

  /// At most one per unit.
  public var prices: [Amount]
  public var terms: Terms

  public init(prices: [Amount], terms: Terms) {
    self.prices = prices
    self.terms = terms
  }

  public func price(in unit: Amount.Unit) -> Amount? { self.prices.first { $0.unit == unit } }
}
