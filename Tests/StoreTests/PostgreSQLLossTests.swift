import Gate
@testable import Store
import Synchronization
import TestKit
import Testing

/// What becomes of the book when its server or a connection goes away; one test at a time, on a server that
/// only these tests stop and start.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PostgreSQLLossTests {
  private static let server = Result { try PostgreSQLServer() }
  private let clock = ManualClock()

  private func open(_ url: String) throws -> TransactionalLedger {
    try PostgreSQLLedger.open(url: url, clock: self.clock, limits: .test)
  }

  @Test("the server away is an outage, and everything works when it is back", arguments: StopSignal.allCases)
  func restart(signal: StopSignal) async throws {
    let server = try Self.server.get()
    let url = try server.makeDatabase()
    let ledger = try self.open(url)
    let grant = try await ledger.granted(payment("a"))
    try server.stop(signal)
    await #expect(throws: Outage.self) { try await ledger.claiming(payment("b")) }
    await #expect(throws: Outage.self) { try await ledger.standing(of: payment("a")) }
    try server.start()
    #expect(try await Self.answered { try await ledger.standing(of: payment("a")) } == .granted(grant))
    let claimed = try await Self.answered { try await ledger.claiming(payment("b"), sending: true) }
    #expect(claimed.term != nil)
    #expect(try await ledger.countByState() == [.settled: 1, .settling: 1])
  }

  typealias StopSignal = PostgreSQLServer.StopSignal

  @Test("a server restarted while nobody asked is not even noticed")
  func restartInSilence() async throws {
    let server = try Self.server.get()
    // A process that was away for half its grace takes a new name, which this is not about.
    let ledger = try PostgreSQLLedger.open(
      url: try server.makeDatabase(), clock: self.clock, limits: PostgreSQLLimits(ownerGrace: .seconds(60)))
    let grant = try await ledger.granted(payment("a"))
    try server.stop()
    try server.start()
    #expect(try await ledger.standing(of: payment("a")) == .granted(grant))
    #expect(try await ledger.claiming(payment("b")).term != nil)
  }

  @Test("what a crash in the middle of many writes answered is there, and nothing else half")
  func crashUnderLoad() async throws {
    let server = try Self.server.get()
    let ledger = try self.open(try server.makeDatabase())
    let answers = Monitor(0)
    let known = try await withThrowingTaskGroup(of: [String].self) { group in
      for worker in 0..<8 {
        group.addTask {
          var answered: [String] = []
          for index in 0..<2_000 {
            let name = "p\(worker)-\(index)"
            guard let outcome = try? await ledger.claiming(payment(name)), outcome.term != nil else { break }
            answered.append(name)
            answers.withLock { $0 += 1 }
          }
          return answered
        }
      }
      while answers.withLock({ $0 }) < 100 { try await Task.sleep(for: .milliseconds(5)) }
      try server.stop(.immediate)
      return try await group.reduce(into: Set<String>()) { $0.formUnion($1) }
    }
    try server.start()
    let rows = try await Self.answered {
      try await ledger.store.read { rows throws(Outage) in try rows.payments(in: nil, limit: 100_000) }
    }
    let stored = Set(rows.map(\.id.text))
    #expect(known.count >= 100)
    #expect(known.isSubset(of: stored))
    // Each of the 8 workers stopped at its first outage, so at most 8 are there without an answer.
    #expect(stored.count <= known.count + 8)
    for row in rows {
      let holder = try await ledger.store.read { rows throws(Outage) in
        try rows.holder(of: Nullifier(Array(row.id.text.utf8)))
      }
      #expect(holder == row.id)
    }
  }

  @Test("an owner's death is proven after the grace, and a living one's connection may break")
  func owners() async throws {
    let server = try Self.server.get()
    let url = try server.makeDatabase()
    let witness = try self.open(url)
    var victim: TransactionalLedger? = try self.open(url)
    let living = try self.open(url)
    let (dead, alive) = (try #require(victim).store.owner, living.store.owner)
    func liveness(_ owner: Owner) async throws -> OwnerLiveness {
      try await witness.store.read { rows in rows.liveness(of: owner) }
    }
    #expect(try await liveness(dead) == .alive)
    #expect(try await liveness(alive) == .alive)
    victim = nil
    // Cuts every session that holds a lock in this book: those are free for a moment.
    try PostgreSQLSession(to: try PostgreSQLAddress(url)).fly([
      PostgreSQLCommand(
        .unnamed("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
    ])
    for _ in 0..<2_000 {
      if try await liveness(dead) == .dead { break }
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(try await liveness(dead) == .dead)
    #expect(try await liveness(living.store.owner) == .alive)
    for name in ["", "../x", "nobody"] { #expect(try await liveness(Owner(name)) == .dead) }
    #expect(try await liveness(witness.store.owner) == .alive)
    #expect(try await living.claiming(payment("a")).term != nil)
  }

  @Test("a process that was away for longer than the grace goes on under another name, and says so")
  func renamed() async throws {
    let server = try Self.server.get()
    let url = try server.makeDatabase()
    let notices = Mutex<[PostgreSQLNotice]>([])
    let ledger = try PostgreSQLLedger.open(
      url: url, clock: self.clock, limits: PostgreSQLLimits(ownerGrace: .seconds(1)),
      notice: { notice in notices.withLock { $0.append(notice) } })
    let old = ledger.store.owner
    try server.stop()
    try await Task.sleep(for: .seconds(2))
    try server.start()
    #expect(try await Self.answered { try await ledger.claiming(payment("a")) }.term != nil)
    #expect(ledger.store.owner != old)
    let said = notices.withLock { $0 }
    #expect(said.contains { if case .lost = $0 { true } else { false } })
    #expect(said.contains { if case .renamed(from: old, to: _) = $0 { true } else { false } })
  }

  /// What `body` says once it does not throw any more.
  private static func answered<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
    for _ in 0..<100 {
      if let answer = try? await body() { return answer }
      try await Task.sleep(for: .milliseconds(50))
    }
    return try await body()
  }
}
