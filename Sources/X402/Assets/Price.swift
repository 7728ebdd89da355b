package import Gate

/// A decimal price ("0.001") in the smallest parts of an asset, exactly or not at all.
package enum Price {
  package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
    case notDecimal(String)
    case zero
    /// With the most places that the asset has.
    case tooFine(String, places: Int)
    case tooLarge(String, asset: String)

    package var description: String {
      switch self {
      case .notDecimal(let text):
        "\"\(text)\" is not a price: write digits with at most one point, as \"0.01\""
      case .zero: "a price must be more than nothing; a free route has `access: free`"
      case .tooFine(let text, let places):
        "\"\(text)\" is finer than the asset can be divided: it has \(places) places"
      case .tooLarge(let text, let asset):
        "\"\(text)\" \(asset) is more than an amount can hold (9223372036854775807 of its smallest parts)"
      }
    }
  }

  /// Amounts in rows have 63 bits.
  private static let maxValue = UInt64(Int64.max)

  /// The amount of `asset` that `text` dollars (or whatever the asset is a unit of) are.
  package static func amount(_ text: String, of asset: Asset) throws(Fault) -> Amount {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), text.utf8.count <= 64,
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
    else { throw .notDecimal(text) }
    var fraction = parts.count == 2 ? parts[1] : ""
    while fraction.last == "0" { fraction.removeLast() }
    guard fraction.utf8.count <= asset.decimals else { throw .tooFine(text, places: asset.decimals) }
    var value: UInt64 = 0
    let zeros = [UInt8](repeating: 0x30, count: asset.decimals - fraction.utf8.count)
    for digit in Array(parts[0].utf8) + Array(fraction.utf8) + zeros {
      let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, isMore) = tens.addingReportingOverflow(UInt64(digit - 0x30))
      guard !isTooLarge, !isMore, sum <= self.maxValue else { throw .tooLarge(text, asset: asset.symbol) }
      value = sum
    }
    guard value > 0 else { throw .zero }
    return Amount(value, asset.unit)
  }
}
