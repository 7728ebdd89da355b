internal import JSON

/// Forms of names, labels and annotations (apimachinery `validation`).
enum Names {
  /// RFC 1123 label.
  static func isLabel(_ text: some StringProtocol) -> Bool {
    1...63 ~= text.utf8.count && self.isAlphanumeric(text.utf8.first)
      && self.isAlphanumeric(Array(text.utf8).last)
      && text.utf8.allSatisfy { self.isLower($0) || self.isDigit($0) || $0 == UInt8(ascii: "-") }
  }

  static func isSubdomain(_ text: some StringProtocol) -> Bool {
    1...253 ~= text.utf8.count
      && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { self.isLabel($0) }
  }

  static func isQualified(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let name = parts.last, parts.count <= 2 else { return false }
    return (parts.count == 1 || self.isSubdomain(parts[0])) && self.isLabelValue(name) && !name.isEmpty
  }

  static func isLabelValue(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, let last = Array(text.utf8).last else { return true }
    let isEnd: (UInt8) -> Bool = { self.isLower($0) || self.isUpper($0) || self.isDigit($0) }
    return text.utf8.count <= 63 && isEnd(first) && isEnd(last)
      && text.utf8.allSatisfy { isEnd($0) || "-_.".utf8.contains($0) }
  }

  /// What is wrong with the metadata of an object or template; nil when nothing.
  static func problem(metadata: JSON?) -> String? {
    for (name, value) in metadata?["labels"]?.map ?? [:] {
      guard self.isQualified(name) else { return "metadata.labels: Invalid value: \"\(name)\"" }
      guard self.isLabelValue(value) else { return "metadata.labels: Invalid value: \"\(value)\"" }
    }
    var size = 0
    for member in metadata?["annotations"]?.members ?? [] {
      guard self.isQualified(member.name.lowercased()) else {
        return "metadata.annotations: Invalid value: \"\(member.name)\""
      }
      guard let text = member.value.string else { return "metadata.annotations: values are strings" }
      size += member.name.utf8.count + text.utf8.count
    }
    return size <= 256 << 10 ? nil : "metadata.annotations: Too long: may not be more than 262144 bytes"
  }

  private static func isLower(_ byte: UInt8) -> Bool { 0x61...0x7A ~= byte }
  private static func isUpper(_ byte: UInt8) -> Bool { 0x41...0x5A ~= byte }
  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
  private static func isAlphanumeric(_ byte: UInt8?) -> Bool {
    byte.map { self.isLower($0) || self.isDigit($0) } ?? false
  }
}
