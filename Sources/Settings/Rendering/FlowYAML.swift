/// Writes YAML of the few forms an effective configuration has.
enum FlowYAML {
  /// `{ a: b, c: d }`; pairs without a value are left out.
  static func mapping(_ pairs: [(key: String, value: String?)]) -> String {
    let shown = pairs.compactMap { pair in pair.value.map { "\(pair.key): \($0)" } }
    return shown.isEmpty ? "{}" : "{ " + shown.joined(separator: ", ") + " }"
  }

  static func list(_ elements: [String]) -> String { "[" + elements.joined(separator: ", ") + "]" }

  /// In double quotes, unless nobody could read it as anything but this text (YAML 1.2 §7.3.1).
  static func text(_ text: String) -> String {
    let isPlain =
      text.utf8.first.map { 0x61...0x7A ~= $0 || 0x41...0x5A ~= $0 || $0 == 0x2F } ?? false
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x2F, 0x2D, 0x2E, 0x5F: true
        default: false
        }
      }
    if isPlain, !self.reserved.contains(text.lowercased()) { return text }
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  /// Words that some reader takes for something else than a text.
  private static let reserved: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
}
