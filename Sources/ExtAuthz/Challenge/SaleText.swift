internal import Gate

/// What a price buys where its amount alone does not say it, for people: "100 sat for 1 hour of an SSH machine".
enum SaleText {
  /// Nil where the least amount is the whole price of one thing.
  static func text(of tariff: Tariff, on route: Route?) -> String? {
    let goods = route?.provision == nil ? "" : " of an SSH machine"
    switch tariff.terms {
    case .rate(let span, let least):
      guard let price = self.price(tariff) else { return "from \(self.text(of: least))\(goods)" }
      return "\(price) for \(self.text(of: span))\(goods)"
    case .duration(let span), .usesWithin(_, let span):
      return goods.isEmpty ? nil : self.text(of: span) + goods
    case .uses: return nil
    }
  }

  /// The first that people count in; what is a part of a token is written by its scheme only.
  private static func price(_ tariff: Tariff) -> String? {
    for price in tariff.prices {
      switch price.unit.name {
      case "sat", "msat": return "\(price)"
      case "usd", "eur":
        let cents = price.value % 100
        return "\(price.value / 100).\(cents < 10 ? "0" : "")\(cents) \(price.unit.name.uppercased())"
      default: continue
      }
    }
    return nil
  }

  /// In the largest unit that it is a whole number of.
  private static func text(of span: Duration) -> String {
    let seconds = span.components.seconds
    for (unit, length) in [("day", 86_400), ("hour", 3600), ("minute", 60)] as [(String, Int64)]
    where seconds >= length && seconds % length == 0 {
      let count = seconds / length
      return "\(count) \(unit)\(count == 1 ? "" : "s")"
    }
    return "\(seconds) second\(seconds == 1 ? "" : "s")"
  }
}
