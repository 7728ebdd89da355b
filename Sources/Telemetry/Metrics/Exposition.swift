internal import Octets

/// Writes the Prometheus text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
struct Exposition {
  enum Kind: String { case counter, gauge, histogram }

  private(set) var bytes: [UInt8] = []

  mutating func begin(_ name: String, help: String, kind: Kind) {
    self.write("# HELP \(name) \(Self.escape(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n")
  }

  mutating func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
    self.write(name)
    if !labels.isEmpty {
      let pairs = labels.map { "\($0.name)=\"\(Self.escape($0.value, quotes: true))\"" }
      self.write("{\(pairs.joined(separator: ","))}")
    }
    self.write(" \(value)\n")
  }

  /// The form Go's parser reads: no exponent for what has none, never `inf`.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    if value == value.rounded(), value.magnitude < 1e15 { return String(Int64(value)) }
    return String(value)
  }

  private mutating func write(_ text: String) { self.bytes.append(contentsOf: text.utf8) }

  private static func escape(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == ASCII.lineFeed }) else { return text }
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\"" where quotes: out += "\\\""
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
