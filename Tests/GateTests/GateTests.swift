import Gate
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct GateTests {
  @Test(
    "what needs no payment is decided at once",
    arguments: [
      ("/free/x", "allow"), ("/closed/x", "denied"), ("/nowhere", "denied"), ("/paid/x", "payment_required"),
      ("/free/..;/paid", "bad_request"), ("/free/../paid", "bad_request"), ("/paid/../free/x", "bad_request"),
      ("//free/paid", "bad_request"),
      ("/%70aid", "payment_required"),
    ])
  func atOnce(target: String, code: String) throws {
    let bench = try Workbench()
    guard case .decided(let judgement) = bench.gate.rule(on: Workbench.request(target)) else {
      Issue.record("the decision had to wait")
      return
    }
    #expect(judgement.decision.code == code)
  }

  @Test("a host that has two readings is a bad request")
  func host() async throws {
    let bench = try Workbench()
    #expect(await bench.ask(Workbench.request("/free/x", host: "good,evil")).code == "bad_request")
    #expect(
      await bench.ask(Workbench.request("http://other/free/x", host: "shop.example")).code == "bad_request")
    #expect(
      await bench.ask(Workbench.request("http://Shop.Example:80/free/x", host: "shop.example")).code
        == "allow")
    #expect(await bench.ask(Workbench.request("/free/x", host: nil)).code == "allow")
  }

  @Test("a request that no route fits is allowed only where the configuration says so")
  func fallback() async throws {
    #expect(await (try Workbench(fallback: .free)).ask("/nowhere").code == "allow")
    #expect(await (try Workbench(fallback: .deny)).ask("/nowhere").code == "denied")
  }

  @Test("a tier that no route knows is denied")
  func tiers() async throws {
    let routes = [
      try Workbench.route("/x", .free, tier: "gold"), try Workbench.route("/**", .free),
    ]
    let bench = try Workbench(routes: routes)
    #expect(await bench.ask(Workbench.request("/x", tier: "gold")).code == "allow")
    #expect(await bench.ask(Workbench.request("/x", tier: "lead")).code == "denied")
  }

  @Test("one coin, one page: the same coin again is spent")
  func once() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/paid/x", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/x", coin: coin).code == "spent")
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("a forged coin is invalid, a small one too little, an unreadable one malformed; none is taken")
  func refused() async throws {
    try await Workbench().running { bench in
      let small = bench.counterpart.issue("small", 9)
      #expect(await bench.ask("/paid/x", coin: Coin(name: "forged", value: 10)).code == "invalid")
      #expect(await bench.ask("/paid/x", coin: small).code == "too_little")
      #expect(await bench.ask(Workbench.request("/paid/x", [("x-coin", "rubbish")])).code == "malformed")
      #expect(bench.counterpart.calls(.lock) == 0)
    }
  }

  @Test("two offers in one request are refused and neither is taken")
  func twoOffers() async throws {
    try await Workbench().running { bench in
      let (a, b) = (bench.counterpart.issue("a", 10), bench.counterpart.issue("b", 10))
      let request = Workbench.request("/paid/x", [("x-coin", a.offer), ("x-coin", b.offer)])
      #expect(await bench.ask(request).code == "two_offers")
      #expect(bench.counterpart.calls(.lock) == 0)
      #expect(await bench.ask("/paid/x", coin: a).code == "allow")
    }
  }

  @Test("a coin that its owner spent elsewhere is spent here, and the counterpart is asked once")
  func spentElsewhere() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      bench.counterpart.spendElsewhere(coin)
      for _ in 0..<100 { #expect(await bench.ask("/paid/x", coin: coin).code == "spent") }
      #expect(bench.counterpart.calls(.lock) == 1)
    }
  }

  @Test("a payment bought for one route is a conflict at another, and still good at its own")
  func otherRoute() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      #expect(await bench.ask("/hour/x", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/x", coin: coin).code == "other_route")
      #expect(await bench.ask("/hour/x", coin: coin).code == "allow")
    }
  }

  @Test("a coin worth several uses is taken once and used one by one")
  func credit() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 25)
      #expect(await bench.ask("/paid/1", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/2", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/3", coin: coin).code == "spent")
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("HEAD takes nothing: a new coin is not redeemed, one with credit is not counted")
  func head() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/paid/x", method: .head, coin: coin).code == "payment_required")
      #expect(bench.counterpart.calls(.lock) == 0)
      let hour = bench.counterpart.issue("h", 100)
      #expect(await bench.ask("/hour/x", coin: hour).code == "allow")
      #expect(await bench.ask("/hour/x", method: .head, coin: hour).code == "allow")
      let two = bench.counterpart.issue("two", 20)
      #expect(await bench.ask("/paid/x", coin: two).code == "allow")
      #expect(await bench.ask("/paid/x", method: .head, coin: two).code == "allow")
      #expect(await bench.ask("/paid/x", method: .head, coin: two).code == "allow")
      #expect(await bench.ask("/paid/x", coin: two).code == "allow")
      #expect(await bench.ask("/paid/x", method: .head, coin: two).code == "spent")
    }
  }

  @Test("only a true preflight on a route with CORS passes unpaid")
  func preflight() async throws {
    let bench = try Workbench()
    let preflight: [(StaticString, String)] = [
      ("origin", "https://a.example"), ("access-control-request-method", "GET"),
    ]
    #expect(await bench.ask(Workbench.request("/open/x", method: .options, preflight)).code == "allow")
    #expect(
      await bench.ask(Workbench.request("/paid/x", method: .options, preflight)).code == "payment_required")
    #expect(await bench.ask(Workbench.request("/open/x", method: .options)).code == "payment_required")
    #expect(await bench.ask(Workbench.request("/open/x", method: .get, preflight)).code == "payment_required")
    #expect(await bench.ask(Workbench.request("/nowhere", method: .options, preflight)).code == "denied")
  }

  @Test("the same request of one proxy is served again, another is not")
  func repeats() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/paid/x", id: "1", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/x", id: "1", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/y", id: "1", coin: coin).code == "spent")
      #expect(await bench.ask("/paid/x", id: "2", coin: coin).code == "spent")
      #expect(await bench.ask("/paid/x", coin: coin).code == "spent")
      #expect(await bench.ask("/paid/x", method: .post, id: "1", coin: coin).code == "spent")
      for _ in 0..<9 { #expect(await bench.ask("/paid/x", id: "1", coin: coin).code == "allow") }
      #expect(await bench.ask("/paid/x", id: "1", coin: coin).code == "spent")
    }
  }

  @Test("a repeat has its minute and no more")
  func repeatsEnd() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/paid/x", id: "1", coin: coin).code == "allow")
      #expect(await bench.ask("/paid/x", id: "1", coin: coin).code == "allow")
      bench.clock.advance(by: .seconds(61))
      #expect(await bench.ask("/paid/x", id: "1", coin: coin).code == "spent")
    }
  }

  @Test("a use that was never written down returns once when its lease has ended, and then no more")
  func redelivered() async throws {
    try await Workbench(deliveryPatience: .zero).running { bench in
      let coin = bench.counterpart.issue("a", 10)
      let request = Workbench.request("/paid/x", [("x-coin", coin.offer)])
      #expect(await bench.askInFlight(request).code == "allow")
      #expect(await bench.askInFlight(request).code == "in_flight")
      bench.clock.advance(by: .seconds(51))
      #expect(await bench.askInFlight(request).code == "allow")
      bench.clock.advance(by: .seconds(51))
      #expect(await bench.askInFlight(request).code == "spent")
    }
  }

  @Test("while the answer that took the last use is on its way, nobody hears that it is spent")
  func inFlight() async throws {
    try await Workbench(deliveryPatience: .zero).running { bench in
      let coin = bench.counterpart.issue("a", 10)
      let request = Workbench.request("/paid/x", [("x-coin", coin.offer)])
      let use = try #require(await bench.askInFlight(request).allowance?.use)
      #expect(await bench.ask(request).code == "in_flight")
      #expect(await bench.ask("/paid/x", method: .head, coin: coin).code == "in_flight")
      try await bench.ledger.report(use, .written)
      #expect(await bench.ask(request).code == "spent")
    }
  }

  @Test("a use whose answer never went out is there again")
  func lostAnswer() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      let request = Workbench.request("/paid/x", [("x-coin", coin.offer)])
      let use = try #require(await bench.askInFlight(request).allowance?.use)
      try await bench.ledger.report(use, .lost)
      #expect(await bench.ask(request).code == "allow")
    }
  }

  @Test("an allow asserts the payment, and free routes assert none")
  func assertions() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/free/x", coin: coin).allowance?.assertions == Assertions())
      let paid = await bench.ask("/paid/x", coin: coin).allowance
      #expect(paid?.assertions.payment == .now(Amount(10, .sat)))
    }
  }

  @Test("a reload changes the price of the next request")
  func reload() async throws {
    let bench = try Workbench()
    #expect(await bench.ask("/paid/x").code == "payment_required")
    let routes = try RouteTable([Workbench.route("/paid/**", .free)])
    bench.gate.reload(Policy(routes: routes, fallback: .deny, verifiers: []))
    #expect(await bench.ask("/paid/x").code == "allow")
  }
}
