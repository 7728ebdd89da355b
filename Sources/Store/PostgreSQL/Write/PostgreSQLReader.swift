internal import Gate

/// Answers one reading body at a time, each on one snapshot of its own. Belongs to one thread.
final class PostgreSQLReader {
  private let link: PostgreSQLLink
  private let watch: OwnerWatch

  init(link: PostgreSQLLink, watch: OwnerWatch) {
    self.link = link
    self.watch = watch
  }

  func serve(_ queue: CrewQueue<any PostgreSQLJob>) {
    while let job = queue.next(1).first {
      guard case .again = self.answer(job, mayComeAgain: true) else { continue }
      _ = self.answer(job, mayComeAgain: false)
    }
  }

  private enum Answer { case given, again }

  private func answer(_ job: any PostgreSQLJob, mayComeAgain: Bool) -> Answer {
    let (session, age): (PostgreSQLSession, PostgreSQLLink.Age)
    do throws(PostgreSQLError) {
      (session, age) = try self.link.open()
    } catch {
      job.finish(failing: error.outage)
      return .given
    }
    let rows = PostgreSQLTransaction(.read, on: session, watch: self.watch, opening: Self.begin)
    _ = job.run(rows)
    if case .lost? = rows.failure {
      self.link.drop()
      if mayComeAgain, age == .used { return .again }
    }
    // The caller does not wait for the end of a snapshot.
    if let failure = rows.failure { job.finish(failing: failure.outage) } else { job.finish() }
    if case .lost? = rows.failure { return .given }
    if rows.contact == .made { self.link.rollBack(session) }
    return .given
  }

  private static let begin = PostgreSQLStatement(
    "begin_read", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}
