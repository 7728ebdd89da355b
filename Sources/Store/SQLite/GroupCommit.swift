internal import GRDB
internal import Gate
private import Synchronization

/// Collects what many requests want to write and makes it durable together: one transaction, one fsync, many
/// answers.
///
/// While a commit waits for the disk the next group gathers.
final class GroupCommit: Sendable {
  /// Beyond it a request gets an ``Outage`` at once; at a commit per millisecond this is a wait of 0.1 s.
  static let maxWaiting = 8_192
  /// So that one transaction, and what is lost when it fails, stays small.
  static let maxGroup = 256

  private struct Queue {
    var waiting: [any WriteJob] = []
    var drain = Drain.idle

    enum Drain { case idle, running }
    enum Admission { case refused, queued, startDraining }

    mutating func add(_ job: any WriteJob) -> Admission {
      guard self.waiting.count < GroupCommit.maxWaiting else { return .refused }
      self.waiting.append(job)
      guard self.drain == .idle else { return .queued }
      self.drain = .running
      return .startDraining
    }

    /// Nil when nothing waits; the next one to come starts a drain then.
    mutating func next() -> [any WriteJob]? {
      guard !self.waiting.isEmpty else {
        self.drain = .idle
        return nil
      }
      let group = Array(self.waiting.prefix(GroupCommit.maxGroup))
      self.waiting.removeFirst(group.count)
      return group
    }

    mutating func all() -> [any WriteJob] {
      defer { self.waiting = [] }
      return self.waiting
    }
  }

  private let pool: DatabasePool
  private let owners: OwnerLock
  private let queue = Mutex(Queue())

  init(pool: DatabasePool, owners: OwnerLock) {
    self.pool = pool
    self.owners = owners
  }

  func run<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R {
    let result: Result<R, Outage> = await withCheckedContinuation { continuation in
      let job = Job(body: body, continuation: continuation)
      switch self.queue.withLock({ $0.add(job) }) {
      case .refused:
        job.finish(failure: Outage(.outage, "Too much waits for the store.", retryAfterSeconds: 1))
      case .queued: break
      case .startDraining: self.pool.asyncWriteWithoutTransaction { self.drain($0) }
      }
    }
    return try result.get()
  }

  /// Runs on GRDB's writer queue, the only place where the write connection is used.
  private func drain(_ database: Database) {
    let connection = SQLiteConnection(database: database)
    while let group = self.queue.withLock({ $0.next() }) {
      do throws(Outage) {
        if database.isInsideTransaction { try connection.run("ROLLBACK") }
        try connection.run("BEGIN IMMEDIATE")
      } catch {
        // Whoever waits behind this group would wait as long, in vain.
        for job in group + self.queue.withLock({ $0.all() }) { job.finish(failure: error) }
        continue
      }
      let failure = self.commit(group, on: connection)
      if database.isInsideTransaction { _ = try? connection.run("ROLLBACK") }
      for job in group { job.finish(failure: failure) }
    }
  }

  /// What failed for all; a member's own failure stays its own.
  private func commit(_ group: [any WriteJob], on connection: SQLiteConnection) -> Outage? {
    let rows = SQLiteTransaction(connection: connection, owners: self.owners)
    do throws(Outage) {
      // Members hardly ever fail, and a savepoint keeps a copy of every page it touches: so at first there are none.
      if group.contains(where: { $0.run(rows) == .failed }) {
        if connection.database.isInsideTransaction { try connection.run("ROLLBACK") }
        try connection.run("BEGIN IMMEDIATE")
        try self.runApart(group, rows)
      }
      try connection.run("COMMIT")
      return nil
    } catch {
      return error
    }
  }

  /// A savepoint around each member lets it fail alone. They run again from the beginning, which writers must bear.
  private func runApart(_ group: [any WriteJob], _ rows: SQLiteTransaction) throws(Outage) {
    for job in group {
      try rows.connection.run("SAVEPOINT member")
      if job.run(rows) == .failed { try rows.connection.run("ROLLBACK TO member") }
      try rows.connection.run("RELEASE member")
    }
  }
}

/// One waiting writer.
private protocol WriteJob: Sendable {
  func run(_ rows: SQLiteTransaction) -> WriteEnd
  /// Answers the caller, once: with the group's failure, or what `run` came to.
  func finish(failure: Outage?)
}

private enum WriteEnd { case done, failed }

private final class Job<R: Sendable>: WriteJob {
  private let body: @Sendable (any LedgerTransaction) throws(Outage) -> R
  private let continuation: CheckedContinuation<Result<R, Outage>, Never>
  private let result = Mutex<Result<R, Outage>?>(nil)

  init(
    body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R,
    continuation: CheckedContinuation<Result<R, Outage>, Never>
  ) {
    self.body = body
    self.continuation = continuation
  }

  func run(_ rows: SQLiteTransaction) -> WriteEnd {
    do throws(Outage) {
      let value = try self.body(rows)
      self.result.withLock { $0 = .success(value) }
      return .done
    } catch {
      self.result.withLock { $0 = .failure(error) }
      return .failed
    }
  }

  func finish(failure: Outage?) {
    let result = self.result.withLock { $0 }
    if case .failure(let own)? = result { return self.continuation.resume(returning: .failure(own)) }
    guard let failure else {
      guard let result else { preconditionFailure("A group commits only after each member has run.") }
      return self.continuation.resume(returning: result)
    }
    self.continuation.resume(returning: .failure(failure))
  }
}
