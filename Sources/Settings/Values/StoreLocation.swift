/// Where the ledger is kept.
package enum StoreLocation: Hashable, Sendable {
  /// A file's path; made if it is absent.
  case sqlite(path: String)

  package enum Fault: Error, Hashable {
    case postgreSQL
    case memory
    case noPath
    case doubleSlash
    case unknown

    package var sentence: String {
      switch self {
      case .postgreSQL: "PostgreSQL is not in this release; write `sqlite:PATH`"
      case .memory: "a ledger in memory would forget what was spent; write `sqlite:PATH`"
      case .noPath: "has no path; write `sqlite:PATH`"
      case .doubleSlash: "is no URL; write `sqlite:./turnpike.db` or `sqlite:/var/lib/turnpike/turnpike.db`"
      case .unknown: "expected `sqlite:PATH`"
      }
    }
  }

  /// The message of a fault never repeats the text: a PostgreSQL location holds a password.
  package init(_ text: String) throws(Fault) {
    if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { throw .postgreSQL }
    guard text.hasPrefix("sqlite:") else { throw .unknown }
    let path = String(text.dropFirst("sqlite:".utf8.count))
    if path.isEmpty { throw .noPath }
    if path.hasPrefix(":memory:") || path.hasPrefix("file:") { throw .memory }
    if path.hasPrefix("//") { throw .doubleSlash }
    self = .sqlite(path: path)
  }
}

extension StoreLocation: CustomStringConvertible {
  package var description: String {
    switch self {
    case .sqlite(let path): "sqlite:\(path)"
    }
  }
}
