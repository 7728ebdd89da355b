internal import Octets

/// `Accept` (RFC 9110 §12.5.1), as far as a page and JSON are told apart by it.
package struct MediaRanges {
  /// Thousandths; nil where the range is not named.
  private var page: Int?
  private var json: Int?
  private var any: Int?

  package init(_ values: [ArraySlice<UInt8>]) {
    for range in values.flatMap({ $0.split(separator: ASCII.comma) }) {
      let parts = range.split(separator: ASCII.semicolon)
      guard let type = parts.first?.trimmed else { continue }
      let weight = parts.dropFirst().compactMap { Self.weight($0.trimmed) }.first ?? 1000
      if type.equalsIgnoringCase("text/html") || type.equalsIgnoringCase("application/xhtml+xml") {
        self.page = max(self.page ?? 0, weight)
      } else if type.equalsIgnoringCase("application/json") {
        self.json = weight
      } else if type.equalsIgnoringCase("*/*") || type.equalsIgnoringCase("application/*") {
        self.any = max(self.any ?? 0, weight)
      }
    }
  }

  /// A page is named, and JSON is not wished for as much; a wildcard alone is a program's.
  package var preferPage: Bool {
    guard let page = self.page, page > 0 else { return false }
    if let json = self.json { return page > json }
    return page >= self.any ?? 0
  }

  /// `q=0.8` in thousandths; nil for any other parameter.
  private static func weight(_ parameter: ArraySlice<UInt8>) -> Int? {
    guard parameter.startsIgnoringCase(with: "q=") else { return nil }
    let digits = parameter.dropFirst(2).filter(ASCII.isDigit).prefix(4)
    let padded = digits + [UInt8](repeating: 0x30, count: 4 - digits.count)
    return min(1000, Int(String(decoding: padded, as: UTF8.self)) ?? 0)
  }
}
