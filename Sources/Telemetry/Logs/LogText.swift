internal import Octets

/// Makes any text safe to stand in one line of a log, whoever wrote it.
///
/// Line ends and controls are escaped, so that nobody writes a line of their own; so are the characters that turn text
/// around on a screen. What looks like ecash or a pass is cut out: to hold it is to own it.
package enum LogText {
  /// Longer values are cut; a header may have 128 KiB.
  package static let maxBytes = 2048
  private static let redacted = "<redacted>"
  /// NUT-00 tokens in both forms, and our passes.
  private static let bearers = ["cashuA", "cashuB", "crawB", "tp1."].map { Array($0.utf8) }

  /// With quotes around it where `text` has a space or a character that quotes need.
  static func value(_ text: String) -> String {
    let escaped = self.escaped(text)
    let isPlain =
      !escaped.isEmpty && escaped.utf8.allSatisfy { $0 > ASCII.space && $0 != 0x22 && $0 != ASCII.equals }
    return isPlain ? escaped : "\"\(escaped)\""
  }

  /// For between double quotes, as JSON (RFC 8259 §7) and the text form both read it.
  static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in self.cut(self.withoutBearers(text)).unicodeScalars {
      switch scalar.value {
      case 0x22: out += "\\\""
      case 0x5C: out += "\\\\"
      case 0x0A: out += "\\n"
      case 0x0D: out += "\\r"
      case 0x09: out += "\\t"
      case 0x00...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: out += "\\u" + self.hex(scalar.value)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private static func cut(_ text: String) -> String {
    guard text.utf8.count > self.maxBytes else { return text }
    return String(decoding: text.utf8.prefix(self.maxBytes), as: UTF8.self) + "…"
  }

  private static func hex(_ value: UInt32) -> String {
    Hex.encode([UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)])
  }

  private static func withoutBearers(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var index = 0
    var found = false
    while index < bytes.count {
      guard let bearer = self.bearers.first(where: { bytes[index...].starts(with: $0) }) else {
        out.append(bytes[index])
        index += 1
        continue
      }
      let end = bytes[(index + bearer.count)...].firstIndex { !self.isBase64($0) } ?? bytes.count
      // `cashuA` alone, as in a message about it, is no token.
      let isBearer = end - index > bearer.count + 8
      out += isBearer ? Array(self.redacted.utf8) : Array(bytes[index..<end])
      found = found || isBearer
      index = end
    }
    return found ? String(decoding: out, as: UTF8.self) : text
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    ASCII.isLetter(byte) || ASCII.isDigit(byte) || [0x2B, 0x2D, 0x2F, 0x5F, 0x3D].contains(byte)
  }
}
