/// Reads `payments`.
struct PaymentsReader {
  let root: Section<RootKey>

  func read() -> PaymentsFound {
    guard let item = self.root.item(.payments) else { return .nothing }
    guard let section = Section<PaymentsKey>(item) else { return .faulty }
    section.item(.x402)?.refuse("x402 is not in this release; leave it out, Cashu alone is taken")
    guard let cashu = section.item(.cashu) else { return section.item(.x402) == nil ? .nothing : .faulty }
    return Self.cashu(cashu).map { .cashu($0) } ?? .faulty
  }

  private static func cashu(_ item: Item) -> CashuPayments? {
    guard let section = Section<CashuKey>(item) else { return nil }
    let mints = section.required(.mints).flatMap(self.mints)
    var cashu = CashuPayments(mints: mints ?? [])
    cashu.unit = section.item(.unit)?.choice(CashuPayments.Unit.self) ?? cashu.unit
    if let offline = section.item(.offline), let choice = offline.choice(CashuPayments.Offline.self) {
      cashu.offline = choice
      switch choice {
      case .off: break
      case .preferred:
        offline.warn("offline acceptance is not in this release; tokens are redeemed online")
      case .required:
        offline.refuse("offline acceptance is not in this release; write `off` or `preferred`")
      }
    }
    cashu.maxFeePercent = section.item(.maxFeePercent)?.integer(0...100) ?? cashu.maxFeePercent
    cashu.maxProofs = section.item(.maxProofs)?.integer(1...1000) ?? cashu.maxProofs
    cashu.requestsPerMinute = section.item(.requestsPerMinute)?.integer(1...1_000_000)
    cashu.perAddressPerMinute = section.item(.perAddressPerMinute)?.integer(1...1_000_000)
    cashu.timeout = section.item(.timeout)?.duration(.milliseconds(100)...(.seconds(120))) ?? cashu.timeout
    return mints == nil ? nil : cashu
  }

  private static func mints(_ item: Item) -> [CashuPayments.Mint]? {
    guard let elements = item.list() else { return nil }
    guard !elements.isEmpty else {
      item.refuse("names no mint; only tokens of mints listed here are taken")
      return nil
    }
    var mints: [CashuPayments.Mint] = []
    for element in elements {
      guard let section = Section<MintKey>(element), let item = section.required(.url),
        let url = self.url(item)
      else { continue }
      if mints.contains(where: { $0.url == url }) { item.refuse("is listed twice") }
      mints.append(
        CashuPayments.Mint(
          url: url, exposure: section.item(.exposure)?.integer(0...PriceReader.maxUnits)))
    }
    return mints.isEmpty ? nil : mints
  }

  private static func url(_ item: Item) -> MintAddress? {
    guard let text = item.text() else { return nil }
    do throws(MintAddress.Fault) {
      let url = try MintAddress(text)
      if url.isExposed {
        item.warn("is not encrypted: whoever is on the way can take the tokens; write `https://`")
      }
      return url
    } catch {
      item.refuse(error.sentence)
      return nil
    }
  }
}
