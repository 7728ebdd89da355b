import Gate
import Store
import TestKit
import Testing

/// What every backend tells operators.
@Suite(.timeLimit(.minutes(3))) struct ListContractTests {
  @Test("payments are listed by state, newest change first, without secrets", arguments: Backend.allCases)
  func payments(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    _ = try await ledger.granted(payment("a"))
    bench.clock.advance(by: .seconds(1))
    let term = try #require(try await ledger.claiming(payment("b"), sending: true).term)
    _ = try await ledger.concluding(term, .unknown(Outage(.outage, "the mint is down")))
    bench.clock.advance(by: .seconds(1))
    _ = try await ledger.claiming(payment("c"))
    let all = try await ledger.payments(limit: 10)
    #expect(all.map(\.id.text) == ["c", "b", "a"])
    #expect(all.map(\.state) == [.reserved, .unknown, .settled])
    #expect(all.map(\.ending.note) == [nil, "the mint is down", nil])
    #expect(all[2].grant?.payment == PaymentID("a"))
    #expect(try await ledger.payments(in: .unknown, limit: 10).map(\.id.text) == ["b"])
    #expect(try await ledger.payments(limit: 1).map(\.id.text) == ["c"])
    #expect(try await ledger.payment(PaymentID("c"))?.leaseEnd == bench.clock.now() + lease)
    #expect(try await ledger.payment(PaymentID("d")) == nil)
    #expect(!String(reflecting: all).contains("plan of"))
    #expect(try await ledger.countByState() == [.reserved: 1, .unknown: 1, .settled: 1])
  }

  @Test("exposure is what is neither ours nor refused", arguments: Backend.allCases)
  func exposure(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    #expect(try await ledger.exposure().isEmpty)
    _ = try await ledger.granted(payment("a"))
    _ = try await ledger.claiming(payment("b", value: 20))
    let unknown = try #require(try await ledger.claiming(payment("c", value: 30), sending: true).term)
    let stuck = try #require(try await ledger.claiming(payment("d", value: 40), sending: true).term)
    let refused = try #require(try await ledger.claiming(payment("e", value: 50), sending: true).term)
    _ = try await ledger.concluding(unknown, .unknown(.lost))
    _ = try await ledger.concluding(stuck, .stuck(note: "held"))
    _ = try await ledger.concluding(refused, .rejected(.invalid, spent: []))
    #expect(
      try await ledger.exposure() == [Exposure(counterpart: "https://mint.example", amount: Amount(90, .sat))]
    )
  }

  @Test("the treasury is counted per counterpart, series and unit", arguments: Backend.allCases)
  func balances(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let term = try #require(try await ledger.claiming(payment("a"), sending: true).term)
    var dollars = piece("d", 5)
    dollars.value = Amount(5, Amount.Unit("usd"))
    let large = piece("big", UInt64(Int64.max), series: "00bb")
    _ = try await ledger.concluding(term, .settled([piece("x", 8), piece("y", 2), dollars, large]))
    let balances = try await ledger.balances()
    #expect(balances.map(\.series) == ["00aa", "00aa", "00bb"])
    #expect(balances.map(\.amount.value) == [10, 5, UInt64(Int64.max)])
    #expect(balances.map(\.amount.unit.name) == ["sat", "usd", "sat"])
    #expect(balances.map(\.pieces) == [2, 1, 1])
  }

  @Test("pruning forgets old repeats and refusals, and no nullifier", arguments: Backend.allCases)
  func prune(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.granted(payment("a", value: 30)).serial
    for number in 0..<2 as Range<UInt32> {
      #expect(try await ledger.taking(serial, "r\(number)") == .taken(number, attempt: 1))
      try await ledger.report(TakenUse(serial: serial, number: number), .written)
    }
    for (name, spent) in [("free", []), ("held", [Nullifier(Array("held".utf8))])] as [(String, [Nullifier])]
    {
      let term = try #require(try await ledger.claiming(payment(name), sending: true).term)
      _ = try await ledger.concluding(term, .rejected(.spent, spent: spent))
    }
    #expect(try await ledger.prune(olderThan: .seconds(86_400)) == 0)
    bench.clock.advance(by: .seconds(86_401))
    #expect(try await ledger.prune(olderThan: .seconds(86_400), limit: 1) == 2)
    #expect(try await ledger.prune(olderThan: .seconds(86_400)) == 1)
    #expect(try await ledger.payment(PaymentID("free")) == nil)
    #expect(try await ledger.claiming(payment("held")) == .standing(.rejected(.spent)))
    #expect(try await ledger.claiming(payment("x", ["a"])) == .standing(.rejected(.spent)))
    #expect(try await ledger.taking(serial) == .taken(2, attempt: 1))
    #expect(try await ledger.taking(serial) == .delivering)
  }

  @Test(
    "the first process's keys are remembered, and others are refused by name", arguments: Backend.allCases)
  func fingerprints(backend: Backend) async throws {
    let bench = try Bench(backend)
    let (first, second) = (try bench.open(), try bench.open())
    try await first.check(KeyFingerprints(treasurySeed: "5eed", passKeys: [1: "aa"]))
    try await second.check(KeyFingerprints(treasurySeed: "5eed", passKeys: [1: "aa"]))
    await #expect(throws: KeyMismatch.otherTreasurySeed(stored: "5eed", given: "beef")) {
      try await second.check(KeyFingerprints(treasurySeed: "beef", passKeys: [1: "aa"]))
    }
    await #expect(throws: KeyMismatch.otherPassKey(id: 1, stored: "aa", given: "bb")) {
      try await second.check(KeyFingerprints(treasurySeed: "5eed", passKeys: [1: "bb"]))
    }
    await #expect(throws: KeyMismatch.otherPassKeys) {
      try await second.check(KeyFingerprints(treasurySeed: "5eed", passKeys: [2: "cc"]))
    }
    // Rotation, one key at a time.
    try await second.check(KeyFingerprints(treasurySeed: nil, passKeys: [1: "aa", 2: "cc"]))
    try await second.check(KeyFingerprints(treasurySeed: "5eed", passKeys: [2: "cc"]))
    await #expect(throws: KeyMismatch.otherPassKeys) {
      try await second.check(KeyFingerprints(treasurySeed: nil, passKeys: [1: "aa"]))
    }
  }
}
