import Foundation
import GRDB
import Gate
@testable import Store
import TestKit
import Testing

/// Files that an earlier version made.
@Suite(.timeLimit(.minutes(3))) struct SQLiteMigrationTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let clock = ManualClock()

  init() throws {
    self.directory = try TemporaryDirectory()
    self.path = self.directory.path + "/book.db"
  }

  /// A book of the first schema: a payment in each state, with all that hung on one.
  private func makeFirst() async throws {
    let queue = try DatabaseQueue(path: self.path)
    let now = self.clock.now().milliseconds
    try await queue.writeWithoutTransaction { database in
      #expect(
        SQLiteSchema.migrate(SQLiteConnection(database: database), through: [SQLiteMigrations.first]) == nil)
      for state in ["reserved", "settling", "settled", "rejected", "unknown", "stuck"] {
        let isHeld = ["reserved", "settling"].contains(state)
        try database.execute(
          sql: """
            INSERT INTO payments VALUES (?, 'cashu', '/paid/**', 'shop.example', 30, 'sat', ?, 3, NULL, ?, '4,5', ?,
              2, 77, ?, ?, 59000, 1, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            state, mint, Data("plan of \(state)".utf8), state, isHeld ? "owner" : nil,
            isHeld ? now + 1000 : nil,
            state == "unknown" ? now + 5000 : nil, state == "rejected" ? "spent" : nil,
            state == "stuck" ? "held by the mint" : nil, state == "settled" ? Data(Serial(9).bytes) : nil,
            now,
            now + 1,
          ])
        try database.execute(
          sql: "INSERT INTO nullifiers VALUES (?, ?)", arguments: [Data(state.utf8), state])
      }
      try database.execute(
        sql:
          "INSERT INTO grants VALUES (?, 'settled', '/paid/**', 'shop.example', 30, 'sat', 3, 2, NULL, NULL, ?)",
        arguments: [Data(Serial(9).bytes), now])
      // Use 0 was pruned.
      try database.execute(
        sql: "INSERT INTO uses VALUES (?, 1, 'spent', 1, 'r', 0, 'owner', ?, ?, NULL)",
        arguments: [Data(Serial(9).bytes), now, now])
      for (name, value) in [("x", 16), ("y", 12)] {
        try database.execute(
          sql: "INSERT INTO proceeds VALUES (?, 'settled', ?, '00aa', ?, 'sat', ?, ?)",
          arguments: [Data("new \(name)".utf8), mint, value, Data("secret \(name)".utf8), now])
      }
      try database.execute(sql: "INSERT INTO counters VALUES ('k', 6)")
      try database.execute(sql: "INSERT INTO facts VALUES ('fact', 'kept')")
    }
    try queue.close()
  }

  @Test("a book of the first version is brought up to date and keeps all it says")
  func second() async throws {
    try await self.makeFirst()
    for _ in 0..<2 {
      let ledger = try SQLiteLedger.open(at: self.path, clock: self.clock)
      let summaries = try await ledger.payments(limit: 10)
      #expect(
        Set(summaries.map { "\($0.id) \($0.state.rawValue)" })
          == Set(PaymentState.allCases.filter { $0 != .accepted }.map { "\($0.rawValue) \($0.rawValue)" }))
      #expect(summaries.allSatisfy { $0.kind == .payment && $0.payer == Payer() && $0.redemption == nil })
      #expect(try await ledger.payment(PaymentID("settled"))?.ending == Ending(serial: Serial(9), fee: 2))
      #expect(try await ledger.payment(PaymentID("stuck"))?.ending.note == "held by the mint")
      let grant = try #require(try await ledger.standing(of: payment("settled")).grant)
      #expect((grant.uses, grant.usesTaken) == (3, 2))
      #expect(try await ledger.standing(of: payment("rejected")) == .rejected(.spent))
      #expect(
        try await ledger.standing(of: payment("unknown"))
          == .unknown(PaymentID("unknown"), dueIn: .seconds(5)))
      for state in ["settled", "stuck", "rejected"] {
        #expect(try await ledger.claiming(payment("thief", [state])) == .standing(.rejected(.spent)))
      }
      #expect(try await ledger.exposed == 120)
      #expect(try await ledger.held == 28)
      let report = try await ledger.reconcile()
      #expect(report.differences == [])
      #expect(report.accounts.map(\.received) == [30])
      #expect(report.accounts.map(\.fees) == [2])
    }
  }

  @Test("an old book goes on: what was in flight is recovered, what was bought is used")
  func goesOn() async throws {
    try await self.makeFirst()
    let ledger = try SQLiteLedger.open(at: self.path, clock: self.clock)
    #expect(Set(try await ledger.due(limit: 9).map(\.payment.text)) == ["reserved", "settling"])
    let (taken, plan) = try await ledger.resuming("settling")
    #expect(plan?.plan == Array("plan of settling".utf8))
    #expect(taken == .claimed(try #require(taken.term), starts: [4, 5]))
    #expect(try await ledger.concluding(try #require(taken.term), .settled([piece("z", 30)])).grant != nil)
    #expect(try await ledger.taking(Serial(9)) == .taken(2, attempt: 1))
    #expect(try await ledger.beginning(transfer("t", value: 16, pieces: [piece("x", 16)])).term != nil)
    #expect(try await ledger.exposed == 90)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("a book of the second version keeps its rows, and sells machines")
  func third() async throws {
    let now = self.clock.now()
    let queue = try DatabaseQueue(path: self.path)
    try await queue.writeWithoutTransaction { database in
      let steps = Array(SQLiteMigrations.steps.prefix(2))
      #expect(SQLiteSchema.migrate(SQLiteConnection(database: database), through: steps) == nil)
      for statement in LeaseMigration.rows(at: now, blob: { "x'\($0)'" }) {
        try database.execute(sql: statement)
      }
    }
    try queue.close()
    for _ in 0..<2 {
      try await LeaseMigration.check(SQLiteLedger.open(at: self.path, clock: self.clock), at: now)
    }
    try await LeaseMigration.sell(SQLiteLedger.open(at: self.path, clock: self.clock), self.clock)
  }

  @Test("references are enforced after a migration, and none is left dangling")
  func references() async throws {
    try await self.makeFirst()
    let store = try SQLiteStore(path: self.path, patience: .seconds(1))
    try await store.pool.writeWithoutTransaction { database in
      #expect(try Bool.fetchOne(database, sql: "PRAGMA foreign_keys") == true)
      #expect(try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").isEmpty)
      #expect(throws: DatabaseError.self) {
        try database.execute(sql: "INSERT INTO nullifiers VALUES (x'00', 'nobody')")
      }
      try database.execute(sql: "DELETE FROM payments WHERE id = 'rejected'")
      #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM nullifiers") == 5)
    }
  }

  @Test("a step that fails leaves the old book as it was")
  func failing() async throws {
    try await self.makeFirst()
    let queue = try DatabaseQueue(path: self.path)
    try await queue.writeWithoutTransaction { database throws in
      let connection = SQLiteConnection(database: database)
      let broken = SQLiteMigrations.steps + [["DROP TABLE facts", "NO SQL"]]
      #expect(SQLiteSchema.migrate(connection, through: broken) != nil)
      #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == 1)
      #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM payments") == 6)
      #expect(try String.fetchOne(database, sql: "SELECT value FROM facts") == "kept")
    }
  }

  @Test("money whose payment is gone is a difference")
  func orphan() async throws {
    let ledger = try SQLiteLedger.open(at: self.path, clock: self.clock)
    try await ledger.holding([piece("x", 8)])
    let store = try #require(ledger.store as? SQLiteStore)
    try await store.pool.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA foreign_keys = OFF")
      try database.execute(sql: "UPDATE proceeds SET payment = 'gone'")
      try database.execute(sql: "PRAGMA foreign_keys = ON")
    }
    #expect(
      try await ledger.reconcile().differences.contains("There is money of gone, which is not in the book."))
  }
}
