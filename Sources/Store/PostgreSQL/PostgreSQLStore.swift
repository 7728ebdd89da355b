package import Gate

/// The book in one PostgreSQL database, shared by replicas.
///
/// READ COMMITTED, with a lock taken before a writing body's first look (``PostgreSQLTransaction/RowLock``).
/// All connections are libpq's, each on a thread of its own; they must be to the server itself or a pooler in
/// session mode, for prepared statements and session locks. A lost server is an ``Outage`` until it is back.
package final class PostgreSQLStore: LedgerStore {
  private let keeper: OwnerKeeper
  private let writers: Crew<any PostgreSQLJob>
  private let readers: Crew<any PostgreSQLJob>

  package var owner: Owner { self.keeper.watch.owner }

  /// Connects, brings the schema up to date and takes this process's lock. Blocks; call it at start.
  init(
    _ address: PostgreSQLAddress, limits: PostgreSQLLimits,
    notice: @escaping @Sendable (PostgreSQLNotice) -> Void
  ) throws(Outage) {
    let session = try Self.prepare(address)
    let keeper = try OwnerKeeper(address, session: session, grace: limits.ownerGrace, notice: notice)
    self.keeper = keeper
    self.writers = Crew(maxThreads: limits.maxWriters) { queue in
      PostgreSQLWriter(link: PostgreSQLLink(to: address), keeper: keeper).serve(queue)
    }
    let watch = keeper.watch
    self.readers = Crew(maxThreads: limits.maxReaders) { queue in
      PostgreSQLReader(link: PostgreSQLLink(to: address), watch: watch).serve(queue)
    }
  }

  deinit {
    self.writers.close()
    self.readers.close()
    self.keeper.close()
  }

  package func write<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R {
    try await self.write(expecting: ExpectedRows(), body)
  }

  package func write<R: Sendable>(
    expecting expected: ExpectedRows,
    _ body: @escaping @Sendable (any LedgerTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R {
    try await self.run(on: self.writers, expected) { rows throws(Outage) in try body(rows) }
  }

  package func read<R: Sendable>(
    _ body: @escaping @Sendable (any LedgerReader) throws(Outage) -> R
  ) async throws(Outage) -> R {
    try await self.run(on: self.readers, ExpectedRows()) { rows throws(Outage) in try body(rows) }
  }

  private func run<R: Sendable>(
    on crew: Crew<any PostgreSQLJob>, _ expected: ExpectedRows,
    _ body: @escaping @Sendable (PostgreSQLTransaction) throws(Outage) -> R
  ) async throws(Outage) -> R {
    let owner = self.owner
    let result: Result<R, Outage> = await withCheckedContinuation { continuation in
      let job = PostgreSQLBodyJob(owner: owner, expected: expected, continuation: continuation) { rows in
        do throws(Outage) {
          return .success(try body(rows))
        } catch {
          return .failure(error)
        }
      }
      do throws(Outage) {
        try crew.add(job)
      } catch {
        job.finish(failing: error)
      }
    }
    return try result.get()
  }

  private static func prepare(_ address: PostgreSQLAddress) throws(Outage) -> PostgreSQLSession {
    do throws(PostgreSQLError) {
      let session = try PostgreSQLSession(to: address)
      try PostgreSQLSchema.migrate(session)
      return session
    } catch {
      throw error.outage
    }
  }
}

/// How much of the server one process may use.
package struct PostgreSQLLimits: Hashable, Sendable {
  /// Connections; with the one that holds the process's lock, the most a process has is their sum and one.
  package var maxWriters: Int
  package var maxReaders: Int
  /// How long a process must be absent before others may take it for dead, at least 1 s.
  package var ownerGrace: Duration

  package init(maxWriters: Int = 2, maxReaders: Int = 3, ownerGrace: Duration = .seconds(5)) {
    self.maxWriters = max(1, maxWriters)
    self.maxReaders = max(1, maxReaders)
    self.ownerGrace = max(.seconds(1), ownerGrace)
  }
}

/// Makes the book on PostgreSQL.
package enum PostgreSQLLedger {
  /// Connects to `postgresql://…` and brings its schema up to date; blocks, so call it at start.
  ///
  /// - Parameter notice: called on a thread of the store; must not block.
  package static func open(
    url: String, clock: any TimeSource, random: LedgerRandom = .system, crashPoints: CrashPoints = .none,
    limits: PostgreSQLLimits = PostgreSQLLimits(),
    notice: @escaping @Sendable (PostgreSQLNotice) -> Void = { _ in }
  ) throws(Outage) -> TransactionalLedger {
    TransactionalLedger(
      store: try PostgreSQLStore(try PostgreSQLAddress(url), limits: limits, notice: notice), clock: clock,
      random: random, crashPoints: crashPoints)
  }
}
