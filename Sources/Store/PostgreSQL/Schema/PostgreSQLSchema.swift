internal import Gate

/// Brings a database's schema up to date: steps that are only ever added, counted in `turnpike_schema`.
enum PostgreSQLSchema {
  /// "Turn" in ASCII.
  private static let lockKey: Int64 = 0x5475_726E
  /// Another replica may be making the steps; they may take long on large tables.
  private static let patience: Duration = .seconds(120)

  /// One transaction under one lock, so that replicas that start together make each step once.
  static func migrate(_ session: PostgreSQLSession) throws(PostgreSQLError) {
    try self.run(
      session,
      [
        .unnamed("BEGIN"),
        .unnamed("SET LOCAL lock_timeout = '\(self.patience.inMilliseconds)ms'"),
        .unnamed("SET LOCAL statement_timeout = '\(self.patience.inMilliseconds)ms'"),
        .unnamed("SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), \(self.lockKey)))"),
        .unnamed(
          """
          CREATE TABLE IF NOT EXISTS turnpike_schema (
            version BIGINT NOT NULL PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())
          """),
      ])
    let version = try self.version(session)
    let steps = PostgreSQLMigrations.steps
    guard version <= steps.count else {
      throw .refused(
        sqlState: "55000",
        "the database was made by a newer version of Turnpike (schema \(version), known \(steps.count)).")
    }
    for (index, statements) in steps.enumerated().dropFirst(version) {
      try self.run(session, statements.map(PostgreSQLStatement.unnamed))
      try self.run(session, [.unnamed("INSERT INTO turnpike_schema (version) VALUES (\(index + 1))")])
    }
    // Marks of processes that ended in the middle; nobody asks for one after a minute.
    if version > 0 {
      try self.run(session, [.unnamed("DELETE FROM commits WHERE made < now() - interval '1 day'")])
    }
    try self.run(session, [.unnamed("COMMIT")])
  }

  private static func version(_ session: PostgreSQLSession) throws(PostgreSQLError) -> Int {
    let answer = try self.run(
      session, [.unnamed("SELECT COALESCE(MAX(version), 0) FROM turnpike_schema")])
    do throws(Outage) {
      return Int(try PostgreSQLRow.present(answer.first?.first?.integer(0)))
    } catch {
      throw .damaged
    }
  }

  @discardableResult
  private static func run(_ session: PostgreSQLSession, _ statements: [PostgreSQLStatement])
    throws(PostgreSQLError) -> [PostgreSQLResult]
  {
    try session.fly(statements.map { PostgreSQLCommand($0) }, within: self.patience + .seconds(2))
  }
}
