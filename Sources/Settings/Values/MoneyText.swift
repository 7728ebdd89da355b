internal import Octets

/// An amount in the larger unit of a currency with cents, such as `0.10`.
enum MoneyText {
  /// Nil for anything but digits with at most one point between them, and for zero.
  static func isPositiveDecimal(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: ASCII.dot, omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ (1...12).contains($0.count) }) else {
      return false
    }
    guard parts.joined().allSatisfy(ASCII.isDigit) else { return false }
    return parts.joined().contains { $0 != 0x30 }
  }

  /// Whole cents (NUT-00 counts `usd` and `eur` in cents); nil where there would be a fraction of one.
  static func cents(_ text: String) -> UInt64? {
    guard self.isPositiveDecimal(text) else { return nil }
    let parts = text.split(separator: ".")
    var fraction = parts.count == 2 ? String(parts[1]) : ""
    while fraction.utf8.count > 2, fraction.hasSuffix("0") { fraction.removeLast() }
    guard fraction.utf8.count <= 2 else { return nil }
    while fraction.utf8.count < 2 { fraction.append("0") }
    guard let cents = UInt64(parts[0] + fraction), cents > 0 else { return nil }
    return cents
  }
}
