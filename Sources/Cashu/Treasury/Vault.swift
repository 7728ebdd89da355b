package import Gate

/// What the treasury holds at one mint.
struct Vault: Sendable {
  var mint: MintURL
  var rows: [Proceeds]
  /// Without what they cost until ``Treasury/priced(_:)``.
  var pieces: [HeldPiece]
  var sum: UInt64
}

extension Treasury {
  /// What is held and free at each configured mint, in their order.
  package func held() async throws(TreasuryFault) -> [(mint: String, amount: Amount, pieces: Int)] {
    try await self.vaults().map { ($0.mint.text, Amount($0.sum, self.unit), $0.pieces.count) }
  }

  /// The named mint's, or the first that holds so much.
  func vault(at mint: String?, worth amount: UInt64) async throws(TreasuryFault) -> Vault {
    let vaults: [Vault]
    if let mint {
      guard let url = MintURL(mint), self.desk.clients[url] != nil else { throw .mintNotConfigured(mint) }
      vaults = [try await self.vault(url)]
    } else {
      vaults = try await self.vaults()
    }
    if let vault = vaults.first(where: { $0.sum >= amount }) { return vault }
    throw .notEnough(mint: mint, held: Amount(vaults.map(\.sum).max() ?? 0, self.unit))
  }

  private func vaults() async throws(TreasuryFault) -> [Vault] {
    var vaults: [Vault] = []
    for mint in self.desk.configuration.mints { vaults.append(try await self.vault(mint.url)) }
    return vaults
  }

  func vault(_ mint: MintURL) async throws(TreasuryFault) -> Vault {
    let rows = try await self.read { () async throws(Outage) in
      try await self.book.pieces(of: mint.text, in: self.unit, limit: Self.maxListed)
    }
    let pieces = rows.compactMap { HeldPiece($0, feePpk: 0) }
    return Vault(mint: mint, rows: rows, pieces: pieces, sum: Money.sum(pieces.map(\.input.amount)) ?? .max)
  }

  /// The same with what each piece costs to spend, which its mint says.
  func priced(_ vault: Vault) async throws(TreasuryFault) -> Vault {
    var fees: [KeysetID: UInt64] = [:]
    var vault = vault
    for index in vault.pieces.indices {
      let id = vault.pieces[index].input.keysetID
      if fees[id] == nil { fees[id] = try await self.fee(of: id, at: vault.mint) }
      vault.pieces[index].feePpk = fees[id] ?? 0
    }
    return vault
  }

  private func fee(of id: KeysetID, at mint: MintURL) async throws(TreasuryFault) -> UInt64 {
    let finding = try await self.read { () async throws(Outage) in
      try await self.desk.keysets.resolve(.full(id), at: mint, reach: .network)
    }
    guard case .known(let keyset) = finding else {
      throw .outage(Outage(.outage, "the mint \(mint) no longer lists the keyset \(id) of held pieces"))
    }
    return keyset.inputFeePpk
  }

  /// Where outputs go. The list is there once a fee was asked for.
  func active(_ mint: MintURL) throws(TreasuryFault) -> Keyset {
    guard let keyset = self.desk.keysets.active(at: mint) else {
      throw .outage(Outage(.outage, "no active keyset of \(mint) is known"))
    }
    return keyset
  }

  func short(_ amount: UInt64, _ vault: Vault) -> TreasuryFault {
    let most = vault.pieces.map(\.input.amount).sorted(by: >).prefix(PieceChoice.maxPieces)
    return Money.sum(most) ?? .max < amount
      ? .tooManyPieces(mint: vault.mint.text)
      : .notEnough(mint: vault.mint.text, held: Amount(vault.sum, self.unit))
  }

  func read<Value: Sendable>(
    _ body: () async throws(Outage) -> Value
  ) async throws(TreasuryFault) -> Value {
    do throws(Outage) { return try await body() } catch { throw .outage(error) }
  }
}
