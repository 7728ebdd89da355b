internal import Gate
internal import X402

/// Reads `price` and `pass` of a route.
struct PriceReader {
  let payments: PaymentsFound
  var goods = Goods.passes

  /// What a payment buys.
  enum Goods { case passes, machines }

  /// Of a rate for machines, where none is named: a second costs less than what a mint may keep of a token, and no
  /// machine is worth making for it.
  private static let leastOfMachine = (text: "1m", time: Duration.seconds(60))

  /// All the bitcoin there will be, in sat.
  static let maxUnits: UInt64 = 2_100_000_000_000_000

  func read(_ item: Item, pass: Item?) -> RouteConfiguration.Access? {
    guard let section = Section<PriceKey>(item) else { return nil }
    let keys = PriceKey.allCases.filter { $0 != .minimum && section.item($0) != nil }
    guard !keys.isEmpty else {
      item.refuse("names no amount; write as `{ sat: 10 }`")
      return nil
    }
    if let msat = section.item(.msat), section.item(.sat) != nil {
      msat.refuse("stands beside `sat`, which says the same; write one of the two")
      return nil
    }
    let entries = keys.compactMap { key in section.item(key).flatMap { self.entry(key, $0) } }
    guard entries.count == keys.count else { return nil }
    let terms = self.terms(section, pass)
    guard let terms else { return nil }
    self.requirePayable(entries, item)
    var minimum = section.item(.minimum)?.text()
    if self.goods == .machines, case .rate = terms {
      minimum = minimum ?? Self.leastOfMachine.text
      self.warnOfLeast(Tariff(prices: entries.flatMap(\.amounts), terms: terms), item)
    }
    return .priced(RoutePrice(entries: entries, minimum: minimum), terms)
  }

  // MARK: Amounts

  private func entry(_ key: PriceKey, _ item: Item) -> RoutePrice.Entry? {
    switch key {
    case .minimum: return nil
    case .sat, .msat, .satPerHour:
      guard let value = item.integer(1...Self.maxUnits) else { return nil }
      guard let amounts = self.bitcoin(value, key == .msat ? .msat : .sat, item) else { return nil }
      return RoutePrice.Entry(key: key.rawValue, text: String(value), amounts: amounts)
    case .usd, .eur, .usdPerHour:
      guard let text = item.text() else { return nil }
      guard MoneyText.isPositiveDecimal(text) else {
        item.refuse("expected an amount above zero, as `\"0.10\"`, found \(Item.quote(text))")
        return nil
      }
      guard let cents = self.cents(text, key == .eur ? .eur : .usd, item) else { return nil }
      guard let atoms = key == .eur ? [] : self.assets(text, item) else { return nil }
      return RoutePrice.Entry(key: key.rawValue, text: text, amounts: cents + atoms)
    }
  }

  /// In the unit of the tokens, if that is one of bitcoin: the same amount or none, never a rounded one.
  private func bitcoin(_ value: UInt64, _ unit: CashuPayments.Unit, _ item: Item) -> [Amount]? {
    switch (unit, self.payments.cashu?.unit) {
    case (.sat, .sat), (.msat, .msat): return [Amount(value, unit.amountUnit)]
    case (.sat, .msat): return [Amount(value * 1000, CashuPayments.Unit.msat.amountUnit)]
    case (.msat, .sat):
      guard value % 1000 == 0 else {
        item.refuse(
          "is \(value) msat, no whole sat, and `payments.cashu.unit` is `sat`; write a multiple of 1000")
        return nil
      }
      return [Amount(value / 1000, CashuPayments.Unit.sat.amountUnit)]
    default: return []
    }
  }

  private func cents(_ text: String, _ unit: CashuPayments.Unit, _ item: Item) -> [Amount]? {
    guard self.payments.cashu?.unit == unit else { return [] }
    guard let cents = MoneyText.cents(text) else {
      item.refuse("must be whole cents: `payments.cashu.unit` counts in them")
      return nil
    }
    return [Amount(cents, unit.amountUnit)]
  }

