internal import Gate

/// The address of a mint in one fixed form, so that two spellings of one address compare equal byte for byte.
///
/// A token's address is only ever compared with the configured ones; what is dialled is always the configured
/// one.
package struct MintURL: Sendable, Hashable, CustomStringConvertible {
  /// `scheme://host[:port][/path]`, without a slash at the end.
  package let text: String
  package let isLoopback: Bool

  package var description: String { self.text }

  /// RFC 3986 §6.2.2 and §6.2.3, as far as an address of a mint needs it: scheme and host in lower case, no
  /// default port, no slashes at the end. Nil for another scheme, and for user names, queries, fragments, dot
  /// segments, escapes and any character outside printable ASCII: no mint needs them, and each is a way to
  /// write one address twice.
  package init?(_ text: String) {
    guard text.utf8.count <= Self.maxBytes, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      return nil
    }
    guard !text.utf8.contains(where: { Self.refused.contains($0) }) else { return nil }
    let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let defaultPort = Self.defaultPort(parts[0].lowercased()) else { return nil }
    let scheme = parts[0].lowercased()
    let authority = parts[1].prefix { $0 != "/" }
    guard let (host, port) = Self.hostAndPort(authority.lowercased()) else { return nil }
    let segments = parts[1].dropFirst(authority.count).split(separator: "/", omittingEmptySubsequences: true)
    guard !segments.contains(where: { $0 == "." || $0 == ".." }) else { return nil }
    let path = segments.map { "/\($0)" }.joined()
    self.text = scheme + "://" + host + (port.map { $0 == defaultPort ? "" : ":\($0)" } ?? "") + path
    self.isLoopback = host == "localhost" || host == "[::1]" || IPText.octets(host.utf8)?.first == 127
  }

  /// Longer than any address that a person would configure.
  private static let maxBytes = 512
  private static let refused = Set("@?#%\\\"<>^`{|}".utf8)

  private static func defaultPort(_ scheme: String) -> UInt16? {
    switch scheme {
    case "http": 80
    case "https": 443
    default: nil
    }
  }

  private static func hostAndPort(_ authority: String) -> (host: String, port: UInt16?)? {
    let hostEnd =
      authority.hasPrefix("[")
      ? authority.firstIndex(of: "]").map { authority.index(after: $0) }
      : authority.firstIndex(of: ":") ?? authority.endIndex
    guard let hostEnd else { return nil }
    let host = authority[..<hostEnd]
    guard !host.isEmpty, !host.hasSuffix(".") else { return nil }
    let rest = authority[hostEnd...]
    guard !rest.isEmpty else { return (String(host), nil) }
    let digits = rest.dropFirst()
    guard rest.hasPrefix(":"), digits.allSatisfy(\.isNumber), let port = UInt16(digits), port > 0 else {
      return nil
    }
    return (String(host), port)
  }
}
