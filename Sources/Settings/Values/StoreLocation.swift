/// Where the ledger is kept.
package enum StoreLocation: Equatable, Sendable {
  /// A file's path; made if it is absent.
  case sqlite(path: String)
  case postgreSQL(PostgreSQLLocation)

  package enum Fault: Error, Hashable {
    case memory
    case noPath
    case doubleSlash
    case unknown
    case postgreSQL(PostgreSQLLocation.Fault)

    package var sentence: String {
      switch self {
      case .memory: "a ledger in memory would forget what was spent; write `sqlite:PATH`"
      case .noPath: "has no path; write `sqlite:PATH`"
      case .doubleSlash: "is no URL; write `sqlite:./turnpike.db` or `sqlite:/var/lib/turnpike/turnpike.db`"
      case .unknown: "expected `sqlite:PATH` or `postgresql://USER@HOST/DATABASE`"
      case .postgreSQL(let fault): fault.sentence
      }
    }
  }

  /// The message of a fault never repeats the text: a PostgreSQL location holds a password.
  package init(_ text: String) throws(Fault) {
    if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
      do throws(PostgreSQLLocation.Fault) {
        self = .postgreSQL(try PostgreSQLLocation(text))
        return
      } catch {
        throw .postgreSQL(error)
      }
    }
    guard text.hasPrefix("sqlite:") else { throw .unknown }
    let path = String(text.dropFirst("sqlite:".utf8.count))
    if path.isEmpty { throw .noPath }
    if path.hasPrefix(":memory:") || path.hasPrefix("file:") { throw .memory }
    if path.hasPrefix("//") { throw .doubleSlash }
    self = .sqlite(path: path)
  }
}

extension StoreLocation {
  /// With the password of `TURNPIKE_STORE_PASSWORD`, if that is set.
  package func with(environment: [String: String]) -> StoreLocation {
    guard case .postgreSQL(var location) = self else { return self }
    if let password = environment[Variable.storePassword.rawValue], !password.isEmpty {
      location.password = Secret(password, from: .variable(Variable.storePassword.rawValue))
    }
    return .postgreSQL(location)
  }
}

extension StoreLocation: CustomStringConvertible {
  package var description: String {
    switch self {
    case .sqlite(let path): "sqlite:\(path)"
    case .postgreSQL(let location): location.description
    }
  }
}
