internal import Gate

/// Reads `price` and `pass` of a route.
struct PriceReader {
  let payments: PaymentsFound

  /// All the bitcoin there will be, in sat.
  static let maxUnits: UInt64 = 2_100_000_000_000_000

  func read(_ item: Item, pass: Item?) -> RouteConfiguration.Access? {
    guard let section = Section<PriceKey>(item) else { return nil }
    let keys = PriceKey.allCases.filter { section.item($0) != nil }
    guard !keys.isEmpty else {
      item.refuse("names no amount; write as `{ sat: 10 }`")
      return nil
    }
    let entries = keys.compactMap { key in section.item(key).flatMap { self.entry(key, $0) } }
    guard entries.count == keys.count else { return nil }
    let terms = self.terms(section, pass)
    guard let terms else { return nil }
    self.requirePayable(entries, item)
    return .priced(RoutePrice(entries: entries), terms)
  }

  private func entry(_ key: PriceKey, _ item: Item) -> RoutePrice.Entry? {
    switch key {
    case .sat, .msat, .satPerHour:
      guard let value = item.integer(1...Self.maxUnits) else { return nil }
      let unit = key == .msat ? CashuPayments.Unit.msat : .sat
      return RoutePrice.Entry(key: key.rawValue, text: String(value), amount: self.amount(value, unit))
    case .usd, .eur:
      guard let text = item.text() else { return nil }
      guard MoneyText.isPositiveDecimal(text) else {
        item.refuse("expected an amount above zero, as `\"0.10\"`, found \(Item.quote(text))")
        return nil
      }
      let unit = key == .usd ? CashuPayments.Unit.usd : .eur
      guard self.payments.cashu?.unit == unit else {
        return RoutePrice.Entry(key: key.rawValue, text: text, amount: nil)
      }
      guard let cents = MoneyText.cents(text) else {
        item.refuse("must be whole cents: `payments.cashu.unit` counts in them")
        return nil
      }
      return RoutePrice.Entry(key: key.rawValue, text: text, amount: self.amount(cents, unit))
    }
  }

  private func amount(_ value: UInt64, _ unit: CashuPayments.Unit) -> Amount? {
    self.payments.cashu?.unit == unit ? Amount(value, unit.amountUnit) : nil
  }

  private func terms(_ section: Section<PriceKey>, _ pass: Item?) -> Tariff.Terms? {
    if let rate = section.item(.satPerHour) {
      guard PriceKey.allCases.filter({ section.item($0) != nil }).count == 1 else {
        rate.refuse("stands beside another price; a rate buys time, the other a pass: write two routes")
        return nil
      }
      pass?.refuse("`satPerHour` says already what is bought: time in proportion to the amount")
      return .rate(per: .seconds(3600))
    }
    guard let pass else { return .uses(1) }
    guard let section = Section<PassKey>(pass) else { return nil }
    let uses = section.item(.uses).map { $0.integer(1...Purchase.maxUses) }
    let duration = section.item(.duration).map { $0.duration(.seconds(1)...Purchase.maxTime) }
    switch (uses, duration) {
    case (nil, nil):
      pass.refuse("says nothing; write `uses`, `duration` or both")
      return nil
    case (.some(let uses), nil): return uses.map { .uses(UInt32($0)) }
    case (nil, .some(let duration)): return duration.map { .duration($0) }
    case (.some(let uses), .some(let duration)):
      guard let uses, let duration else { return nil }
      return .usesWithin(UInt32(uses), duration)
    }
  }

  private func requirePayable(_ entries: [RoutePrice.Entry], _ item: Item) {
    guard entries.allSatisfy({ $0.amount == nil }) else { return }
    switch self.payments {
    case .faulty: break
    case .nothing:
      item.refuse("nobody could pay it; write `payments: { cashu: { mints: [{ url: … }] } }`")
    case .cashu(let cashu):
      item.refuse("nobody could pay it: `payments.cashu.unit` is `\(cashu.unit.rawValue)`, add a price in it")
    }
  }
}
