import Gate
import Store
import TestKit
import Testing

/// What every backend does with the uses of a grant.
@Suite(.timeLimit(.minutes(3))) struct UseContractTests {
  @Test("of 32 parallel takes of one use one gets it", arguments: Backend.allCases)
  func race(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let serial = try await ledgers[0].granted(payment("a")).serial
    let outcomes = try await withThrowingTaskGroup(of: Taken.self) { group in
      for index in 0..<32 {
        group.addTask { try await ledgers[index % 2].taking(serial, "request \(index)") }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0 == .taken(0, attempt: 1) } == 1)
    #expect(outcomes.count { $0 == .delivering } == 31)
  }

  @Test("parallel takes of a grant of ten get ten different uses", arguments: Backend.allCases)
  func numbers(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let serial = try await ledgers[0].granted(payment("a", value: 100)).serial
    let outcomes = try await withThrowingTaskGroup(of: Taken.self) { group in
      for index in 0..<20 { group.addTask { try await ledgers[index % 2].taking(serial) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(outcomes) == Set((0..<10).map { .taken($0, attempt: 1) } + [.delivering]))
    #expect(outcomes.count { $0 == .delivering } == 10)
  }

  @Test(
    "a use that was written is spent; one of which not a byte went out returns", arguments: Backend.allCases)
  func delivery(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let serial = try await ledger.granted(payment("a", value: 20)).serial
    #expect(try await ledger.taking(serial) == .taken(0, attempt: 1))
    #expect(try await ledger.taking(serial) == .taken(1, attempt: 1))
    try await ledger.report(TakenUse(serial: serial, number: 0), .lost)
    try await ledger.report(TakenUse(serial: serial, number: 1), .written)
    // Neither is said twice, nor taken back.
    try await ledger.report(TakenUse(serial: serial, number: 0), .lost)
    try await ledger.report(TakenUse(serial: serial, number: 1), .lost)
    #expect(try await ledger.payment(PaymentID("a"))?.grant?.usesTaken == 1)
    #expect(try await ledger.taking(serial) == .taken(0, attempt: 2))
    // A late report of its first delivery changes nothing.
    try await ledger.report(TakenUse(serial: serial, number: 0, attempt: 1), .lost)
    #expect(try await ledger.taking(serial) == .delivering)
    #expect(try await ledger.looking(serial) == .delivering)
    try await ledger.report(TakenUse(serial: serial, number: 0, attempt: 2), .written)
    #expect(try await ledger.taking(serial) == .exhausted)
    #expect(try await ledger.lostUses(.redelivered, limit: 10).isEmpty)
  }

  @Test("the same request is allowed again ten times, and is not counted", arguments: Backend.allCases)
  func repeats(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let serial = try await ledgers[0].granted(payment("a")).serial
    #expect(try await ledgers[0].taking(serial, "r") == .taken(0, attempt: 1))
    for index in 0..<10 { #expect(try await ledgers[index % 2].taking(serial, "r") == .repeated) }
    #expect(try await ledgers[0].taking(serial, "r") == .delivering)
    try await ledgers[0].report(TakenUse(serial: serial, number: 0), .written)
    #expect(try await ledgers[0].taking(serial, "r") == .exhausted)
    #expect(try await ledgers[0].taking(serial, "other") == .exhausted)
    #expect(try await ledgers[0].taking(serial) == .exhausted)
  }

  @Test("a repeat is one for 60 s from the first, not from the last", arguments: Backend.allCases)
  func repeatWindow(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.granted(payment("a")).serial
    #expect(try await ledger.taking(serial, "r") == .taken(0, attempt: 1))
    try await ledger.report(TakenUse(serial: serial, number: 0), .written)
    bench.clock.advance(by: .seconds(59))
    #expect(try await ledger.taking(serial, "r") == .repeated)
    bench.clock.advance(by: .seconds(1))
    #expect(try await ledger.taking(serial, "r") == .repeated)
    bench.clock.advance(by: .milliseconds(1))
    #expect(try await ledger.taking(serial, "r") == .exhausted)
  }

  @Test("a use that was repeated does not return when its first answer was lost", arguments: Backend.allCases)
  func repeatedAndLost(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let serial = try await ledger.granted(payment("a")).serial
    #expect(try await ledger.taking(serial, "r") == .taken(0, attempt: 1))
    #expect(try await ledger.taking(serial, "r") == .repeated)
    try await ledger.report(TakenUse(serial: serial, number: 0), .lost)
    #expect(try await ledger.taking(serial, "other") == .exhausted)
  }

  @Test("a use whose owner died is given again once, then it is stuck and shown", arguments: Backend.allCases)
  func redelivered(backend: Backend) async throws {
    let bench = try Bench(backend)
    let survivor = try bench.open()
    let serial = try await survivor.granted(payment("a")).serial
    var victim: TransactionalLedger? = try bench.open()
    let owner = try #require(victim?.store.owner)
    #expect(try await victim?.taking(serial, "r") == .taken(0, attempt: 1))
    #expect(try await survivor.taking(serial, "s") == .delivering)
    victim = nil
    try await bench.death(of: owner, seenBy: survivor)
    #expect(try await survivor.looking(serial) == .available)
    #expect(try await survivor.taking(serial, "s") == .taken(0, attempt: 2))
    let lost = try await survivor.lostUses(.redelivered, limit: 10)
    #expect(lost.map(\.payment) == [PaymentID("a")])
    #expect(lost.map(\.use.serial) == [serial])
    #expect(lost.map(\.use.redelivered) == [bench.clock.now()])
    #expect(try await survivor.taking(serial, "t") == .delivering)
    // Its second delivery is lost too.
    bench.clock.advance(by: lease)
    #expect(try await survivor.looking(serial) == .exhausted)
    #expect(try await survivor.taking(serial, "t") == .exhausted)
    #expect(try await survivor.lostUses(.stuck, limit: 10).map(\.use.number) == [0])
    #expect(try await survivor.lostUses(.redelivered, limit: 10).count == 1)
  }

  @Test("a use whose lease has ended is given again, also to the same request", arguments: Backend.allCases)
  func lapsed(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.granted(payment("a")).serial
    #expect(try await ledger.taking(serial, "r") == .taken(0, attempt: 1))
    bench.clock.advance(by: lease)
    #expect(try await ledger.taking(serial, "r") == .taken(0, attempt: 2))
    try await ledger.report(TakenUse(serial: serial, number: 0, attempt: 2), .written)
    bench.clock.advance(by: lease)
    #expect(try await ledger.taking(serial, "s") == .exhausted)
    #expect(try await ledger.lostUses(.stuck, limit: 10).isEmpty)
  }

  @Test("one stuck use does not hold back the next", arguments: Backend.allCases)
  func stuckAndNext(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.granted(payment("a", value: 20)).serial
    #expect(try await ledger.taking(serial) == .taken(0, attempt: 1))
    bench.clock.advance(by: lease)
    #expect(try await ledger.taking(serial) == .taken(0, attempt: 2))
    bench.clock.advance(by: lease)
    #expect(try await ledger.taking(serial) == .taken(1, attempt: 1))
    #expect(try await ledger.lostUses(.stuck, limit: 10).count == 1)
  }

  @Test("time is not counted, and ends", arguments: Backend.allCases)
  func time(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let hour = Tariff(prices: [Amount(10, .sat)], terms: .duration(.seconds(3600)))
    let serial = try await ledger.granted(payment("a"), tariff: hour).serial
    #expect(try await ledger.taking(serial) == .time)
    #expect(try await ledger.taking(serial) == .time)
    #expect(try await ledger.looking(serial) == .time)
    bench.clock.advance(by: .seconds(3600) - .milliseconds(1))
    #expect(try await ledger.taking(serial) == .time)
    bench.clock.advance(by: .milliseconds(1))
    #expect(try await ledger.taking(serial) == .expired)
    #expect(try await ledger.looking(serial) == .expired)
  }

  @Test("a look takes nothing, and sees what a take would", arguments: Backend.allCases)
  func look(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let serial = try await ledger.granted(payment("a")).serial
    #expect(try await ledger.looking(serial, "r") == .available)
    #expect(try await ledger.looking(serial, "r") == .available)
    #expect(try await ledger.taking(serial, "r") == .taken(0, attempt: 1))
    for _ in 0..<20 { #expect(try await ledger.looking(serial, "r") == .repeated) }
    #expect(try await ledger.taking(serial, "r") == .repeated)
    #expect(try await ledger.looking(serial, "s") == .delivering)
    #expect(try await ledger.looking(Serial(Array(repeating: 7, count: 16))) == .missing)
  }

  @Test(
    "a revoked grant is revoked for all who bear it, and listed until its end", arguments: Backend.allCases)
  func revoked(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let hour = Tariff(prices: [Amount(10, .sat)], terms: .duration(.seconds(3600)))
    let first = try await ledger.granted(payment("a", value: 20)).serial
    let second = try await ledger.granted(payment("b"), tariff: hour).serial
    #expect(try await ledger.taking(first, "r") == .taken(0, attempt: 1))
    #expect(try await ledger.revocations(limit: 10).isEmpty)
    #expect(try await ledger.revoke(first) == .revoked)
    bench.clock.advance(by: .seconds(1))
    #expect(try await ledger.revoke(second) == .revoked)
    #expect(try await ledger.revoke(Serial(Array(repeating: 7, count: 16))) == .missing)
    #expect(try await ledger.taking(first, "r") == .revoked)
    #expect(try await ledger.looking(second) == .revoked)
    #expect(try await ledger.standing(of: payment("a")).grant?.revoked == .revoked)
    #expect(try await ledger.revocations(limit: 10) == [second, first])
    #expect(try await ledger.revocations(limit: 1) == [second])
    bench.clock.advance(by: .seconds(3600))
    #expect(try await ledger.revocations(limit: 10) == [first])
  }
}

/// A ``UseOutcome`` that can be compared and counted.
enum Taken: Hashable, Sendable {
  case taken(UInt32, attempt: UInt32)
  case repeated, time, available, delivering, exhausted, expired, revoked, missing
}

extension TransactionalLedger {
  func taking(_ serial: Serial, _ request: String? = nil, intent: UseRequest.Intent = .take) async throws
    -> Taken
  {
    let key = request.map { RequestKey($0) }
    let use = UseRequest(serial: serial, request: key, lease: StoreTests.lease, intent: intent)
    switch try await self.take(use) {
    case .taken(let use, _): return .taken(use.number, attempt: use.attempt)
    case .repeated: return .repeated
    case .time: return .time
    case .available: return .available
    case .delivering: return .delivering
    case .exhausted: return .exhausted
    case .expired: return .expired
    case .revoked: return .revoked
    case .missing: return .missing
    }
  }

  func looking(_ serial: Serial, _ request: String? = nil) async throws -> Taken {
    try await self.taking(serial, request, intent: .look)
  }
}