  /// One amount for each asset that x402 accepts, exactly the price.
  private func assets(_ text: String, _ item: Item) -> [Amount]? {
    guard let x402 = self.payments.x402 else { return [] }
    var amounts: [Amount] = []
    do throws(Price.Fault) {
      for accept in x402.accepts {
        let amount = try Price.amount(text, of: accept.asset)
        if !amounts.contains(amount) { amounts.append(amount) }
      }
      return amounts
    } catch {
      item.refuse("\(error)")
      return nil
    }
  }

  // MARK: Terms

  private func terms(_ section: Section<PriceKey>, _ pass: Item?) -> Tariff.Terms? {
    let rates: [PriceKey] = [.satPerHour, .usdPerHour]
    if let rate = rates.compactMap({ section.item($0) }).first {
      guard PriceKey.allCases.allSatisfy({ $0 == .minimum || rates.contains($0) || section.item($0) == nil })
      else {
        rate.refuse("stands beside another price; a rate buys time, the other a pass: write two routes")
        return nil
      }
      pass?.refuse("a rate says already what is bought: time in proportion to the amount")
      guard let minimum = section.item(.minimum) else {
        return self.goods == .machines
          ? .rate(per: .seconds(3600), least: Self.leastOfMachine.time) : .rate(per: .seconds(3600))
      }
      return self.least(minimum, section.item(.satPerHour)).map { .rate(per: .seconds(3600), least: $0) }
    }
    if let minimum = section.item(.minimum) {
      minimum.refuse("is for `satPerHour` and `usdPerHour`; every other price is its own minimum")
      return nil
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

  /// The least time sold at once: as such (`10m`), or as the amount that buys it, in sat.
  private func least(_ item: Item, _ rate: Item?) -> Duration? {
    guard let text = item.text() else { return nil }
    guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
      return item.duration(.seconds(1)...(.seconds(31 * 86_400)))
    }
    guard let rate else {
      item.refuse("is an amount in sat and there is no `satPerHour`; write a time, as `10m`")
      return nil
    }
    guard let sat = item.integer(1...Self.maxUnits), let price = rate.integer(1...Self.maxUnits) else {
      return nil
    }
    let milliseconds = UInt128(sat) * 3_600_000 / UInt128(price)
    guard milliseconds >= 1000, milliseconds <= UInt128(Purchase.maxTime.inMilliseconds) else {
      item.refuse("buys less than a second, or more than ten years, at `satPerHour`")
      return nil
    }
    return .milliseconds(Int64(milliseconds))
  }

  /// A token of 1 is nothing after a mint's fee.
  private func warnOfLeast(_ tariff: Tariff, _ item: Item) {
    guard let unit = self.payments.cashu?.unit.amountUnit else { return }
    let quote = Quote(tariff: tariff, scope: GrantScope(route: RouteID(""), host: ""))
    guard let least = quote.minimum(in: unit), least.value == 1 else { return }
    item.warn("asks for \(least) at least, which a mint with a fee takes whole; write a longer `minimum`")
  }

  private func requirePayable(_ entries: [RoutePrice.Entry], _ item: Item) {
    guard entries.allSatisfy({ $0.amounts.isEmpty }) else { return }
    switch self.payments {
    case .faulty: break
    case .nothing:
      item.refuse("nobody could pay it; write `payments: { cashu: { mints: [{ url: … }] } }`")
    case .ways(let cashu?, nil):
      item.refuse("nobody could pay it: `payments.cashu.unit` is `\(cashu.unit.rawValue)`, add a price in it")
    case .ways(nil, _): item.refuse("nobody could pay it: x402 takes prices in `usd`, add one")
    case .ways(let cashu?, _):
      item.refuse(
        "nobody could pay it: add a price in `usd`, or in `\(cashu.unit.rawValue)`, which `payments.cashu.unit` is"
      )
    }
  }
}
