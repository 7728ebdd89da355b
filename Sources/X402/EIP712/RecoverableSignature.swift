internal import Octets
internal import Secp256k1

/// A signature of an account with a key: 65 bytes, `r ‖ s ‖ v`.
package struct RecoverableSignature: Hashable, Sendable {
  package static let byteCount = 65

  /// `r ‖ s`.
  let compact: [UInt8]
  /// 0 or 1.
  let recoveryID: UInt8

  /// n/2 of secp256k1: contracts refuse the other of the two `s` (EIP-2), as one message would have two
  /// signatures.
  private static let halfOrder: [UInt8] = [
    0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4, 0x50, 0x1D, 0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0,
  ]

  /// `v` is 27 or 28, or 0 or 1 as some wallets write it. Nil for what no token contract accepts.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    switch bytes[64] {
    case 0, 27: self.recoveryID = 0
    case 1, 28: self.recoveryID = 1
    default: return nil
    }
    guard !Self.halfOrder.lexicographicallyPrecedes(bytes[32..<64]) else { return nil }
    self.compact = Array(bytes.prefix(64))
  }

  /// Nil for 32 bytes that are no key.
  init?(of digest: [UInt8], with secret: [UInt8]) {
    guard let signature = Curve.shared.signRecoverably(digest, with: secret) else { return nil }
    // 2 and 3 need an `r` above the order: one in 2¹²⁷.
    guard signature.recoveryID < 2 else { return nil }
    self.compact = signature.compact
    self.recoveryID = signature.recoveryID
  }

  /// With `v` as 27 or 28.
  package var bytes: [UInt8] { self.compact + [27 + self.recoveryID] }

  /// The account whose key signed `digest`; nil for numbers that are no signature of any key.
  package func signer(of digest: [UInt8]) -> Address? {
    Curve.shared.recover(self.compact, self.recoveryID, digest: digest).map(Address.init(of:))
  }
}

extension Address {
  /// The account of a key: the last 20 bytes of the hash of its point.
  init(of key: Curve.Key) {
    let point = Curve.shared.serialize(key, compressed: false)
    // Without the form's first byte; twenty of 32 bytes are an address.
    guard let address = Address(bytes: Keccak256.hash(point.dropFirst()).suffix(Self.byteCount)) else {
      preconditionFailure("A hash has 32 bytes.")
    }
    self = address
  }
}
