internal import Octets

/// Amounts of memory and of processors, as Kubernetes writes quantities: `256Mi`, `1Gi`; `0.5`, `500m`, `2`.
enum SizeText {
  private static let units: [(name: String, bytes: UInt64)] = [
    ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10),
  ]

  /// Bytes; nil for anything but digits and a unit.
  static func bytes(_ text: String) -> UInt64? {
    guard let unit = self.units.first(where: { text.hasSuffix($0.name) }) else { return nil }
    let digits = text.dropLast(unit.name.count)
    guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy(ASCII.isDigit) else { return nil }
    return UInt64(digits).map { $0 * unit.bytes }
  }

  static func formatBytes(_ bytes: UInt64) -> String {
    let unit = self.units.first { bytes % $0.bytes == 0 } ?? ("Ki", 1 << 10)
    return "\(bytes / unit.bytes)\(unit.name)"
  }

  /// Thousandths of a core; nil for what is finer or no number.
  static func milliCPU(_ text: String) -> UInt64? {
    guard text.utf8.count <= 9 else { return nil }
    if text.hasSuffix("m") {
      let digits = text.dropLast()
      guard !digits.isEmpty, digits.utf8.allSatisfy(ASCII.isDigit) else { return nil }
      return UInt64(digits)
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count),
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(ASCII.isDigit) })
    else { return nil }
    let fraction = parts.count == 2 ? parts[1] : "0"
    guard fraction.utf8.count <= 3, let whole = UInt64(parts[0]),
      let thousandths = UInt64(fraction + String(repeating: "0", count: 3 - fraction.utf8.count))
    else { return nil }
    return whole * 1000 + thousandths
  }

  static func formatCPU(_ milli: UInt64) -> String { milli % 1000 == 0 ? "\(milli / 1000)" : "\(milli)m" }
}
