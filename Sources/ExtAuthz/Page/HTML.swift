/// Text for HTML.
package enum HTML {
  /// Safe as text and between double quotes; control characters, which HTML has no form for, are left out.
  package static func escape(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      case "\n", "\t": out.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value): break
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
