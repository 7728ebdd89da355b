internal import Gate

/// What is known of the keysets of all configured mints; a pure value.
///
/// An identifier belongs to one mint: a version 1 identifier has 56 bits, and a second mint that lists a
/// known one could be paid out of the first one's counters (NUT-02). The first one to list it keeps it.
struct KeysetShelf: Sendable {
  /// The most rows of one mint that are kept; a mint that rotates daily has 365 a year.
  static let maxListings = 1024

  enum Finding: Sendable {
    case known(Keyset)
    /// Listed by the mint, keys not fetched yet.
    case listed(KeysetJSON.Listing)
    case otherUnit
    /// Two keysets begin with these bytes.
    case ambiguous
    case unknown
  }

  private struct Row: Sendable {
    var listing: KeysetJSON.Listing
    var keyset: Keyset?
  }

  private let unit: String
  private var rows: [MintURL: [KeysetID: Row]] = [:]
  private var owners: [KeysetID: MintURL] = [:]

  init(unit: String) { self.unit = unit }

  func find(_ reference: KeysetReference, at mint: MintURL) -> Finding {
    let rows = self.rows[mint] ?? [:]
    let matches: [Row]
    switch reference {
    case .full(let id): matches = rows[id].map { [$0] } ?? []
    case .short: matches = rows.values.filter { reference.matches($0.listing.id) }
    }
    guard let row = matches.first else { return .unknown }
    guard matches.count == 1 else { return .ambiguous }
    guard row.listing.unit == self.unit else { return .otherUnit }
    return row.keyset.map { .known($0) } ?? .listed(row.listing)
  }

  /// Where outputs go: the active keyset with the lowest fee.
  func active(at mint: MintURL) -> Keyset? {
    (self.rows[mint] ?? [:]).values.compactMap(\.keyset).filter(\.isActive).min {
      ($0.inputFeePpk, $0.id.description) < ($1.inputFeePpk, $1.id.description)
    }
  }

  /// Takes in a list of the mint; rows it no longer lists stay, inactive, since tokens of theirs are still
  /// about.
  /// - Returns: the active keysets of our unit whose keys must be fetched.
  mutating func update(_ listings: [KeysetJSON.Listing], of mint: MintURL) -> [KeysetJSON.Listing] {
    var rows = self.rows[mint] ?? [:]
    for (id, row) in rows {
      rows[id]?.listing.isActive = false
      rows[id]?.keyset = row.keyset.map { Self.deactivated($0) }
    }
    for listing in listings {
      guard rows[listing.id] != nil || rows.count < Self.maxListings,
        (self.owners[listing.id] ?? mint) == mint
      else { continue }
      self.owners[listing.id] = mint
      // The facts may have changed where the identifier does not bind them: state always, the fee in version
      // 1.
      let keyset = rows[listing.id]?.keyset.flatMap { Self.keyset(listing, keys: $0.keys) }
      rows[listing.id] = Row(listing: listing, keyset: keyset)
    }
    self.rows[mint] = rows
    return rows.values.filter { $0.listing.isActive && $0.keyset == nil && $0.listing.unit == self.unit }.map(
      \.listing)
  }

  /// Every keyset of our unit whose keys are not there, the active ones first.
  func withoutKeys(of mint: MintURL) -> [KeysetJSON.Listing] {
    let listings = (self.rows[mint] ?? [:]).values.filter { $0.keyset == nil }.map(\.listing)
      .filter { $0.unit == self.unit }
    return listings.filter(\.isActive) + listings.filter { !$0.isActive }
  }

  /// Keeps fetched keys if they make the identifier they were asked for under.
  mutating func add(_ keys: [UInt64: Point], for listing: KeysetJSON.Listing, of mint: MintURL) {
    guard self.rows[mint]?[listing.id] != nil, let keyset = Self.keyset(listing, keys: keys) else { return }
    self.rows[mint]?[listing.id]?.keyset = keyset
  }

  private static func keyset(_ listing: KeysetJSON.Listing, keys: [UInt64: Point]) -> Keyset? {
    Keyset(
      id: listing.id,
      unit: listing.unit,
      keys: keys,
      inputFeePpk: listing.inputFeePpk,
      finalExpiry: listing.finalExpiry,
      isActive: listing.isActive
    )
  }

  private static func deactivated(_ keyset: Keyset) -> Keyset {
    var keyset = keyset
    keyset.isActive = false
    return keyset
  }
}
