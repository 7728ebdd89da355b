internal import Gate

/// Brings a file's schema up to date.
enum SQLiteSchema {
  /// One transaction for all steps, so that processes that start together make each once. Returns what went
  /// wrong.
  static func migrate(
    _ connection: SQLiteConnection, through steps: [[String]] = SQLiteMigrations.steps
  ) -> Outage? {
    do throws(Outage) {
      // Steps rebuild tables that others refer to; the pragma does nothing inside a transaction.
      try connection.run("PRAGMA foreign_keys = OFF")
      defer { _ = try? connection.run("PRAGMA foreign_keys = ON") }
      try connection.run("BEGIN IMMEDIATE")
      do throws(Outage) {
        try Self.make(steps, connection)
        try connection.run("COMMIT")
        return nil
      } catch {
        _ = try? connection.run("ROLLBACK")
        throw error
      }
    } catch {
      return error
    }
  }

  private static func make(_ steps: [[String]], _ connection: SQLiteConnection) throws(Outage) {
    let version = try connection.row("PRAGMA user_version")?.integer(0) ?? 0
    let application = try connection.row("PRAGMA application_id")?.integer(0) ?? 0
    let isForeign = application != SQLiteMigrations.applicationID && application != 0
    guard !isForeign, version >= 0, version == 0 || application != 0 else {
      throw Outage(.outage, "The store's file was made by another program.")
    }
    guard version <= steps.count else {
      throw Outage(
        .outage, "The store's file was made by a newer version (schema \(version), known \(steps.count)).")
    }
    guard version < steps.count else { return }
    for statements in steps[Int(version)...] {
      for statement in statements { try connection.run(statement) }
    }
    guard try connection.rows("PRAGMA foreign_key_check").isEmpty else {
      throw Outage(.outage, "The store's file has rows that refer to rows that are gone.")
    }
    try connection.run("PRAGMA application_id = \(SQLiteMigrations.applicationID)")
    try connection.run("PRAGMA user_version = \(steps.count)")
  }
}
