internal import Octets

/// A PostgreSQL database as libpq's connection URIs name it (PostgreSQL manual §34.1.1.2), the password kept apart.
package struct PostgreSQLLocation: Sendable, Equatable {
  /// Without a password.
  package let url: String
  /// Nil where libpq finds it itself (`PGPASSWORD`, `~/.pgpass`) or none is asked for.
  package var password: Secret?
  private let scheme: String
  private let user: String
  private let rest: String

  package enum Fault: Error, Hashable {
    case noUser
    case badCharacter
    case passwordParameter
    case redacted

    /// Never repeats the URL: it may hold a password.
    package var sentence: String {
      switch self {
      case .noUser: "has a password and no user; write `postgresql://USER:PASSWORD@HOST/DATABASE`"
      case .badCharacter: "holds a space or a character beyond ASCII; write it as `%20`"
      case .passwordParameter:
        "may hold no `password` parameter; write it before `@`, or set TURNPIKE_STORE_PASSWORD"
      case .redacted:
        "holds what `turnpike check` prints in place of a password; write the password, or set TURNPIKE_STORE_PASSWORD"
      }
    }
  }

  private static let redacted = "redacted"
  private static let schemes = ["postgresql://", "postgres://"]

  package init(_ text: String) throws(Fault) {
    guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw .badCharacter }
    guard let scheme = Self.schemes.first(where: text.hasPrefix) else { throw .badCharacter }
    let body = text.dropFirst(scheme.utf8.count)
    let authority = body.prefix { $0 != "/" && $0 != "?" }
    // The last `@`: a password may hold one that nobody escaped.
    let at = authority.lastIndex(of: "@")
    let credentials = at.map { authority[..<$0] } ?? ""
    let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    self.scheme = "postgresql://"
    self.user = parts.first.map { String($0) } ?? ""
    self.rest = String(at.map { body[body.index(after: $0)...] } ?? body)
    let parameters = self.rest.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    guard !parameters.split(separator: "&").contains(where: { $0.lowercased().hasPrefix("password=") }) else {
      throw .passwordParameter
    }
    self.url = self.scheme + (self.user.isEmpty ? "" : self.user + "@") + self.rest
    guard parts.count == 2, !parts[1].isEmpty else { return }
    guard !self.user.isEmpty else { throw .noUser }
    guard parts[1] != Self.redacted else { throw .redacted }
    self.password = Secret(Self.unescaped(parts[1]))
  }

  /// The URI as libpq takes it, with the password. For the one who connects.
  package func reveal() -> String {
    guard let password = self.password else { return self.url }
    return self.scheme + self.user + ":" + Self.escaped(password.reveal()) + "@" + self.rest
  }

  /// RFC 3986 §2.1.
  private static func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == 0x25, let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)),
        decoded.count == 1
      {
        bytes.append(decoded[0])
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func escaped(_ text: String) -> String {
    var out = ""
    for byte in text.utf8 {
      if ASCII.isDigit(byte) || ASCII.isLetter(byte) {
        out.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        out += "%" + Hex.encode(CollectionOfOne(byte))
      }
    }
    return out
  }
}

extension PostgreSQLLocation: CustomStringConvertible {
  /// As the file writes it, without the password.
  package var description: String {
    guard self.password?.source == .written else { return self.url }
    return self.scheme + self.user + ":" + Self.redacted + "@" + self.rest
  }
}
