internal import GRDB
package import Gate
private import Glibc

/// The book in one SQLite file, shared by processes of one host.
///
/// WAL with `synchronous=FULL`: each commit is on disk before it is answered
/// (<https://sqlite.org/pragma.html#pragma_synchronous>).
package final class SQLiteStore: LedgerStore {
  let pool: DatabasePool
  private let owners: OwnerLock
  private let commits: GroupCommit

  package var owner: Owner { self.owners.owner }

  /// Opens or makes the file (0600, also its `-wal` and `-shm`) and brings its schema up to date. Blocks;
  /// call it at start.
  ///
  /// - Parameter patience: how long a write waits for another process's, at most.
  package init(path: String, patience: Duration) throws(Outage) {
    try Self.makePrivate(path)
    self.owners = try OwnerLock(in: path + ".owners")
    do {
      self.pool = try Self.openPool(path, patience: patience)
    } catch {
      throw Outage(store: error)
    }
    for suffix in ["-wal", "-shm"] { unsafe chmod(path + suffix, 0o600) }
    self.commits = GroupCommit(pool: self.pool, owners: self.owners)
    let failure = self.pool.writeWithoutTransaction { database in
      SQLiteSchema.migrate(SQLiteConnection(database: database))
    }
    if let failure { throw failure }
  }

  package func write<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R {
    try await self.commits.run(body)
  }

  /// Not GRDB's `async` read: that one ends with its caller's task, and a snapshot half read is no answer.
  package func read<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerReader) throws(Outage) -> R
  ) async throws(Outage) -> R {
    let owners = self.owners
    let result: Result<R, Outage> = await withCheckedContinuation { continuation in
      self.pool.asyncRead { database in
        do throws(Outage) {
          let connection = SQLiteConnection(database: try Self.get(database))
          let value = try body(SQLiteTransaction(connection: connection, owners: owners))
          continuation.resume(returning: .success(value))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }

  private static func get(_ database: Result<Database, any Error>) throws(Outage) -> Database {
    switch database {
    case .success(let database): return database
    case .failure(let error): throw Outage(store: error)
    }
  }

  /// Before SQLite opens it, for `-wal` and `-shm` take the file's mode.
  private static func makePrivate(_ path: String) throws(Outage) {
    let file = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Outage(.outage, "The store's file cannot be opened: errno \(errno).") }
    defer { close(file) }
    guard fchmod(file, 0o600) == 0 else {
      throw Outage(.outage, "The store's file cannot be made private: errno \(errno).")
    }
  }

  private static func openPool(_ path: String, patience: Duration) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.label = "turnpike.store"
    // A transaction that cannot even be rolled back is an outage of the next, not a trap of GRDB's.
    configuration.allowsUnsafeTransactions = true
    // SQLite's own back-off reaches 100 ms, and would starve beside a process that commits all the time.
    let maxTries = max(1, patience.inMilliseconds)
    let waitBriefly: @Sendable (Int) -> Bool = { tries in
      guard tries < maxTries else { return false }
      usleep(1_000)
      return true
    }
    configuration.busyMode = .callback(waitBriefly)
    var tries = 0
    while true {
      do {
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
          // After opening: GRDB sets NORMAL when it turns WAL on.
          try database.execute(sql: "PRAGMA synchronous = FULL")
          // Of what a rollback of one member would need; a temporary file for it costs more than the commit.
          try database.execute(sql: "PRAGMA temp_store = MEMORY")
          try database.execute(sql: "PRAGMA journal_size_limit = \(Self.maxIdleWALBytes)")
          try database.execute(sql: "PRAGMA wal_autocheckpoint = \(Self.checkpointPages)")
          try database.execute(sql: "PRAGMA cache_size = -\(Self.writerCacheKiB)")
        }
        return pool
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && tries < maxTries {
        // Turning WAL on does not call the busy handler in every case; two processes may start at once.
        tries += 1
        usleep(1_000)
      }
    }
  }

  /// What a checkpoint leaves of the log's file.
  private static let maxIdleWALBytes = 64 * 1024 * 1024
  /// 16 MB of log. A commit is durable in the log; a checkpoint copies each page to the file once, and groups of fresh
  /// payments change the same index pages. SQLite's 1000 pages are hardly more than one such group.
  private static let checkpointPages = 4_000
  /// The writer's. SQLite's 2 MB is less than one group may change, and would be written twice.
  private static let writerCacheKiB = 8_192
}

/// Makes the book on SQLite.
package enum SQLiteLedger {
  /// How long a write waits for another process's before it is an ``Outage``.
  package static let patience: Duration = .seconds(5)

  /// Opens or makes the file; blocks, so call it at start.
  package static func open(
    at path: String, clock: any TimeSource, random: LedgerRandom = .system,
    patience: Duration = Self.patience,
    crashPoints: CrashPoints = .none
  ) throws(Outage) -> TransactionalLedger {
    TransactionalLedger(
      store: try SQLiteStore(path: path, patience: patience), clock: clock, random: random,
      crashPoints: crashPoints)
  }
}
