/// The secret of a proof: who knows it and its signature owns the money. Never shown.
package struct Secret: Sendable, Hashable, CustomStringConvertible {
  /// The exact bytes that the wallet chose; they are hashed and sent on as they are, never serialised anew.
  package let utf8: [UInt8]

  package init(_ text: String) { self.utf8 = Array(text.utf8) }

  package var text: String { String(decoding: self.utf8, as: UTF8.self) }

  package var description: String { "<redacted>" }

  /// Whether this may be a spending condition: a JSON array that begins with a string (NUT-10, "Well-known
  /// Secret").
  ///
  /// Deliberately wider than the grammar. A secret that a mint would read as a lock, and we would not, takes
  /// our money.
  package var mayBeLocked: Bool {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    let rest = self.utf8.drop(while: isSpace)
    return rest.first == UInt8(ascii: "[")
      && rest.dropFirst().drop(while: isSpace).first == UInt8(ascii: "\"")
  }
}
