/// Reads `payments.cashu`.
struct CashuReader {
  func read(_ item: Item) -> CashuPayments? {
    guard let section = Section<CashuKey>(item) else { return nil }
    let mints = section.required(.mints).flatMap(self.mints)
    var cashu = CashuPayments(mints: mints ?? [])
    cashu.unit = section.item(.unit)?.choice(CashuPayments.Unit.self) ?? cashu.unit
    cashu.offline = section.item(.offline)?.choice(CashuPayments.Offline.self) ?? cashu.offline
    cashu.maxFeePercent = section.item(.maxFeePercent)?.integer(0...100) ?? cashu.maxFeePercent
    cashu.maxProofs = section.item(.maxProofs)?.integer(1...256) ?? cashu.maxProofs
    cashu.requestsPerMinute = section.item(.requestsPerMinute)?.integer(1...1_000_000)
    cashu.perAddressPerMinute = section.item(.perAddressPerMinute)?.integer(1...1_000_000)
    cashu.timeout = section.item(.timeout)?.duration(.milliseconds(100)...(.seconds(120))) ?? cashu.timeout
    self.readRedeem(section, into: &cashu)
    guard let mints else { return nil }
    self.checkExposure(section, cashu)
    cashu.lightning = section.item(.lightning).flatMap { self.lightning($0, among: mints) }
    cashu.payout = section.item(.payout).flatMap { self.payout($0, unit: cashu.unit) }
    return cashu
  }

  private func mints(_ item: Item) -> [CashuPayments.Mint]? {
    guard let elements = item.list() else { return nil }
    guard !elements.isEmpty else {
      item.refuse("names no mint; only tokens of mints listed here are taken")
      return nil
    }
    var mints: [CashuPayments.Mint] = []
    for element in elements {
      guard let section = Section<MintKey>(element), let item = section.required(.url),
        let url = item.serviceURL("whoever is on the way can take the tokens")
      else { continue }
      if mints.contains(where: { $0.url == url }) { item.refuse("is listed twice") }
      mints.append(
        CashuPayments.Mint(
          url: url, exposure: section.item(.exposure)?.integer(0...PriceReader.maxUnits)))
    }
    return mints.isEmpty ? nil : mints
  }

  // MARK: Offline

  private func readRedeem(_ section: Section<CashuKey>, into cashu: inout CashuPayments) {
    guard let item = section.item(.redeem), let redeem = Section<RedeemKey>(item) else { return }
    // A stock mint takes 1000 in one request, and is slow with so many.
    cashu.redeem.proofs = redeem.item(.proofs)?.integer(1...500) ?? cashu.redeem.proofs
    // Design §5: what was accepted is redeemed within 10 min, long before a lock may end.
    cashu.redeem.every = redeem.item(.every)?.duration(.seconds(1)...(.seconds(300))) ?? cashu.redeem.every
  }

  /// How much to trust a mint with is nobody's to guess.
  private func checkExposure(_ section: Section<CashuKey>, _ cashu: CashuPayments) {
    guard cashu.offline != .off else {
      section.item(.redeem)?.warn("means nothing while `offline` is `off`")
      return
    }
    guard let item = section.item(.mints), let elements = item.sequence else { return }
    for (mint, element) in zip(cashu.mints, elements) where mint.exposure == nil {
      element.refuse(
        "needs `exposure` while `offline` is `\(cashu.offline.rawValue)`: the most that may be unredeemed with it, in "
          + "\(cashu.unit.rawValue)")
    }
  }

  // MARK: Lightning

  private func lightning(_ item: Item, among mints: [CashuPayments.Mint]) -> ServiceURL? {
    guard let section = Section<LightningKey>(item) else { return nil }
    guard let mint = section.item(.mint) else {
      if mints.count > 1 { item.refuse("`mint` is missing: there are several") }
      return mints.first?.url
    }
    guard let text = mint.text() else { return nil }
    guard let url = try? ServiceURL(text), mints.contains(where: { $0.url == url }) else {
      let hint = Spelling.hint(for: text, among: mints.map(\.url.text))
      mint.refuse("is none of `payments.cashu.mints`\(hint)")
      return nil
    }
    return url
  }

  private func payout(_ item: Item, unit: CashuPayments.Unit) -> CashuPayments.Payout? {
    guard let section = Section<PayoutKey>(item) else { return nil }
    let above = section.required(.above)?.integer(1...PriceReader.maxUnits)
    let keep = section.item(.keep).map { $0.integer(0...PriceReader.maxUnits) } ?? .some(0)
    let to = section.required(.to).flatMap(self.lightningAddress)
    let fee = section.item(.maxFeePercent).map { $0.integer(0...50) } ?? .some(2)
    guard let above, let keep, let to, let fee else { return nil }
    guard keep < above else {
      section.item(.keep)?.refuse("must be less than `above`, or nothing is ever paid out")
      return nil
    }
    guard unit == .sat || unit == .msat else {
      item.refuse("is for `unit: sat` and `unit: msat`")
      return nil
    }
    return CashuPayments.Payout(above: above, keep: keep, to: to, maxFeePercent: fee)
  }

  /// LUD-16: `name@host`, the name in small letters, digits and `-_.+`.
  private func lightningAddress(_ item: Item) -> String? {
    guard let text = item.text() else { return nil }
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    let name = parts.first ?? ""
    guard parts.count == 2, !name.isEmpty,
      name.utf8.allSatisfy({ 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || "-_.+".utf8.contains($0) }),
      (try? ServiceURL("https://" + parts[1])) != nil, !parts[1].contains("/")
    else {
      item.refuse("expected a Lightning address such as `shop@example.com`, found \(Item.quote(text))")
      return nil
    }
    return text
  }
}
