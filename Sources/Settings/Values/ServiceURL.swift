internal import Gate
internal import Octets

/// The URL of a service that is called: a mint, a facilitator, a chain. Scheme and host in lower case, no default port, no
/// slashes at the end (RFC 3986 §6.2.2 and §6.2.3), so that two spellings compare equal.
package struct ServiceURL: Hashable, Sendable, CustomStringConvertible {
  package let text: String
  /// Whoever is on the way can read and change what is sent: `http`, and not to this host.
  package let isExposed: Bool

  package var description: String { self.text }

  package enum Fault: Error, Hashable {
    case notHTTP
    case credentials
    case query
    case badHost
    case badPath

    /// Never repeats the URL: it may hold a password.
    var sentence: String {
      switch self {
      case .notHTTP: "expected a URL that begins with `https://` (or `http://`)"
      case .credentials: "may hold no user or password"
      case .query: "may have no `?` or `#`"
      case .badHost: "has no good host or port"
      case .badPath: "has a path with spaces, escapes, `.` or `..`"
      }
    }
  }

  /// Longer than any address that a person would configure.
  private static let maxBytes = 512

  package init(_ text: String) throws(Fault) {
    let lower = text.lowercased()
    let schemes = [("https://", ":443"), ("http://", ":80")]
    guard let (scheme, defaultPort) = schemes.first(where: { lower.hasPrefix($0.0) }) else { throw .notHTTP }
    let rest = text.dropFirst(scheme.utf8.count)
    guard !rest.contains("?"), !rest.contains("#") else { throw .query }
    var authority = rest.prefix { $0 != "/" }.lowercased()
    guard !authority.contains("@") else { throw .credentials }
    guard let host = CanonicalHost(authority.utf8), !authority.contains(".:"),
      Self.hasGoodPort(authority)
    else { throw .badHost }
    if authority.hasSuffix(defaultPort) { authority.removeLast(defaultPort.utf8.count) }
    guard !authority.hasSuffix(".") else { throw .badHost }
    let segments = rest.dropFirst(rest.prefix { $0 != "/" }.count).split(separator: "/")
    guard text.utf8.count <= Self.maxBytes, segments.allSatisfy({ $0 != "." && $0 != ".." }),
      segments.joined().utf8.allSatisfy(Self.isPlain)
    else { throw .badPath }
    self.text = scheme + authority + segments.map { "/\($0)" }.joined()
    self.isExposed = scheme == "http://" && !Self.isLoopback(host.text)
  }

  /// Every other character is a way to write one address twice.
  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x21...0x7E).contains(byte) && !"%\\\"<>^`{|}".utf8.contains(byte)
  }

  private static func hasGoodPort(_ authority: String) -> Bool {
    let afterHost = authority.split(separator: "]", omittingEmptySubsequences: false).last ?? ""
    let parts = afterHost.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return parts.count < 2 }
    return UInt16(parts[1]).map { $0 > 0 } ?? false
  }

  private static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" { return true }
    let bare = host.utf8.filter { $0 != 0x5B && $0 != 0x5D }
    return IPText.octets(bare).map(BindAddress.isLoopback) ?? false
  }
}
