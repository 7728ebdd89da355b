internal import Octets

/// A number of the EVM, for comparing and encoding; no arithmetic.
package struct UInt256: Hashable, Comparable, Sendable {
  package static let byteCount = 32
  /// 2²⁵⁶ has so many decimal digits.
  private static let maxDigits = 78

  /// The most significant first.
  package let bytes: [UInt8]

  package init(_ value: UInt64) {
    self.bytes = [UInt8](repeating: 0, count: Self.byteCount - 8) + value.bigEndianBytes
  }

  /// Shorter bytes are padded at the front; nil for more than 32.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count <= Self.byteCount else { return nil }
    self.bytes = [UInt8](repeating: 0, count: Self.byteCount - bytes.count) + Array(bytes)
  }

  /// Digits only; nil for 2²⁵⁶ and above.
  package init?(decimal text: String) {
    guard (1...Self.maxDigits).contains(text.utf8.count) else { return nil }
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    for digit in text.utf8 {
      guard ASCII.isDigit(digit) else { return nil }
      var carry = UInt16(digit - 0x30)
      for index in bytes.indices.reversed() {
        carry += UInt16(bytes[index]) * 10
        bytes[index] = UInt8(truncatingIfNeeded: carry)
        carry >>= 8
      }
      guard carry == 0 else { return nil }
    }
    self.bytes = bytes
  }

  /// `0x` and digits, an odd count too: a `QUANTITY` of Ethereum's JSON-RPC, or a word.
  package init?(hex text: String) {
    guard text.hasPrefix("0x") else { return nil }
    let digits = Array(text.utf8.dropFirst(2))
    guard !digits.isEmpty, let bytes = Hex.decode(digits.count % 2 == 0 ? digits : [0x30] + digits) else {
      return nil
    }
    self.init(bytes: bytes)
  }

  /// Nil where it does not fit.
  package var uint64: UInt64? {
    self.bytes.dropLast(8).allSatisfy { $0 == 0 } ? UInt64(bigEndianBytes: self.bytes.suffix(8)) : nil
  }

  /// Seconds since 1970, the far future at most.
  package var seconds: Int64 { self.uint64.flatMap { Int64(exactly: $0) } ?? .max }

  package var decimal: String {
    var digits: [UInt8] = []
    var rest = self.bytes
    repeat {
      var remainder: UInt16 = 0
      for index in rest.indices {
        remainder = remainder << 8 | UInt16(rest[index])
        rest[index] = UInt8(remainder / 10)
        remainder %= 10
      }
      digits.append(0x30 + UInt8(remainder))
    } while rest.contains { $0 != 0 }
    return String(decoding: digits.reversed(), as: UTF8.self)
  }

  package var hex: String { "0x" + Hex.encode(self.bytes) }

  package static func < (a: UInt256, b: UInt256) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}
