internal import Secp256k1

/// A number from 1 to the order of secp256k1 less one: blinding factors, private keys, parts of a DLEQ proof.
package struct Scalar: Sendable, Equatable, CustomStringConvertible {
  /// n of SEC 2 §2.4.1.
  private static let order: [UInt8] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE,
    0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48, 0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41,
  ]

  /// 32 bytes, the most significant first.
  package let bytes: [UInt8]

  package var description: String { "<redacted>" }

  /// Nil unless `bytes` are 32 and their number is neither zero nor at or above the order.
  package init?(_ bytes: [UInt8]) {
    guard Curve.shared.isScalar(bytes) else { return nil }
    self.bytes = bytes
  }

  /// The number of 32 bytes modulo the order; nil for zero. 2²⁵⁶ is below twice the order, so one subtraction
  /// is enough.
  package init?(reducing bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    var reduced = bytes
    if !bytes.lexicographicallyPrecedes(Self.order) {
      var borrow = 0
      for index in (0..<32).reversed() {
        let difference = Int(bytes[index]) - Int(Self.order[index]) - borrow
        borrow = difference < 0 ? 1 : 0
        reduced[index] = UInt8(truncatingIfNeeded: difference)
      }
    }
    self.init(reduced)
  }

  package var negated: Scalar { Scalar(valid: Curve.shared.negate(scalar: self.bytes)) }

  package func times(_ other: Scalar) -> Scalar {
    Scalar(valid: Curve.shared.multiply(scalar: self.bytes, by: other.bytes))
  }

  /// The sum modulo the order; nil when it is zero, or when `tweak` is not below the order (BIP32 skips such
  /// a child).
  package func adding(_ tweak: [UInt8]) -> Scalar? {
    Curve.shared.add(scalar: self.bytes, tweak).map { Scalar(valid: $0) }
  }

  private init(valid bytes: [UInt8]) { self.bytes = bytes }
}
