import Foundation
import GRDB
import Gate
@testable import Store
import TestKit
import Testing

/// What only a file can do.
@Suite(.timeLimit(.minutes(3))) struct SQLiteStoreTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let clock = ManualClock()

  init() throws {
    self.directory = try TemporaryDirectory()
    self.path = self.directory.path + "/book.db"
  }

  private func open(patience: Duration = .seconds(5)) throws -> TransactionalLedger {
    try SQLiteLedger.open(at: self.path, clock: self.clock, patience: patience)
  }

  private func permissions(_ suffix: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: self.path + suffix)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  @Test("the book is its owner's alone: 0600 with its log and index, 0700 for the owners")
  func modes() async throws {
    #expect(
      FileManager.default.createFile(atPath: self.path, contents: nil, attributes: [.posixPermissions: 0o644])
    )
    let ledger = try self.open()
    _ = try await ledger.granted(payment("a"))
    for suffix in ["", "-wal", "-shm"] { #expect(try self.permissions(suffix) == 0o600, "\(suffix)") }
    #expect(try self.permissions(".owners") == 0o700)
  }

  @Test("what was answered is there after the process is gone")
  func reopen() async throws {
    var ledger: TransactionalLedger? = try self.open()
    let grant = try await ledger?.granted(payment("a"))
    _ = try await ledger?.claiming(payment("b"), sending: true)
    ledger = nil
    let next = try self.open()
    #expect(try await next.standing(of: payment("a")).grant == grant)
    #expect(try await next.payments(in: .settling, limit: 10).map(\.id.text) == ["b"])
  }

  @Test("each commit is on disk before it is answered")
  func durability() async throws {
    let store = try SQLiteStore(path: self.path, patience: .seconds(1))
    let settings = try await store.pool.writeWithoutTransaction { database in
      try ["journal_mode", "synchronous", "foreign_keys"].map { name in
        try String.fetchOne(database, sql: "PRAGMA \(name)")
      }
    }
    // 2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous
    #expect(settings == ["wal", "2", "1"])
  }

  @Test("writers that come together are committed together, and one that fails fails alone")
  func groups() async throws {
    let ledger = try self.open()
    let store = ledger.store
    let failures = await withTaskGroup(of: Int.self) { group in
      for index in 0..<200 {
        group.addTask {
          do {
            try await store.write { rows throws(Outage) in
              try rows.setFact("fact \(index)", to: "\(index)")
              if index % 10 == 3 { throw Outage.lost }
            }
            return 0
          } catch {
            return 1
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(failures == 20)
    let stored = try await store.read { rows throws(Outage) in
      var found: [Int] = []
      for index in 0..<200 where try rows.fact("fact \(index)") != nil { found.append(index) }
      return found
    }
    #expect(stored == (0..<200).filter { $0 % 10 != 3 })
  }

  @Test("a cancelled request's write is made, and its read is answered")
  func cancelled() async throws {
    let ledger = try self.open()
    let task = Task {
      unsafe withUnsafeCurrentTask { task in unsafe task?.cancel() }
      _ = try await ledger.claiming(payment("a"), sending: true)
      return try await ledger.standing(of: payment("a"))
    }
    #expect(try await task.value == .inFlight(PaymentID("a")))
  }

  @Test("a book locked by somebody else is an outage, and works again afterwards")
  func locked() async throws {
    let ledger = try self.open(patience: .milliseconds(20))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let intruder = try DatabaseQueue(path: self.path, configuration: configuration)
    try await intruder.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    await #expect(throws: Outage.self) { try await ledger.claiming(payment("a")) }
    #expect(try await ledger.standing(of: payment("a")) == .unseen)
    try await intruder.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    #expect(try await ledger.claiming(payment("a")).term != nil)
  }

  @Test("a full disk is an outage, and what was answered stays")
  func full() async throws {
    let ledger = try self.open()
    let first = try await ledger.granted(payment("a"))
    let store = try #require(ledger.store as? SQLiteStore)
    try await store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 64") }
    var large = payment("b")
    large.plan = Array(repeating: 1, count: 1 << 20)
    await #expect(throws: Outage.self) { try await ledger.claiming(large) }
    #expect(try await ledger.standing(of: payment("a")) == .granted(first))
    #expect(try await ledger.standing(of: payment("b")) == .unseen)
  }

  @Test("a file that is no database, or another program's, is an outage")
  func foreign() async throws {
    try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: self.path))
    #expect(throws: Outage.self) { try self.open() }
    try FileManager.default.removeItem(atPath: self.path)
    try await DatabaseQueue(path: self.path).writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA application_id = 7")
    }
    #expect(throws: Outage.self) { try self.open() }
  }

  @Test("a file of a newer version is an outage")
  func newer() async throws {
    _ = try self.open()
    try await DatabaseQueue(path: self.path).writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA user_version = 99")
    }
    let error = #expect(throws: Outage.self) { try self.open() }
    #expect(error?.message.contains("newer version") == true)
  }

  @Test("a damaged page is an outage, never a trap")
  func corrupt() async throws {
    var ledger: TransactionalLedger? = try self.open()
    for index in 0..<64 { _ = try await ledger?.claiming(payment("p\(index)")) }
    var store = try #require(ledger?.store as? SQLiteStore) as SQLiteStore?
    _ = try await store?.pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    store = nil
    let file = try #require(FileHandle(forUpdatingAtPath: self.path))
    let size = try file.seekToEnd()
    try file.seek(toOffset: 4096)
    try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4096))
    try file.close()
    ledger = nil
    await #expect(throws: Outage.self) { try await self.open().payments(limit: 100) }
  }

  @Test("many processes may open a new book at the same time")
  func openTogether() async throws {
    let path = self.path
    let clock = self.clock
    let ledgers = try await withThrowingTaskGroup(of: TransactionalLedger.self) { group in
      for _ in 0..<4 { group.addTask { try SQLiteLedger.open(at: path, clock: clock) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(ledgers.map(\.store.owner.text)).count == 4)
    for (index, ledger) in ledgers.enumerated() { _ = try await ledger.granted(payment("p\(index)")) }
    #expect(try await ledgers[0].countByState() == [.settled: 4])
  }

  @Test("the files of dead owners are swept out, those of the living stay")
  func owners() async throws {
    let first = try self.open()
    let ghost = String(repeating: "0", count: 32)
    for name in [ghost, "notes"] {
      #expect(FileManager.default.createFile(atPath: self.path + ".owners/" + name, contents: nil))
    }
    let second = try self.open()
    let left = try FileManager.default.contentsOfDirectory(atPath: self.path + ".owners")
    #expect(Set(left) == [first.store.owner.text, second.store.owner.text, "notes"])
    for name in [ghost, "../book.db", ""] {
      #expect(try await first.store.read { rows in rows.liveness(of: Owner(name)) } == .dead)
    }
    #expect(try await first.store.read { rows in rows.liveness(of: second.store.owner) } == .alive)
    #expect(FileManager.default.fileExists(atPath: self.path))
  }
}
