internal import Gate
private import Glibc

/// Makes what many requests want to write durable together: one transaction, one flush of the server's log,
/// many answers. Belongs to one thread.
///
/// First all run as one, without savepoints. When one spoils it (a race, a failure after a change), all is
/// rolled back and run again with a savepoint around each; who loses a race even then runs again alone.
final class PostgreSQLWriter {
  /// It holds the book's lock, for which others wait ``PostgreSQLSession/lockTime``: also where each member needs a round
  /// trip of its own, and the server is some milliseconds away.
  static let maxGroup = 128
  /// Savepoints beyond 64 cost every snapshot of the server (`PGPROC_MAX_CACHED_SUBXIDS`).
  static let maxSavepoints = 60
  /// Runs of a body that loses races, after which its caller is told to come again.
  static let maxTries = 5
  /// After so long a transaction takes no further body in: its callers, and other replicas, have waited enough.
  static let maxTime: Duration = .seconds(6)

  private enum Manner { case together, carefully }

  /// What one transaction came to.
  private enum Attempt {
    /// All but these, who lost a race; each job holds its answer.
    case committed(raced: [any PostgreSQLJob])
    /// Nothing was written: by this failure, or by a body's own, which its job holds.
    case spoiled(PostgreSQLError?)
    /// Nothing was written, and the session is gone.
    case lost(PostgreSQLError, PostgreSQLLink.Age)
    case failed(Outage)
  }

  private let link: PostgreSQLLink
  private let keeper: OwnerKeeper
  private let marks: CommitMarks

  init(link: PostgreSQLLink, keeper: OwnerKeeper) {
    self.link = link
    self.keeper = keeper
    self.marks = CommitMarks()
  }

  func serve(_ queue: CrewQueue<any PostgreSQLJob>) {
    while true {
      let group = queue.next(Self.maxGroup)
      if group.isEmpty { return }
      // Whoever waits behind a group that found no server would wait as long, in vain.
      if case .out(let outage) = self.commit(group) {
        for job in queue.all() { job.finish(failing: outage) }
      }
    }
  }

  private enum Reach { case reached, out(Outage) }

  private func commit(_ jobs: [any PostgreSQLJob]) -> Reach {
    switch self.attemptTwice(jobs, .together) {
    case .committed: self.finish(jobs)
    case .failed(let outage): self.finish(jobs, failing: outage)
    case .lost(let error, _):
      self.finish(jobs, failing: error.outage)
      return .out(error.outage)
    case .spoiled(let failure):
      guard jobs.count == 1 else { return self.commitCarefully(jobs) }
      self.runAgain(jobs[0], failure)
    }
    return .reached
  }

  private func commitCarefully(_ jobs: [any PostgreSQLJob]) -> Reach {
    for start in stride(from: 0, to: jobs.count, by: Self.maxSavepoints) {
      let end = min(start + Self.maxSavepoints, jobs.count)
      guard case .out(let outage) = self.commitApart(Array(jobs[start..<end])) else { continue }
      self.finish(Array(jobs[end...]), failing: outage)
      return .out(outage)
    }
    return .reached
  }

  private func commitApart(_ jobs: [any PostgreSQLJob]) -> Reach {
    switch self.attemptTwice(jobs, .carefully) {
    case .committed(let raced):
      let losers = Set(raced.map(ObjectIdentifier.init))
      self.finish(jobs.filter { !losers.contains(ObjectIdentifier($0)) })
      for job in raced { self.runAgain(job, .raced(.serialization)) }
    case .spoiled(let failure): for job in jobs { self.runAgain(job, failure ?? .raced(.serialization)) }
    case .failed(let outage): self.finish(jobs, failing: outage)
    case .lost(let error, _):
      self.finish(jobs, failing: error.outage)
      return .out(error.outage)
    }
    return .reached
  }

  /// Alone, as long as others are to blame. Who has waited for a lock in vain does not wait once more.
  private func runAgain(_ job: any PostgreSQLJob, _ failure: PostgreSQLError?) {
    var failure = failure
    for tries in 2...Self.maxTries {
      guard case .raced(let race)? = failure, race != .lockTimeout else { break }
      // So that two who met do not meet again at once.
      usleep(UInt32.random(in: 0...4_000) * UInt32(tries))
      switch self.attemptTwice([job], .together) {
      case .committed: return job.finish()
      case .failed(let outage): return job.finish(failing: outage)
      case .lost(let error, _): return job.finish(failing: error.outage)
      case .spoiled(let again): failure = again
      }
    }
    if let failure { job.finish(failing: failure.outage) } else { job.finish() }
  }

  private func finish(_ jobs: [any PostgreSQLJob], failing outage: Outage? = nil) {
    for job in jobs {
      if let outage { job.fail(outage) }
      job.finish()
    }
  }

