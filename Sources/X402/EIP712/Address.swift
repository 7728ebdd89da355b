internal import Octets

/// An account or a contract of the EVM; the same in whatever case it was written.
package struct Address: Hashable, Sendable, CustomStringConvertible {
  package static let byteCount = 20

  package let bytes: [UInt8]

  /// `0x` and 40 digits, in any case.
  package init?(_ text: String) {
    guard text.hasPrefix("0x"), text.utf8.count == 2 + 2 * Self.byteCount,
      let bytes = Hex.decode(text.utf8.dropFirst(2))
    else { return nil }
    self.bytes = bytes
  }

  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = Array(bytes)
  }

  /// In EIP-55 form: a letter is upper case where the nibble of the hash is 8 or more.
  package var description: String {
    let digits = Hex.bytes(self.bytes)
    let hash = Keccak256.hash(digits)
    let cased = digits.enumerated().map { index, digit in
      let nibble = index % 2 == 0 ? hash[index / 2] >> 4 : hash[index / 2] & 15
      return nibble >= 8 && ASCII.isLetter(digit) ? digit - 0x20 : digit
    }
    return "0x" + String(decoding: cased, as: UTF8.self)
  }

  package var lowercased: String { "0x" + Hex.encode(self.bytes) }

  /// Whether a person may have meant `text`: its letters have one case, or those of EIP-55.
  package static func isChecksumPlausible(_ text: String) -> Bool {
    guard let address = Address(text) else { return false }
    let digits = text.dropFirst(2)
    return String(digits) == digits.lowercased() || String(digits) == digits.uppercased()
      || address.description == text
  }

  /// The address of no key, to which tokens are burnt.
  var isNobody: Bool { self.bytes.allSatisfy { $0 == 0 } }

  /// As a word of the EVM.
  package var word: [UInt8] { [UInt8](repeating: 0, count: UInt256.byteCount - Self.byteCount) + self.bytes }
}
