import Foundation
import Gate
@testable import Store
import Synchronization
import TestKit
import Testing

extension PostgreSQLLimits {
  static let test = PostgreSQLLimits(maxWriters: 2, maxReaders: 2, ownerGrace: .seconds(2))
}

/// What only a server can do, and lose.
@Suite(.timeLimit(.minutes(2))) struct PostgreSQLStoreTests {
  private let clock = ManualClock()

  private func open(_ url: String) throws -> TransactionalLedger {
    try PostgreSQLLedger.open(url: url, clock: self.clock, limits: .test)
  }

  private func database() throws -> String { try PostgreSQLServer.shared.get().makeDatabase() }

  private func run(_ sql: String, on url: String) throws {
    try PostgreSQLSession(to: try PostgreSQLAddress(url)).fly([PostgreSQLCommand(.unnamed(sql))])
  }

  @Test("of 32 parallel claims on two replicas exactly one wins", arguments: [1, 2, 3])
  func claims(round: Int) async throws {
    let url = try self.database()
    let ledgers = [try self.open(url), try self.open(url)]
    let offer = payment("p", counters: [CounterRequest(name: "k\(round)", count: 2)])
    let outcomes = try await withThrowingTaskGroup(of: Claimed.self) { group in
      for index in 0..<32 { group.addTask { try await ledgers[index % 2].claiming(offer) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0.term != nil } == 1)
    #expect(outcomes.count { $0 == .standing(.inFlight(offer.id)) } == 31)
    let next = try await ledgers[1].claiming(
      payment("q", counters: [CounterRequest(name: "k\(round)", count: 1)]))
    guard case .claimed(_, starts: [2]) = next else {
      Issue.record("The losers moved the counter: \(next)")
      return
    }
  }

  @Test("counted uses are exact on two replicas: of 40 takes of 25 uses, 25 get one each")
  func uses() async throws {
    let url = try self.database()
    let ledgers = [try self.open(url), try self.open(url)]
    let tariff = Tariff(prices: [Amount(10, .sat)], terms: .uses(25))
    let grant = try await ledgers[0].granted(payment("a"), tariff: tariff)
    let numbers = try await withThrowingTaskGroup(of: UInt32?.self) { group -> [UInt32?] in
      for index in 0..<40 {
        group.addTask {
          let request = UseRequest(
            serial: grant.serial, request: RequestKey("r\(index)"), lease: lease, intent: .take)
          guard case .taken(let use, _) = try await ledgers[index % 2].take(request) else { return nil }
          return use.number
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(numbers.compactMap { $0 }.sorted() == Array(0..<25))
  }

  @Test("one request on two replicas at once takes one use, and is allowed again with it")
  func sameRequest() async throws {
    let url = try self.database()
    let ledgers = [try self.open(url), try self.open(url)]
    let grant = try await ledgers[0].granted(
      payment("a"), tariff: Tariff(prices: [Amount(10, .sat)], terms: .uses(9)))
    let request = UseRequest(serial: grant.serial, request: RequestKey("same"), lease: lease, intent: .take)
    let outcomes = try await withThrowingTaskGroup(of: UseOutcome.self) { group in
      for index in 0..<8 { group.addTask { try await ledgers[index % 2].take(request) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { if case .taken = $0 { true } else { false } } == 1)
    #expect(outcomes.count { if case .repeated = $0 { true } else { false } } == 7)
  }

  @Test("writers that come together are committed together, and one that fails fails alone")
  func groups() async throws {
    let store = try self.open(try self.database()).store
    let failures = await withTaskGroup(of: Int.self) { group in
      for index in 0..<200 {
        group.addTask {
          do {
            try await store.write { rows throws(Outage) in
              try rows.setFact("fact \(index)", to: "\(index)")
              // A look sends the change, so that its failure must be undone on the server.
              if index % 2 == 1 { _ = try rows.fact("fact \(index)") }
              if index % 10 == 3 || index % 10 == 4 { throw Outage.lost }
            }
            return 0
          } catch {
            return 1
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(failures == 40)
    let stored = try await store.read { rows throws(Outage) in
      var found: [Int] = []
      for index in 0..<200 where try rows.fact("fact \(index)") != nil { found.append(index) }
      return found
    }
    #expect(stored == (0..<200).filter { $0 % 10 != 3 && $0 % 10 != 4 })
  }

  @Test("a cancelled request's write is made, and its read is answered")
  func cancelled() async throws {
    let ledger = try self.open(try self.database())
    let task = Task {
      unsafe withUnsafeCurrentTask { task in unsafe task?.cancel() }
      _ = try await ledger.claiming(payment("a"), sending: true)
      return try await ledger.standing(of: payment("a"))
    }
    #expect(try await task.value == .inFlight(PaymentID("a")))
  }

  @Test("a lost answer to a commit is found out by its mark", arguments: [true, false])
  func marks(isCommitted: Bool) throws {
    let url = try self.database()
    _ = try self.open(url)
    let address = try PostgreSQLAddress(url)
    let writer = try PostgreSQLSession(to: address)
    let marks = CommitMarks()
    let rows = PostgreSQLTransaction(
      .write, on: writer, watch: OwnerWatch(grace: .seconds(2)), opening: .unnamed("BEGIN"))
    let mark = marks.add(to: rows)
    if isCommitted {
      try rows.flush()
      try writer.fly([PostgreSQLCommand(.unnamed("COMMIT"))])
    }
    let link = PostgreSQLLink(to: address)
    #expect(marks.fate(of: mark, on: link) == (isCommitted ? .committed : .undone))
    // Asked again it says the same; and what was found undone can never be committed any more.
    #expect(marks.fate(of: mark, on: link) == (isCommitted ? .committed : .undone))
    if !isCommitted { #expect(throws: Outage.self) { try rows.flush() } }
  }

  @Test("many processes may start on a new database at the same time")
  func openTogether() async throws {
    let url = try self.database()
    let clock = self.clock
    let ledgers = try await withThrowingTaskGroup(of: TransactionalLedger.self) { group in
      for _ in 0..<4 {
        group.addTask { try PostgreSQLLedger.open(url: url, clock: clock, limits: .test) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(ledgers.map(\.store.owner.text)).count == 4)
    for (index, ledger) in ledgers.enumerated() { _ = try await ledger.granted(payment("p\(index)")) }
    #expect(try await ledgers[0].countByState() == [.settled: 4])
  }

  @Test("a database of the first version keeps its rows, and sells machines")
  func second() async throws {
    let url = try self.database()
    let clock = ManualClock()
    let rows = LeaseMigration.rows(at: clock.now(), blob: { "'\\x\($0)'" })
    let schema = [
      """
      CREATE TABLE turnpike_schema (
        version BIGINT NOT NULL PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())
      """, "INSERT INTO turnpike_schema (version) VALUES (1)",
    ]
    for statement in schema + PostgreSQLMigrations.steps[0] + rows { try self.run(statement, on: url) }
    for _ in 0..<2 {
      try await LeaseMigration.check(
        PostgreSQLLedger.open(url: url, clock: clock, limits: .test), at: clock.now())
    }
    try await LeaseMigration.sell(PostgreSQLLedger.open(url: url, clock: clock, limits: .test), clock)
  }

  @Test("a database of a newer version is refused, by name")
  func newer() throws {
    let url = try self.database()
    _ = try self.open(url)
    try self.run("INSERT INTO turnpike_schema (version) VALUES (99)", on: url)
    let error = #expect(throws: Outage.self) { try self.open(url) }
    #expect(error?.message.contains("newer version of Turnpike (schema 99, known") == true)
  }

  @Test("commits are on disk before they are answered, also where the role's default says otherwise")
  func durability() throws {
    let url = try self.database()
    let session = try PostgreSQLSession(to: try PostgreSQLAddress(url + "%20-csynchronous_commit%3Doff"))
    let answer = try session.fly([PostgreSQLCommand(.unnamed("SELECT current_setting('synchronous_commit')"))]
    )
    #expect(try answer.first?.first?.text(0) == "on")
  }

  @Test("a book locked by somebody else is an outage, and works again afterwards")
  func locked() async throws {
    let url = try self.database()
    let ledger = try self.open(url)
    let intruder = try PostgreSQLSession(to: try PostgreSQLAddress(url))
    try intruder.fly([
      PostgreSQLCommand(.unnamed("SET idle_in_transaction_session_timeout = 0")),
      PostgreSQLCommand(.unnamed("BEGIN")), PostgreSQLCommand(.unnamed("LOCK TABLE payments")),
    ])
    await #expect(throws: Outage.self) { try await ledger.claiming(payment("a")) }
    try intruder.fly([PostgreSQLCommand(.unnamed("ROLLBACK"))])
    #expect(try await ledger.claiming(payment("a")).term != nil)
  }

  @Test(
    "no error and no description shows the password",
    arguments: [
      "postgresql://u:s3cret@/x?host=/nowhere", "postgresql://u:s3cret@127.0.0.1:1/x",
      "postgresql://u:s3cret@nobody.invalid:5432/x", "postgresql://u:a/s3cret@127.0.0.1/x",
      "postgresql://u:a@s3cret@127.0.0.1/x", "postgresql://u:%zz3cret@127.0.0.1/x",
      "host=/nowhere password=s3cret",
      "postgresql://u:s3cret@127.0.0.1:1/x?sslmode=s3cret",
    ])
  func password(url: String) {
    let error = #expect(throws: Outage.self) { try self.open(url) }
    #expect(error.map { "\($0)".contains("3cret") } == false)
    #expect((try? PostgreSQLAddress(url)).map { "\($0) \(String(reflecting: $0))".contains("3cret") } != true)
  }
}
