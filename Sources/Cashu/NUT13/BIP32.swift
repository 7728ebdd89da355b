internal import Digest

/// Private keys of BIP32, as far as NUT-13 needs them: from a seed down a path.
struct ExtendedKey: Sendable {
  /// Added to an index for a hardened child (BIP32, "Extended keys").
  static let hardened: UInt32 = 1 << 31

  let key: Scalar
  private let chainCode: [UInt8]

  /// Nil for the one seed in 2¹²⁷ that BIP32 calls invalid.
  init?(seed: [UInt8]) {
    self.init(HMACSHA512.authenticate(seed, key: Array("Bitcoin seed".utf8)), parent: nil)
  }

  private init?(_ digest: [UInt8], parent: Scalar?) {
    let left = Array(digest[..<32])
    guard let key = parent.map({ $0.adding(left) }) ?? Scalar(left) else { return nil }
    self.key = key
    self.chainCode = Array(digest[32...])
  }

  /// CKDpriv. Nil for the one index in 2¹²⁷ that BIP32 skips.
  func child(_ index: UInt32) -> ExtendedKey? {
    var data = index >= Self.hardened ? [0] + self.key.bytes : Point(generatorTimes: self.key).compressed
    for shift in [24, 16, 8, 0] { data.append(UInt8(truncatingIfNeeded: index >> UInt32(shift))) }
    return ExtendedKey(HMACSHA512.authenticate(data, key: self.chainCode), parent: self.key)
  }
}
