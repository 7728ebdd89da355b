/// A list of texts as one text: each as its length in bytes, a colon, and itself
/// (<https://cr.yp.to/proto/netstrings.txt>, without the comma). Whatever is encoded comes back exactly.
package enum Netstrings {
  package static func encode(_ texts: [String]) -> String {
    texts.map { "\($0.utf8.count):\($0)" }.joined()
  }

  /// Nil for what `encode` cannot have made.
  package static func decode(_ text: String) -> [String]? {
    var texts: [String] = []
    var rest = text.utf8[...]
    while !rest.isEmpty {
      guard let colon = rest.firstIndex(of: UInt8(ascii: ":")), let digits = String(rest[..<colon]),
        let count = Int(digits), count >= 0, String(count) == digits
      else { return nil }
      rest = rest[rest.index(after: colon)...]
      guard rest.count >= count, let text = String(rest.prefix(count)) else { return nil }
      texts.append(text)
      rest = rest.dropFirst(count)
    }
    return texts
  }
}