  /// Once more where a session that had been used before turned out to be lost.
  private func attemptTwice(_ jobs: [any PostgreSQLJob], _ manner: Manner) -> Attempt {
    let first = self.attempt(jobs, manner)
    guard case .lost(_, .used) = first else { return first }
    return self.attempt(jobs, manner)
  }

  private func attempt(_ jobs: [any PostgreSQLJob], _ manner: Manner) -> Attempt {
    let (session, age): (PostgreSQLSession, PostgreSQLLink.Age)
    do throws(PostgreSQLError) {
      (session, age) = try self.link.open()
    } catch {
      return .lost(error, .fresh)
    }
    let rows = PostgreSQLTransaction(.write, on: session, watch: self.keeper.watch, opening: Self.begin)
    rows.prepare(jobs.map(\.expected))
    if let failure = rows.failure { return self.abandon(failure, session, age) }
    var raced: [any PostgreSQLJob] = []
    let deadline = ContinuousClock.now + Self.maxTime
    for job in jobs {
      guard ContinuousClock.now < deadline else {
        self.link.rollBack(session)
        return .failed(Outage(.outage, "The store is too slow.", retryAfterSeconds: 5))
      }
      let end = self.run(job, on: rows, manner, &raced)
      if let failure = rows.failure { return self.abandon(failure, session, age) }
      if end == .spoiling {
        self.link.rollBack(session)
        return .spoiled(nil)
      }
    }
    guard rows.contact == .made || rows.hasChanged == .sent else { return .committed(raced: raced) }
    let mark = rows.hasChanged == .sent ? self.marks.add(to: rows) : nil
    _ = try? rows.flush()
    if let failure = rows.failure { return self.abandon(failure, session, age) }
    guard self.keeper.proveAlive(jobs.map(\.owner)) == .alive else {
      self.link.rollBack(session)
      return .failed(Outage(.outage, "The store cannot tell others that this process lives."))
    }
    return self.end(session, age, mark: mark, raced: raced)
  }

  private enum MemberEnd { case clean, spoiling }

  /// Leaves a failure in `rows` where the whole transaction is spoiled by it.
  private func run(
    _ job: any PostgreSQLJob, on rows: PostgreSQLTransaction, _ manner: Manner,
    _ raced: inout [any PostgreSQLJob]
  ) -> MemberEnd {
    switch manner {
    case .together:
      rows.beginMember()
      guard job.run(rows) == .failed, rows.failure == nil else { return .clean }
      if rows.changes == .sent { return .spoiling }
      rows.dropWaiting()
    case .carefully:
      rows.beginMember(after: Self.savepoint)
      let end = job.run(rows)
      if end == .done { _ = try? rows.flush() } else { rows.dropWaiting() }
      switch rows.failure {
      case .lost?: return .clean
      case .raced(let race)? where race != .lockTimeout: raced.append(job)
      case .raced?, .refused?, .damaged?, .missed?: rows.failure.map { job.fail($0.outage) }
      case nil: break
      }
      if rows.failure != nil || end == .failed && rows.changes == .sent {
        rows.recover(by: Self.rollbackToSavepoint)
      }
      rows.control(Self.release)
    }
    return .clean
  }

  private func abandon(
    _ failure: PostgreSQLError, _ session: PostgreSQLSession, _ age: PostgreSQLLink.Age
  ) -> Attempt {
    switch failure {
    case .lost:
      self.link.drop()
      return .lost(failure, age)
    case .raced, .missed, .refused, .damaged:
      self.link.rollBack(session)
      return .spoiled(failure)
    }
  }

  private func end(
    _ session: PostgreSQLSession, _ age: PostgreSQLLink.Age, mark: [UInt8]?, raced: [any PostgreSQLJob]
  ) -> Attempt {
    do throws(PostgreSQLError) {
      let results = try session.fly([PostgreSQLCommand(Self.commit)])
      // A transaction that failed unseen is rolled back, and that is what the server says then.
      guard results.first?.tag == "COMMIT" else { return .spoiled(.raced(.serialization)) }
      self.marks.committed(mark)
      return .committed(raced: raced)
    } catch {
      self.link.drop()
      guard let mark else { return .lost(error, age) }
      switch self.marks.fate(of: mark, on: self.link) {
      case .committed: return .committed(raced: raced)
      case .undone: return .lost(error, age)
      case .unknown:
        return .failed(
          Outage(.outage, "The store went away while it wrote; what it has written will be seen."))
      }
    }
  }

  private static let begin = PostgreSQLStatement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
  private static let commit = PostgreSQLStatement("commit", "COMMIT")
  private static let savepoint = PostgreSQLStatement("savepoint", "SAVEPOINT member")
  private static let release = PostgreSQLStatement("release", "RELEASE SAVEPOINT member")
  private static let rollbackToSavepoint = PostgreSQLStatement(
    "rollback_to", "ROLLBACK TO SAVEPOINT member")
}
