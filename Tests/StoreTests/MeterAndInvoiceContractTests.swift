import Gate
import Store
import TestKit
import Testing

/// What every backend counts, and the invoices it keeps.
@Suite(.timeLimit(.minutes(3))) struct MeterAndInvoiceContractTests {
  private static func event(_ meter: String, limit: UInt32 = 3) -> MeterEvent {
    MeterEvent(meter: meter, window: .seconds(60), limit: limit)
  }

  @Test("a meter counts up to its limit, until its window ends", arguments: Backend.allCases)
  func meter(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let end = bench.clock.now() + .seconds(60)
    for left in [2, 1, 0] as [UInt32] {
      #expect(try await ledger.count(Self.event("a")) == .counted(left: left))
      bench.clock.advance(by: .seconds(10))
    }
    #expect(try await ledger.count(Self.event("a")) == .full(until: end))
    #expect(try await ledger.count(Self.event("a", limit: 4)) == .counted(left: 0))
    #expect(try await ledger.count(Self.event("a", limit: 2)) == .full(until: end))
    #expect(try await ledger.count(Self.event("b")) == .counted(left: 2))
    bench.clock.advance(by: .seconds(29))
    #expect(try await ledger.count(Self.event("a")) == .full(until: end))
    bench.clock.advance(by: .seconds(1))
    #expect(try await ledger.count(Self.event("a")) == .counted(left: 2))
  }

  @Test("a meter with no room is full from the start", arguments: Backend.allCases)
  func zero(backend: Backend) async throws {
    let bench = try Bench(backend)
    let reading = try await bench.open().count(Self.event("a", limit: 0))
    #expect(reading == .full(until: bench.clock.now() + .seconds(60)))
  }

  @Test("of parallel events of one meter exactly its limit is counted", arguments: Backend.allCases)
  func race(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let readings = try await withThrowingTaskGroup(of: MeterReading.self) { group in
      for index in 0..<40 {
        group.addTask { try await ledgers[index % 2].count(Self.event("a", limit: 25)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let left = readings.compactMap { if case .counted(let left) = $0 { left } else { nil } }
    #expect(left.sorted() == Array(0..<25))
  }

  @Test("meters whose window has ended are forgotten as new ones come", arguments: Backend.allCases)
  func forgotten(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    for index in 0..<4 { _ = try await ledger.count(Self.event("old \(index)")) }
    bench.clock.advance(by: .seconds(61))
    for index in 0..<2 { _ = try await ledger.count(Self.event("new \(index)")) }
    let left = try await ledger.store.read { rows throws(Outage) in
      var left: [String] = []
      for name in ["old 0", "old 1", "old 2", "old 3", "new 0", "new 1"] where try rows.meter(name) != nil {
        left.append(name)
      }
      return left
    }
    #expect(left == ["new 0", "new 1"])
  }

  // MARK: Invoices

  private static let tariffs: [Tariff] = [
    tenForOne, Tariff(prices: [], terms: .duration(.nanoseconds(1_500))),
    Tariff(
      prices: [Amount(.max, .sat), Amount(1, Amount.Unit("a 7:unit, \u{1F4B0}"))],
      terms: .usesWithin(.max, .seconds(86_400))),
    Tariff(prices: [Amount(3, .sat)], terms: .rate(per: .milliseconds(1), least: .seconds(600))),
  ]

  private static func invoice(_ id: String, tariff: Tariff = tenForOne, at now: Timestamp) -> Invoice {
    Invoice(
      id: id, counterpart: mint, counterpartQuote: "quote of \(id)", plan: Array("key of \(id)".utf8),
      bolt11: "lnbc100n1p0", amount: Amount(10, .sat), quote: Quote(tariff: tariff, scope: paid),
      created: now,
      expires: now + .seconds(600))
  }

  @Test("an invoice comes back as it was, with its tariff", arguments: Backend.allCases, tariffs)
  func invoice(backend: Backend, tariff: Tariff) async throws {
    let bench = try Bench(backend)
    let invoice = Self.invoice("i", tariff: tariff, at: bench.clock.now())
    let ledger = try bench.open()
    try await ledger.insert(invoice)
    #expect(try await bench.open().invoice("i") == invoice)
    #expect(try await ledger.invoice("j") == nil)
    await #expect(throws: Outage.self) { try await ledger.insert(invoice) }
  }

  @Test("open invoices are told oldest first; a closed one is not", arguments: Backend.allCases)
  func open(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    for id in ["c", "a", "b"] {
      try await ledger.insert(Self.invoice(id, at: bench.clock.now()))
      bench.clock.advance(by: .seconds(1))
    }
    #expect(try await ledger.openInvoices(limit: 2).map(\.id) == ["c", "a"])
    #expect(try await ledger.close("c", as: .expired)?.state == .closed(.expired))
    #expect(try await ledger.openInvoices(limit: 9).map(\.id) == ["a", "b"])
    #expect(try await ledger.close("nobody's", as: .expired) == nil)
  }

  @Test("pruning forgets invoices that expired, and ended windows; no other", arguments: Backend.allCases)
  func prune(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    for id in ["open", "paid", "expired"] { try await ledger.insert(Self.invoice(id, at: bench.clock.now())) }
    _ = try await ledger.close("paid", as: .paid(PaymentID("p")))
    _ = try await ledger.close("expired", as: .expired)
    _ = try await ledger.count(Self.event("ended"))
    bench.clock.advance(by: .seconds(50))
    _ = try await ledger.count(Self.event("going on"))
    #expect(try await ledger.prune(olderThan: .seconds(60)) == 0)
    bench.clock.advance(by: .seconds(11))
    #expect(try await ledger.prune(olderThan: .seconds(60)) == 1)
    #expect(try await ledger.invoice("expired") == nil)
    #expect(try await ledger.invoice("open") != nil)
    #expect(try await ledger.invoice("paid") != nil)
    let meters = try await ledger.store.read { rows throws(Outage) in
      [try rows.meter("ended")?.count, try rows.meter("going on")?.count]
    }
    #expect(meters == [nil, 1])
  }

  @Test("an expired invoice may still be found paid; a paid one stays so", arguments: Backend.allCases)
  func close(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    try await ledger.insert(Self.invoice("i", at: bench.clock.now()))
    let paid = Invoice.State.closed(.paid(PaymentID("p")))
    #expect(try await ledger.close("i", as: .expired)?.state == .closed(.expired))
    #expect(try await ledger.close("i", as: .paid(PaymentID("p")))?.state == paid)
    #expect(try await ledger.close("i", as: .expired)?.state == paid)
    #expect(try await ledger.close("i", as: .paid(PaymentID("q")))?.state == paid)
    #expect(try await ledger.invoice("i")?.state == paid)
  }
}
