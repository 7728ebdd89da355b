internal import Gate

/// One thread's way to the server: a session, made anew when it was lost.
final class PostgreSQLLink {
  /// For so long after a failed attempt no other is made, and whoever asks fails at once.
  private static let pause: Duration = .milliseconds(250)

  enum Age: Sendable { case fresh, used }

  let address: PostgreSQLAddress
  private var session: PostgreSQLSession?
  private var failure: (error: PostgreSQLError, until: ContinuousClock.Instant)?

  init(to address: PostgreSQLAddress, session: PostgreSQLSession? = nil) {
    self.address = address
    self.session = session
  }

  /// A used session may turn out to be lost (the server was started again); a fresh one is worth one more try
  /// then.
  func open() throws(PostgreSQLError) -> (PostgreSQLSession, Age) {
    if let session = self.session { return (session, .used) }
    if let failure = self.failure, failure.until > .now { throw failure.error }
    do throws(PostgreSQLError) {
      let session = try PostgreSQLSession(to: self.address)
      self.session = session
      self.failure = nil
      return (session, .fresh)
    } catch {
      self.failure = (error, .now + Self.pause)
      throw error
    }
  }

  func drop() { self.session = nil }

  /// Ends a transaction that came to nothing; a session that cannot even do that is dropped.
  func rollBack(_ session: PostgreSQLSession) {
    do throws(PostgreSQLError) {
      try session.fly([PostgreSQLCommand(Self.rollback)])
    } catch {
      self.drop()
    }
  }

  private static let rollback = PostgreSQLStatement("rollback", "ROLLBACK")
}
