internal import Octets

/// A request's path in its one spelling: what every app behind every proxy would make of it.
///
/// 1. The query is left out; an absolute-form target gives its path and authority (RFC 9112 §3.2.2).
/// 2. Escapes are decoded once; `%20 %23 %25 %3F` stay escaped, since unescaped they would make another target of it.
/// 3. `%00 %2f %5c`, raw `\`, controls, `#`, bad escapes and bytes that no UTF-8 text has are refused: apps differ on them.
/// 4. `//` is merged, but at the head refused: `//free/paid` is a host and a path to some apps.
/// 5. `.` and `..` segments are refused, plain or encoded: most proxies hand the app the path as it was typed, and not every
///    app resolves it (RFC 3986 §5.2.4). Clients resolve them before they send. `;` behind dots or at the head of a segment
///    is refused for the same reason: apps that cut parameters off would be left with another path.
///
/// A path that has two readings would be judged by one and served by the other: that is the bypass this file prevents.
public struct CanonicalPath: Hashable, Sendable {
  /// Begins with `/`; a trailing slash stays.
  public let bytes: ArraySlice<UInt8>
  /// The authority of an absolute-form target.
  public let authority: ArraySlice<UInt8>?

  /// More has no use in a URL path, and bounds the work per request.
  public static let maxSegments = 128

  /// Nil when the target has no single reading.
  public init?(target: ArraySlice<UInt8>) {
    var path = target.prefix { $0 != ASCII.question }
    var authority: ArraySlice<UInt8>?
    if path.first != ASCII.slash {
      guard let (host, rest) = Self.absoluteForm(path) else { return nil }
      authority = host
      path = rest
    }
    self.authority = authority
    guard path.first != ASCII.slash || path.dropFirst().first != ASCII.slash else { return nil }
    if path.isEmpty {
      self.bytes = [ASCII.slash]
      return
    }
    if Self.isCanonical(path) {
      self.bytes = path
      return
    }
    guard let decoded = Self.decode(path), let merged = Self.merge(decoded) else { return nil }
    self.bytes = merged[...]
  }

  public var text: String { String(decoding: self.bytes, as: UTF8.self) }

  public static func == (a: CanonicalPath, b: CanonicalPath) -> Bool { a.bytes == b.bytes }
  public func hash(into hasher: inout Hasher) { hasher.combine(self.bytes) }

  /// The common case, decided without allocating: nothing to decode, merge or resolve.
  private static func isCanonical(_ path: ArraySlice<UInt8>) -> Bool {
    var last: UInt8 = 0
    var segments = 0
    for byte in path {
      if byte == ASCII.slash { segments += 1 }
      if last == ASCII.slash && (byte == ASCII.slash || byte == ASCII.dot || byte == ASCII.semicolon) {
        return false
      }
      guard byte > ASCII.space, byte < 0x7F, byte != ASCII.percent, byte != ASCII.backslash, byte != 0x23
      else { return false }
      last = byte
    }
    return segments <= self.maxSegments
  }

  private static func absoluteForm(_ target: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
    let scheme =
      target.startsIgnoringCase(with: "http://") ? 7 : target.startsIgnoringCase(with: "https://") ? 8 : 0
    guard scheme > 0 else { return nil }
    let rest = target.dropFirst(scheme)
    let authority = rest.prefix { $0 != ASCII.slash }
    guard !authority.isEmpty else { return nil }
    return (authority, rest.dropFirst(authority.count))
  }

  private static func decode(_ path: ArraySlice<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(path.count)
    var rest = path.makeIterator()
    while let byte = rest.next() {
      var plain = byte
      if byte == ASCII.percent {
        guard let high = rest.next().flatMap(Hex.nibble), let low = rest.next().flatMap(Hex.nibble) else {
          return nil
        }
        plain = high << 4 | low
        guard plain != ASCII.slash, plain != ASCII.backslash else { return nil }
        if let escape = Self.kept[plain] {
          out += escape
          continue
        }
      } else if byte == ASCII.backslash || byte == 0x23 || byte == ASCII.space {
        return nil
      }
      // C0, C1 and F5…FF occur in no UTF-8 text (RFC 3629 §1); C0 AE is the overlong dot of old attacks.
      guard !ASCII.isControl(plain), plain != 0xC0, plain != 0xC1, plain < 0xF5 else { return nil }
      out.append(plain)
    }
    return out
  }

  private static let kept: [UInt8: [UInt8]] = [
    ASCII.space: Array("%20".utf8), 0x23: Array("%23".utf8), ASCII.percent: Array("%25".utf8),
    ASCII.question: Array("%3F".utf8),
  ]

  private static func merge(_ path: [UInt8]) -> [UInt8]? {
    var kept: [ArraySlice<UInt8>] = []
    for segment in path.split(separator: ASCII.slash) {
      let name = segment.prefix { $0 != ASCII.semicolon }
      guard !name.isEmpty, !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else { return nil }
      kept.append(segment)
    }
    guard kept.count <= self.maxSegments else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(path.count)
    for segment in kept {
      out.append(ASCII.slash)
      out += segment
    }
    if path.last == ASCII.slash { out.append(ASCII.slash) }
    return out
  }
}
