/// The secret of a proof: who knows it and its signature owns the money. Never shown.
package struct Secret: Sendable, Hashable, CustomStringConvertible {
  /// The exact bytes that the wallet chose; they are hashed and sent on as they are, never serialised anew.
  package let utf8: [UInt8]

  package init(_ text: String) { self.utf8 = Array(text.utf8) }

  package var text: String { String(decoding: self.utf8, as: UTF8.self) }

  package var description: String { "<redacted>" }

  /// Whether this may be a spending condition (NUT-10, "Well-known Secret"): whether its first character, after any
  /// that some parser may skip, begins a JSON array or object.
  ///
  /// Deliberately wider than the grammar. A secret that a mint would read as a lock, and we would not, takes
  /// our money. Wallets make 64 hexadecimal digits, older ones base64.
  package var mayBeLocked: Bool {
    let first = self.utf8.first { $0 > 0x20 && $0 < 0x7F }
    return first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
  }
}
