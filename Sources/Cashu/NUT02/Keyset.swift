internal import Digest
internal import Octets

/// A mint's keys for one unit, whose identifier has been computed again and found right (NUT-01, NUT-02).
package struct Keyset: Sendable {
  /// What NUT-02 calls parts per thousand: a thousandth of the unit for each input.
  package let id: KeysetID
  package let unit: String
  package let keys: [UInt64: Point]
  package let inputFeePpk: UInt64
  /// Seconds since 1970; the mint may forget what was spent after it.
  package let finalExpiry: UInt64?
  /// Only an active keyset signs outputs; inputs of the others are still good.
  package var isActive: Bool

  /// Nil when `id` is not the one these facts make.
  package init?(
    id: KeysetID,
    unit: String,
    keys: [UInt64: Point],
    inputFeePpk: UInt64,
    finalExpiry: UInt64?,
    isActive: Bool
  ) {
    self.id = id
    self.unit = unit
    self.keys = keys
    self.inputFeePpk = inputFeePpk
    self.finalExpiry = finalExpiry
    self.isActive = isActive
    let expected =
      switch id.version {
      case .v1: Self.identifierV1(keys)
      case .v2: Self.identifierV2(keys, unit: unit, inputFeePpk: inputFeePpk, finalExpiry: finalExpiry)
      }
    guard !keys.isEmpty, expected == id.bytes else { return nil }
  }

  /// NUT-02, version 1: binds the keys only, neither unit nor fee, and with 56 bits.
  static func identifierV1(_ keys: [UInt64: Point]) -> [UInt8] {
    let joined = self.sorted(keys).flatMap { $0.value.compressed }
    return [KeysetID.Version.v1.rawValue] + SHA256.hash(joined).prefix(7)
  }

  /// NUT-02, version 2: `amount:key,…|unit:…|input_fee_ppk:…|final_expiry:…`, without a fee of zero or an
  /// absent end.
  static func identifierV2(
    _ keys: [UInt64: Point],
    unit: String,
    inputFeePpk: UInt64,
    finalExpiry: UInt64?
  ) -> [UInt8] {
    var text = self.sorted(keys).map { "\($0.key):\(Hex.encode($0.value.compressed))" }.joined(separator: ",")
    text += "|unit:\(unit)"
    if inputFeePpk > 0 { text += "|input_fee_ppk:\(inputFeePpk)" }
    if let finalExpiry { text += "|final_expiry:\(finalExpiry)" }
    return [KeysetID.Version.v2.rawValue] + SHA256.hash(Array(text.utf8))
  }

  private static func sorted(_ keys: [UInt64: Point]) -> [(key: UInt64, value: Point)] {
    keys.sorted { $0.key < $1.key }
  }

  /// The amounts, the largest first, that make up `total` with the fewest proofs; nil when these keys cannot.
  package func split(_ total: UInt64) -> [UInt64]? {
    var rest = total
    var parts: [UInt64] = []
    for amount in self.keys.keys.sorted(by: >) where amount > 0 {
      while amount <= rest {
        // Keys that do not double would make an output for every unit of money.
        guard parts.count < Self.maxOutputs else { return nil }
        parts.append(amount)
        rest -= amount
      }
    }
    return rest == 0 ? parts : nil
  }

  /// A total of 64 bits needs at most 64 powers of two.
  private static let maxOutputs = 64
}
