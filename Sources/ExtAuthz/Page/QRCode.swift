private import CQREncode

/// A QR code (ISO/IEC 18004), at the lowest level of error correction: screens do not tear.
package struct QRCode: Sendable {
  /// Modules in a row, without the quiet zone.
  package let width: Int
  /// Row by row; 1 is dark.
  package let modules: [UInt8]

  /// The quiet zone that readers need on each side (ISO/IEC 18004 §6.3.8).
  private static let margin = 4

  /// Nil for a text that has no place in the largest code (2953 bytes), is empty, or holds a NUL.
  package init?(_ text: String) {
    guard !text.isEmpty, !text.utf8.contains(0) else { return nil }
    guard let code = unsafe QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1) else { return nil }
    defer { unsafe QRcode_free(code) }
    let width = unsafe Int(code.pointee.width)
    guard let data = unsafe code.pointee.data else { return nil }
    self.width = width
    // Bit 0 of each byte is the module; the others are the encoder's notes.
    self.modules = (0..<width * width).map { unsafe data[$0] & 1 }
  }

  /// An inline SVG image, one stroke for each run of dark modules.
  package func svg(label: String) -> String {
    let side = self.width + 2 * Self.margin
    return """
      <svg role="img" aria-label="\(HTML.escape(label))" viewBox="0 0 \(side) \(side)" shape-rendering="crispEdges">\
      <path fill="#fff" d="M0 0h\(side)v\(side)H0z"/><path stroke="#000" d="\(self.path)"/></svg>
      """
  }

  private var path: String {
    var out = ""
    for row in 0..<self.width {
      var column = 0
      var pen: Int?
      while column < self.width {
        guard self.modules[row * self.width + column] == 1 else {
          column += 1
          continue
        }
        let start = column
        while column < self.width, self.modules[row * self.width + column] == 1 { column += 1 }
        if let pen {
          out += "m\(start - pen) 0"
        } else {
          out += "M\(start + Self.margin) \(row + Self.margin).5"
        }
        out += "h\(column - start)"
        pen = column
      }
    }
    return out
  }
}
