internal import Gate

/// Why a flight of statements came to nothing.
enum PostgreSQLError: Error, Hashable, Sendable {
  /// The connection is gone, or nothing came in time: the session cannot be used any more.
  case lost(String)
  /// Somebody else was faster, or two waited for each other: the same again may succeed.
  case raced(Race)
  /// A compare-and-set met another value; what it was read under is locked, so again it would.
  case missed(PaymentID?)
  /// The server refuses: SQLSTATE and its own text, which never holds an argument's value.
  case refused(sqlState: String, String)
  /// A value of another type than the schema's.
  case damaged

  enum Race: String, Hashable, Sendable {
    case serialization = "40001"
    case deadlock = "40P01"
    case lockTimeout = "55P03"
    case uniqueViolation = "23505"
    /// The row that a new one refers to has just gone.
    case foreignKeyViolation = "23503"
  }

  /// By SQLSTATE (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).
  init(sqlState: String, message: String) {
    if let race = Race(rawValue: sqlState) {
      self = .raced(race)
    } else if sqlState.hasPrefix("08") || Self.endings.contains(sqlState) {
      self = .lost(message)
    } else {
      self = .refused(sqlState: sqlState, message)
    }
  }

  /// admin_shutdown, crash_shutdown, cannot_connect_now, idle_in_transaction_session_timeout,
  /// database_dropped; after each the server has ended the session. A server that became a standby
  /// (read_only_sql_transaction) is left too, for another may be the primary now.
  private static let endings: Set<String> = ["57P01", "57P02", "57P03", "57P04", "25P03", "25006"]

  /// What the caller of the ledger is told.
  var outage: Outage {
    switch self {
    case .lost(let reason): Outage(.outage, "The store is out of reach: \(reason)")
    case .raced(let race):
      Outage(.inFlight, "Others change the same rows (\(race.rawValue)).", retryAfterSeconds: 1)
    case .missed(let payment): Outage.conflict(payment)
    case .refused(let state, let message): Outage(.outage, "The store failed: SQLSTATE \(state), \(message)")
    case .damaged: Outage(.outage, "The store holds a value that it cannot have written.")
    }
  }
}
