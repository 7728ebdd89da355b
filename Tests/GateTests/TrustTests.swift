import Gate
import TestKit
import Testing

@Suite("Trust and bearers", .timeLimit(.minutes(1)))
struct TrustTests {
  @Test("a trusted coin is granted at once: nobody is asked, and nobody asks whether anybody may be")
  func trusted() async throws {
    try await Workbench(trust: .reservation(limit: 100, beyond: .settle)).running { bench in
      bench.counterpart.refuse(with: Outage(.mintBudget, "enough for now"))
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/paid/x", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/x", coin: coin).code == "spent")
      #expect(bench.counterpart.calls(.lock) == 0)
    }
  }

  @Test("beyond the limit a coin is settled at once, when its counterpart may be asked")
  func beyond() async throws {
    try await Workbench(trust: .reservation(limit: 15, beyond: .settle)).running { bench in
      #expect(await bench.ask("/paid/x", coin: bench.counterpart.issue("a", 10)).code == "allow")
      let coin = bench.counterpart.issue("b", 10)
      bench.counterpart.refuse(with: Outage(.mintBudget, "enough for now"))
      #expect(await bench.ask("/paid/x", coin: coin).code == "mint_budget")
      #expect(bench.counterpart.calls(.lock) == 0)
      bench.counterpart.refuse(with: nil)
      #expect(await bench.ask("/paid/x", coin: coin).code == "allow")
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("beyond the limit nobody takes a coin where that is the rule")
  func refused() async throws {
    try await Workbench(trust: .reservation(limit: 15, beyond: .refuse)).running { bench in
      #expect(await bench.ask("/paid/x", coin: bench.counterpart.issue("a", 10)).code == "allow")
      #expect(await bench.ask("/paid/x", coin: bench.counterpart.issue("b", 10)).code == "outage")
      #expect(bench.counterpart.calls(.lock) == 0)
    }
  }

  @Test("a payload that is public counts once: again only as the same request, by its pass, or not at all")
  func firstPresentation() async throws {
    try await Workbench(bearing: .firstPresentation).running { bench in
      let coin = bench.counterpart.issue("a", 50)
      let first = await bench.ask("/five/x", id: "1", coin: coin)
      let pass = try #require(first.allowance?.pass?.token)
      #expect(await bench.ask("/five/x", id: "1", coin: coin).code == "allow")
      #expect(await bench.ask("/five/x", id: "2", coin: coin).code == "not_bearer")
      #expect(await bench.ask("/five/x", coin: coin).code == "not_bearer")
      #expect(await bench.ask("/five/x", id: "3", pass: pass).code == "allow")
      let again = await ExchangeTests.exchange(bench, coin, for: "/five/x")
      #expect(ExchangeTests.code(again) == "not_bearer")
    }
  }

  @Test("whoever shows a public payload while it is being settled does not share what it buys")
  func publicWhileSettling() async throws {
    try await Workbench(bearing: .firstPresentation).running { bench in
      let coin = bench.counterpart.issue("a", 50)
      let codes = await withTaskGroup(of: String.self) { group in
        for _ in 0..<8 { group.addTask { await bench.ask("/five/x", coin: coin).code } }
        return await group.reduce(into: [:]) { counts, code in counts[code, default: 0] += 1 }
      }
      #expect(codes == ["allow": 1, "not_bearer": 7])
    }
  }

  @Test("who waits for a payment on another route does not get it there")
  func otherRouteWhileSettling() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 50)
      let codes = await withTaskGroup(of: String.self) { group in
        for route in ["/five/x", "/paid/x"] { group.addTask { await bench.ask(route, coin: coin).code } }
        return await group.reduce(into: []) { $0.append($1) }.sorted()
      }
      #expect(codes == ["allow", "other_route"])
    }
  }
}
