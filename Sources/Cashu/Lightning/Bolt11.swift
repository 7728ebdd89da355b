internal import Octets

/// What is read of a Lightning invoice (BOLT 11): that it is one, and over how much. The rest is the mint's to judge.
package struct Bolt11: Sendable, Equatable {
  package enum Fault: Error, Sendable, Equatable {
    case notAnInvoice
    /// A mistyped or shortened one (BIP 173).
    case badChecksum
    /// It lets the payer choose, and a mint's quote cannot.
    case noAmount
    /// Finer than a thousandth of a satoshi, or more than there is.
    case badAmount
  }

  /// In lower case, without the URI scheme.
  package let text: String
  /// Thousandths of a satoshi.
  package let millisatoshis: UInt64

  /// BOLT 11 has no bound; the longest with every known field and many routes stay under this.
  static let maxBytes = 4096
  /// BOLT 11, "Human-Readable Part": the longest first, because `lnbcrt` begins as `lnbc` does.
  private static let networks = ["bcrt", "tbs", "bc", "tb"]
  private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
  /// 21 million bitcoin.
  private static let maxMillisatoshis: UInt64 = 2_100_000_000_000_000_000

  package init(_ invoice: String) throws(Fault) {
    guard invoice.utf8.count <= Self.maxBytes, invoice.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .notAnInvoice
    }
    let bare = invoice.lowercased().hasPrefix("lightning:") ? String(invoice.dropFirst(10)) : invoice
    // BIP 173: one case throughout.
    let text = bare.lowercased()
    guard bare == text || bare == bare.uppercased() else { throw .notAnInvoice }
    guard let separator = text.lastIndex(of: "1"), text.hasPrefix("ln") else { throw .notAnInvoice }
    let prefix = text[..<separator]
    let data = text[text.index(after: separator)...].utf8.map { Self.alphabet.firstIndex(of: $0) }
    // Seven groups of time, 104 of signature, six of checksum.
    guard data.count >= 117, !data.contains(nil) else { throw .notAnInvoice }
    guard Self.isIntact(Array(prefix.utf8), data.compactMap { $0 }) else { throw .badChecksum }
    guard let network = Self.networks.first(where: { prefix.dropFirst(2).hasPrefix($0) }) else {
      throw .notAnInvoice
    }
    self.text = text
    self.millisatoshis = try Self.amount(prefix.dropFirst(2 + network.count))
  }

  /// Digits without a zero in front and at most one letter for the part of a bitcoin they count.
  private static func amount(_ text: Substring) throws(Fault) -> UInt64 {
    guard let last = text.utf8.last else { throw .noAmount }
    let digits = ASCII.isDigit(last) ? text : text.dropLast()
    guard let number = UInt64(digits), number > 0, String(number) == digits else { throw .badAmount }
    let factor: UInt64
    switch last {
    case UInt8(ascii: "m"): factor = 100_000_000
    case UInt8(ascii: "u"): factor = 100_000
    case UInt8(ascii: "n"): factor = 100
    case UInt8(ascii: "p"):
      // A tenth of a thousandth of a satoshi: BOLT 11 wants a zero at the end.
      guard number % 10 == 0 else { throw .badAmount }
      return try Self.bounded(number / 10)
    default:
      guard ASCII.isDigit(last) else { throw .badAmount }
      factor = 100_000_000_000
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    guard !overflow else { throw .badAmount }
    return try Self.bounded(product)
  }

  private static func bounded(_ value: UInt64) throws(Fault) -> UInt64 {
    guard value <= self.maxMillisatoshis else { throw .badAmount }
    return value
  }

  /// BIP 173, `bech32_verify_checksum`.
  private static func isIntact(_ prefix: [UInt8], _ data: [Int]) -> Bool {
    let generator: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
    var sum: UInt32 = 1
    for value in prefix.map({ Int($0 >> 5) }) + [0] + prefix.map({ Int($0 & 31) }) + data {
      let top = sum >> 25
      sum = (sum & 0x1FF_FFFF) << 5 ^ UInt32(value)
      for bit in 0..<5 where top >> UInt32(bit) & 1 == 1 { sum ^= generator[bit] }
    }
    return sum == 1
  }

  /// In a mint's unit, rounded up, as a mint quotes it; nil for a unit that no fixed rate ties to it.
  package func amount(in unit: String) -> UInt64? {
    switch unit {
    case "msat": self.millisatoshis
    case "sat": (self.millisatoshis + 999) / 1000
    default: nil
    }
  }
}
