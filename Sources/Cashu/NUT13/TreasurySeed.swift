internal import Digest
internal import Octets

/// The seed from which every output of ours is derived (NUT-13), so that a lost answer is never lost money.
package struct TreasurySeed: Sendable, CustomStringConvertible {
  package static let byteCount = 64

  private let bytes: [UInt8]
  private let key: HMACKey

  package var description: String { "<redacted>" }

  /// Nil unless there are 64 bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
    self.key = HMACKey(bytes)
  }

  package static func random() -> TreasurySeed {
    guard let seed = TreasurySeed(RandomBytes.make(count: self.byteCount)) else {
      preconditionFailure("64 bytes make a seed")
    }
    return seed
  }

  /// Eight bytes of hexadecimal text that tell two seeds apart and reveal neither.
  package var fingerprint: String {
    Hex.encode(self.key.authenticate(Array("Turnpike treasury fingerprint".utf8)).prefix(8))
  }

  /// What the file in `keys:` holds.
  package func exportBytes() -> [UInt8] { self.bytes }

  /// The secret and the blinding factor of one counter. Nil for the one counter in 2¹²⁷ that gives no scalar.
  package func derive(_ keysetID: KeysetID, counter: UInt64) -> (secret: Secret, r: Scalar)? {
    switch keysetID.version {
    case .v1: self.deriveByPath(keysetID, counter: counter)
    case .v2: self.deriveByHMAC(keysetID, counter: counter)
    }
  }

  /// NUT-13, version 2: `HMAC-SHA256(seed, "Cashu_KDF_HMAC_SHA256" ‖ id ‖ counter ‖ kind)`.
  private func deriveByHMAC(_ keysetID: KeysetID, counter: UInt64) -> (secret: Secret, r: Scalar)? {
    var message = Array("Cashu_KDF_HMAC_SHA256".utf8) + keysetID.bytes
    for shift in stride(from: 56, through: 0, by: -8) {
      message.append(UInt8(truncatingIfNeeded: counter >> UInt64(shift)))
    }
    guard let r = Scalar(reducing: self.key.authenticate(message + [1])) else { return nil }
    return (Secret(Hex.encode(self.key.authenticate(message + [0]))), r)
  }

  /// NUT-13, version 1: `m/129372'/0'/{id mod 2³¹−1}'/{counter}'/{0 secret, 1 factor}`.
  private func deriveByPath(_ keysetID: KeysetID, counter: UInt64) -> (secret: Secret, r: Scalar)? {
    guard let index = UInt32(exactly: counter), index < ExtendedKey.hardened else { return nil }
    var node = ExtendedKey(seed: self.bytes)
    for step in [129_372, 0, keysetID.integer, index] { node = node?.child(step | ExtendedKey.hardened) }
    guard let secret = node?.child(0)?.key, let r = node?.child(1)?.key else { return nil }
    return (Secret(Hex.encode(secret.bytes)), r)
  }
}
