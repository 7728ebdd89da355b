/// Reads `payments`.
struct PaymentsReader {
  let root: Section<RootKey>
  let surroundings: Surroundings

  func read() -> PaymentsFound {
    guard let item = self.root.item(.payments) else { return .nothing }
    guard let section = Section<PaymentsKey>(item) else { return .faulty }
    let cashu = section.item(.cashu).map { CashuReader().read($0) }
    let x402 = section.item(.x402).map { X402Reader(surroundings: self.surroundings).read($0) }
    switch (cashu, x402) {
    case (nil, nil): return .nothing
    case (.some(nil), _), (_, .some(nil)): return .faulty
    case (let cashu, let x402): return .ways(cashu: cashu ?? nil, x402: x402 ?? nil)
    }
  }
}

extension Item {
  /// A URL that is called; warns of one that is not encrypted.
  func serviceURL(_ danger: String) -> ServiceURL? {
    self.text().flatMap { self.serviceURL(of: $0, danger) }
  }

  func serviceURL(of text: String, _ danger: String) -> ServiceURL? {
    do throws(ServiceURL.Fault) {
      let url = try ServiceURL(text)
      if url.isExposed { self.warn("is not encrypted: \(danger); write `https://`") }
      return url
    } catch {
      self.refuse(error.sentence)
      return nil
    }
  }
}
