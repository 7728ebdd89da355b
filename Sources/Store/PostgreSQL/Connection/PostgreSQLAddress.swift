internal import CPostgreSQL
internal import Gate

/// Where the server is and who we are to it: a `postgresql://` URL, as libpq reads it
/// (<https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING>).
///
/// Holds the password; what it prints as does not.
struct PostgreSQLAddress: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private let url: String
  private let password: String?

  /// Refuses what libpq would read otherwise than it was meant: an unescaped `@`, `/` or `:` of a password
  /// would become part of the host or port, and of error texts.
  init(_ url: String) throws(Outage) {
    guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://"), let options = Self.parse(url),
      options["host"]?.contains("@") != true,
      (options["port"] ?? "").utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2C })
    else {
      throw Outage(
        .outage,
        "The store's URL is not postgresql://USER:PASSWORD@HOST:PORT/DATABASE with its parts percent-encoded."
      )
    }
    self.url = url
    self.password = options["password"]
  }

  var description: String { "<redacted>" }
  var debugDescription: String { "<redacted>" }

  /// libpq's own text on one line, without the password.
  func redacted(_ message: String) -> String {
    var text = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    if let password = self.password, !password.isEmpty { text = text.replacing(password, with: "…") }
    return text
  }

  /// Keywords and values for `PQconnectdbParams`; what stands behind `dbname` overrides the URL.
  var parameters: [(keyword: String, value: String)] {
    [
      ("fallback_application_name", "turnpike"),
      // After a fail-over only the new primary will do.
      ("target_session_attrs", "read-write"),
      ("dbname", self.url),
      ("connect_timeout", "\(PostgreSQLSession.connectSeconds)"),
      ("client_encoding", "UTF8"),
      // A peer that is gone without a word is found out in 5 s, sending or waiting (tcp(7)).
      ("tcp_user_timeout", "5000"),
      ("keepalives_idle", "2"),
      ("keepalives_interval", "1"),
      ("keepalives_count", "3"),
    ]
  }

  private static func parse(_ url: String) -> [String: String]? {
    guard let options = unsafe PQconninfoParse(url, nil) else { return nil }
    defer { unsafe PQconninfoFree(options) }
    var values: [String: String] = [:]
    var option = unsafe options
    while let keyword = unsafe option.pointee.keyword {
      if let value = unsafe option.pointee.val {
        values[unsafe String(cString: keyword)] = unsafe String(cString: value)
      }
      unsafe option += 1
    }
    return values
  }
}
