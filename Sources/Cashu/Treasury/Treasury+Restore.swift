package import Gate

extension Treasury {
  /// Outputs in one question; what Nutshell's own wallet asks.
  static let restoreBatch: UInt64 = 100
  /// Where nothing was found last, more are asked about at once: mints take 1000.
  static let gapBatch: UInt64 = 500
  /// After so many numbers in a row that the mint never signed there are none of ours. NUT-13 ("Restore from seed phrase")
  /// stops after 300, but a plan that came to nothing uses its numbers up: a mint that is out for hours, or a stranger who
  /// sends it forged tokens, leaves gaps of thousands.
  package static let longestGap: UInt64 = 10_000
  /// A mint that allows no more calls now is asked again; so often in a row.
  static let mostThrottled = 30
  /// A counter this high was not counted up by us; it ends a mint that signs whatever it is asked about.
  static let maxCounter: UInt64 = 50_000_000

  /// What was found at one keyset of a mint.
  package struct Restored: Sendable {
    package var mint: String
    package var keyset: String
    /// Unspent, and in the book now; `known` of it was there before.
    package var found: FoundMoney
    /// In a call of somebody at the mint, so not counted; in the unit.
    package var pending: UInt64
    /// The number after the last one that the mint ever signed.
    package var next: UInt64
  }

  /// Looks for money of this seed at every configured mint, keyset by keyset, and tells `report` what each held
  /// (NUT-09, NUT-13). Adds what is unspent and unknown to the book, and moves the counters past it, so that no later
  /// output repeats one. It may be repeated as often as one likes.
  ///
  /// Money that left as a token and was not taken yet is found too, unless the book remembers that it left.
  ///
  /// - Parameter gap: so many numbers in a row without a signature end the search, beyond what the book has counted.
  package func restore(
    from mint: String? = nil, gap: UInt64 = Self.longestGap, report: (Restored) -> Void
  ) async throws(TreasuryFault) {
    let mints = self.desk.configuration.mints.map(\.url)
    if let mint, !mints.contains(where: { $0 == MintURL(mint) }) { throw .mintNotConfigured(mint) }
    for url in mints where mint == nil || url == mint.flatMap(MintURL.init) {
      guard let client = self.desk.clients[url] else { continue }
      for listing in try await self.listings(client) where listing.unit == self.unit.name {
        if let restored = try await self.restore(listing, client, gap: gap) { report(restored) }
      }
    }
  }

  private func listings(_ client: MintClient) async throws(TreasuryFault) -> [KeysetJSON.Listing] {
    try await self.ask(client) { await client.keysets() }
  }

  /// Nil where nothing was ever signed for us.
  private func restore(
    _ listing: KeysetJSON.Listing, _ client: MintClient, gap: UInt64
  ) async throws(TreasuryFault) -> Restored? {
    let keys = try await self.ask(client) { await client.keys(of: listing.id) }
    guard
      let keyset = Keyset(
        id: listing.id, unit: listing.unit, keys: keys, inputFeePpk: listing.inputFeePpk,
        finalExpiry: listing.finalExpiry, isActive: listing.isActive)
    else { throw .outage(Outage(.outage, "the keys of a keyset of \(client.url) are not those it lists")) }
    var restored = Restored(
      mint: client.url.text, keyset: listing.id.description, found: FoundMoney(added: 0, known: 0),
      pending: 0,
      next: 0)
    let counter = CounterName.outputs(of: listing.id)
    // As far as the book has counted there are no gaps to guess at.
    let counted = try await self.read { () async throws(Outage) in try await self.book.next(of: counter) }
    var (start, count) = (0 as UInt64, Self.restoreBatch)
    while start < max(counted, restored.next + gap), start < Self.maxCounter {
      let proofs = try await self.batch(keyset, from: start, count: count, client)
      start += count
      count = proofs.isEmpty ? Self.gapBatch : Self.restoreBatch
      guard let last = proofs.last?.number else { continue }
      restored.next = last + 1
      // Before the money is in the book: a counter too high costs nothing, one too low repeats an output.
      try await self.read { () async throws(Outage) in
        try await self.book.raise(counter: counter, to: last + 1)
      }
      try await self.add(proofs.map(\.proof), client, to: &restored)
    }
    return restored.next == 0 ? nil : restored
  }

  /// The proofs of these numbers that the mint ever signed, by number.
  private func batch(
    _ keyset: Keyset, from start: UInt64, count: UInt64, _ client: MintClient
  ) async throws(TreasuryFault) -> [(number: UInt64, proof: UnverifiedProof)] {
    // NUT-09 matches by `B_`; the amount is the mint's to tell.
    let amounts = [UInt64](repeating: 1, count: Int(count))
    guard
      let outputs = SwapRequest.outputs(
        amounts, keysetID: keyset.id, counterStart: start, seed: self.desk.seed)
    else { return [] }
    let messages = outputs.map(\.message)
    let signatures = try await self.ask(client) { await client.restore(messages) }
    var proofs: [(number: UInt64, proof: UnverifiedProof)] = []
    for (index, (output, signature)) in zip(outputs, signatures).enumerated() {
      guard let signature else { continue }
      guard signature.keysetID == keyset.id,
        let proof = output.proof(from: signature, under: keyset, mustBeProved: false)
      else { throw .outage(Outage(.outage, "the mint \(client.url) restores signatures that are not valid")) }
      proofs.append((start + UInt64(index), proof))
    }
    return proofs
  }

  /// A signature says that the money was ours; only its state says that it still is (NUT-07).
  private func add(
    _ proofs: [UnverifiedProof], _ client: MintClient, to restored: inout Restored
  ) async throws(TreasuryFault) {
    let pieces = proofs.map { Proceeds($0, of: client.url.text, in: self.unit) }
    let nullifiers = pieces.map(\.nullifier.bytes)
    let states = try await self.ask(client) { await client.states(of: nullifiers) }
    let unspent = zip(pieces, states).filter { $0.1 == .unspent }.map(\.0)
    let found = try await self.read { () async throws(Outage) in try await self.book.recordFound(unspent) }
    restored.found.added += found.added
    restored.found.known += found.known
    restored.pending += zip(pieces, states).filter { $0.1 == .pending }.reduce(0) { $0 + $1.0.value.value }
  }

  /// A stock mint allows 60 calls a minute, and a long book takes more: then the search waits, for begun anew it would
  /// come no further.
  private func ask<Value: Sendable>(
    _ client: MintClient, _ call: () async -> MintAnswer<Value>
  ) async throws(TreasuryFault) -> Value {
    for _ in 0..<Self.mostThrottled {
      switch await call() {
      case .value(let value): return value
      case .throttled(let seconds):
        guard (try? await self.sleeper.sleep(for: .seconds(min(60, max(1, seconds ?? 10))))) != nil else {
          throw .outage(Outage(.outage, "the search was ended"))
        }
      case .refused, .silent: throw .outage(Outage(.outage, "the mint \(client.url) does not answer"))
      }
    }
    throw .outage(
      Outage(.mintBudget, "the mint \(client.url) allows no more calls now", retryAfterSeconds: 60))
  }
}
