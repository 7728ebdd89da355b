import Octets
import Store
import TestKit
import Testing

@testable import Gate

@Suite("Routes that give a machine", .timeLimit(.minutes(1)))
struct ProvisionTests {
  /// What an allow says of its machine.
  static func machine(_ decision: Decision) throws -> Assertions.Workload {
    try #require(decision.allowance?.assertions.workload, "\(decision.code)")
  }

  static func ask(_ bench: Workbench, coin: Coin? = nil, pass: String? = nil) async -> Decision {
    await bench.ask("/ssh", coin: coin, pass: pass)
  }

  @Test("a payment gives a machine until its time is over, with a grant for the listener behind the proxy")
  func pays() async throws {
    try await Workbench().running { bench in
      let decision = await Self.ask(bench, coin: bench.counterpart.issue("a", 150))
      let allowance = try #require(decision.allowance)
      #expect(allowance.basis == .payment)
      #expect(allowance.use == nil)
      #expect(allowance.assertions.payment == .now(Amount(150, .sat)))
      #expect(allowance.remaining?.seconds == 5400)
      #expect(allowance.pass?.maxAgeSeconds == 5400)
      let lease = try #require(bench.office.made.first)
      #expect(bench.office.made.count == 1)
      #expect(lease.spec == WorkloadSpecName("small"))
      #expect(lease.end == bench.clock.now() + .seconds(5400))
      let workload = try Self.machine(decision)
      #expect(workload.id == lease.id)
      #expect(workload.id.podName == "wl-\(lease.id)")
      #expect(bench.office.passwords(of: lease.id).isEmpty)
    }
  }

  @Test("the same payment, and its pass, give the same machine; the grant is a fresh one")
  func again() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let first = await Self.ask(bench, coin: coin)
      bench.clock.advance(by: .seconds(5))
      let second = try Self.machine(await Self.ask(bench, coin: coin))
      #expect(try Self.machine(first).id == second.id)
      #expect(try Self.machine(first).grant != second.grant)
      let byPass = await Self.ask(bench, pass: try #require(first.allowance?.pass).token)
      #expect(try Self.machine(byPass).id == second.id)
      #expect(byPass.allowance?.basis == .pass)
      #expect(byPass.allowance?.assertions.payment == .earlier)
      #expect(byPass.allowance?.remaining?.seconds == 3595)
      #expect(bench.office.made.count == 1)
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("many who present one payment at once get one machine")
  func parallel() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let machines = await withTaskGroup(of: WorkloadID?.self) { group in
        for _ in 0..<8 {
          group.addTask { await Self.ask(bench, coin: coin).allowance?.assertions.workload?.id }
        }
        return await group.reduce(into: [WorkloadID?]()) { $0.append($1) }
      }
      #expect(machines.count == 8)
      #expect(Set(machines) == [bench.office.made.first?.id])
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test(
    "where no machine can be had, nothing is taken for one",
    arguments: [Vacancy.full(retryAfterSeconds: 40), .unavailable("no bubblewrap")])
  func vacancy(vacancy: Vacancy) async throws {
    try await Workbench().running { bench in
      let known = bench.counterpart.issue("known", 100)
      _ = await Self.ask(bench, coin: known)
      bench.office.set(vacancy)
      let coin = bench.counterpart.issue("a", 100)
      guard case .unavailable(let outage) = await Self.ask(bench, coin: coin) else {
        Issue.record("not 503")
        return
      }
      #expect(outage.code == .noVacancy)
      #expect(outage.retryAfterSeconds == (vacancy == .full(retryAfterSeconds: 40) ? 40 : 30))
      #expect(bench.counterpart.taker(of: coin) == nil)
      // Nobody is asked for money that would buy nothing; what else is sold goes on.
      for method in [RequestMethod.get, .head] {
        #expect(await bench.ask("/ssh", method: method).code == "no_vacancy")
      }
      #expect(await Self.ask(bench, pass: "tp1.none").code == "no_vacancy")
      #expect(await Self.ask(bench, coin: bench.counterpart.issue("small", 0)).code != "no_vacancy")
      #expect(await bench.ask("/paid/x").code == "payment_required")
      // Who has one keeps it, and may pay for more of it.
      let first = await Self.ask(bench, coin: known)
      #expect(first.code == "allow")
      let pass = try #require(first.allowance?.pass).token
      #expect(await Self.ask(bench, coin: bench.counterpart.issue("more", 100), pass: pass).code == "allow")
      bench.office.set(.open)
      #expect(await bench.ask("/ssh").code == "payment_required")
      #expect(await Self.ask(bench, coin: coin).code == "allow")
    }
  }

  @Test("a route that covers a machine's gives none: its pass is another's at every door")
  func covered() async throws {
    var routes = try Workbench.routes()
    routes.append(
      try Workbench.route(
        "/year/**", .priced(Tariff(prices: [Amount(10, .sat)], terms: .duration(.seconds(3600)))),
        covers: [RouteID("/ssh"), RouteID("/hour/**")]))
    try await Workbench(routes: routes).running { bench in
      let bought = await bench.ask("/year/x", coin: bench.counterpart.issue("year", 10))
      let pass = try #require(bought.allowance?.pass).token
      #expect(await bench.ask("/hour/x", pass: pass).code == "allow")
      for method in [RequestMethod.get, .head] {
        #expect(await bench.ask("/ssh", method: method, pass: pass).code == "pass_route")
      }
      let request = Workbench.request("/ssh", [("turnpike-pass", pass)])
      guard case .judged(let judgement) = await bench.gate.review(request) else {
        Issue.record("a look would allow it")
        return
      }
      #expect(judgement.decision.code == "pass_route")
      #expect(bench.office.presented.isEmpty)
      // A payment beside it buys a machine of its own, and only where there is room.
      bench.office.set(.full(retryAfterSeconds: 9))
      let coin = bench.counterpart.issue("a", 100)
      #expect(await bench.ask("/ssh", coin: coin, pass: pass).code == "no_vacancy")
      #expect(bench.counterpart.taker(of: coin) == nil)
      bench.office.set(.open)
      #expect(await bench.ask("/ssh", coin: coin, pass: pass).code == "allow")
      #expect(bench.office.made.map(\.payment.text) == ["coin-a"])
    }
  }

  @Test("a payment beside a pass of the same route adds to its machine, and the office hears of it")
  func topUp() async throws {
    try await Workbench().running { bench in
      let first = await Self.ask(bench, coin: bench.counterpart.issue("a", 100))
      let pass = try #require(first.allowance?.pass).token
      let second = await Self.ask(bench, coin: bench.counterpart.issue("b", 50), pass: pass)
      #expect(try Self.machine(second).id == Self.machine(first).id)
      #expect(second.allowance?.basis == .payment)
      #expect(second.allowance?.remaining?.seconds == 5400)
      let lease = try #require(bench.office.made.first)
      #expect(bench.office.made.count == 1)
      #expect(bench.office.changed == [lease.serial])
      #expect(lease.end == bench.clock.now() + .seconds(5400))
    }
  }

  @Test("a pass holds as long as its machine, whatever was signed")
  func signedEnd() async throws {
    try await Workbench().running { bench in
      let first = await Self.ask(bench, coin: bench.counterpart.issue("a", 100))
      let pass = try #require(first.allowance?.pass).token
      _ = await Self.ask(bench, coin: bench.counterpart.issue("b", 100), pass: pass)
      bench.clock.advance(by: .seconds(5000))
      #expect(try Self.machine(await Self.ask(bench, pass: pass)).id == Self.machine(first).id)
      bench.clock.advance(by: .seconds(2201))
      #expect(await Self.ask(bench, pass: pass).code == "pass_expired")
      #expect(await Self.ask(bench, coin: Coin(name: "a", value: 100)).code == "pass_expired")
      #expect(bench.office.made.count == 1)
    }
  }

  @Test("a machine that broke down leaves credit: its payment and its pass give another")
  func credit() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let first = await Self.ask(bench, coin: coin)
      let pass = try #require(first.allowance?.pass).token
      bench.office.breakDown(try Self.machine(first).id, credit: .seconds(1800))
      bench.clock.advance(by: .seconds(7200))
      let second = await Self.ask(bench, pass: pass)
      #expect(try Self.machine(second).id != Self.machine(first).id)
      #expect(second.allowance?.remaining?.seconds == 1800)
      #expect(try Self.machine(await Self.ask(bench, coin: coin)).id == Self.machine(second).id)
      #expect(bench.office.made.count == 2)
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("a revoked grant gives nothing, by its pass and by its payment")
  func revoked() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let pass = try #require((await Self.ask(bench, coin: coin)).allowance?.pass).token
      let ledger = try #require(bench.ledger as? TransactionalLedger)
      _ = try await ledger.revoke(try #require(bench.office.made.first).serial)
      #expect(await Self.ask(bench, pass: pass).code == "pass_revoked")
      #expect(await Self.ask(bench, coin: coin).code == "pass_revoked")
    }
  }

  @Test("who does not bear a payment gets no machine of it, not even for the same request again")
  func notBearer() async throws {
    try await Workbench(bearing: .firstPresentation).running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let first = await bench.ask("/ssh", id: "r1", coin: coin)
      #expect(first.code == "allow")
      #expect(await bench.ask("/ssh", id: "r1", coin: coin).code == "not_bearer")
      #expect(await bench.ask("/ssh", method: .head, coin: coin).code == "not_bearer")
      let pass = try #require(first.allowance?.pass).token
      #expect(await Self.ask(bench, pass: pass).code == "allow")
    }
  }

  @Test("HEAD takes and orders nothing")
  func head() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      #expect(await bench.ask("/ssh", method: .head, coin: coin).code == "payment_required")
      #expect(bench.counterpart.calls(.take) == 0)
      let first = await Self.ask(bench, coin: coin)
      let pass = try #require(first.allowance?.pass).token
      let presented = bench.office.presented.count
      #expect(
        try Self.machine(await bench.ask("/ssh", method: .head, coin: coin)).id == Self.machine(first).id)
      #expect(
        try Self.machine(await bench.ask("/ssh", method: .head, pass: pass)).id == Self.machine(first).id)
      bench.office.breakDown(try Self.machine(first).id, credit: .seconds(1800))
      let idle = await bench.ask("/ssh", method: .head, pass: pass)
      #expect(idle.code == "allow" && idle.allowance?.assertions.workload == nil)
      #expect(bench.office.presented.count == presented)
      #expect(bench.office.made.count == 1)
    }
  }

  @Test("a challenge endpoint orders nothing, and never says allow")
  func review() async throws {
    try await Workbench().running { bench in
      func review(_ fields: [(StaticString, String)]) async -> String {
        switch await bench.gate.review(Workbench.request("/ssh", fields)) {
        case .wouldAllow: "would_allow"
        case .judged(let judgement): judgement.decision.code
        }
      }
      let coin = bench.counterpart.issue("a", 100)
      #expect(await review([]) == "payment_required")
      #expect(await review([("x-coin", coin.offer)]) == "in_flight")
      #expect(bench.office.presented.isEmpty)
      let pass = try #require((await Self.ask(bench, coin: coin)).allowance?.pass).token
      let presented = bench.office.presented.count
      #expect(await review([("x-coin", coin.offer)]) == "would_allow")
      #expect(await review([("turnpike-pass", pass)]) == "would_allow")
      bench.clock.advance(by: .seconds(3700))
      #expect(await review([("turnpike-pass", pass)]) == "pass_expired")
      #expect(bench.office.presented.count == presented)
    }
  }

  @Test("an office that does not answer is 503, and what was paid stays")
  func outage() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      bench.office.fail(with: Outage(.outage, "the cluster is away", retryAfterSeconds: 4))
      #expect(await Self.ask(bench, coin: coin).code == "outage")
      bench.office.fail(with: nil)
      #expect(await Self.ask(bench, coin: coin).code == "allow")
      #expect(bench.office.made.count == 1)
      #expect(bench.counterpart.calls(.take) == 1)
    }
    let none = try Workbench(provisioning: .none)
    #expect(await Self.ask(none, coin: none.counterpart.issue("a", 100)).code == "outage")
    #expect(none.counterpart.calls(.take) == 0)
  }

  @Test("a pass of another machine's route, or of no machine's, gives none")
  func otherRoute() async throws {
    try await Workbench().running { bench in
      let big = await bench.ask("/big", coin: bench.counterpart.issue("b", 400))
      #expect(await Self.ask(bench, pass: try #require(big.allowance?.pass).token).code == "pass_route")
      let hour = await bench.ask("/hour/x", coin: bench.counterpart.issue("h", 100))
      #expect(await Self.ask(bench, pass: try #require(hour.allowance?.pass).token).code == "pass_route")
      let small = await Self.ask(bench, coin: bench.counterpart.issue("a", 100))
      let pass = try #require(small.allowance?.pass).token
      #expect(await bench.ask("/hour/x", pass: pass).code == "pass_route")
      #expect(await bench.ask("/big", coin: Coin(name: "a", value: 100)).code == "other_route")
    }
  }

  @Test("one machine, whichever host its payment comes by")
  func hosts() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let first = try Self.machine(await Self.ask(bench, coin: coin))
      let other = Workbench.request("/ssh", host: "other.example", [("x-coin", coin.offer)])
      let second = try Self.machine(await bench.ask(other))
      #expect(first.id == second.id)
    }
  }

  @Test("a browser's cookie orders nothing for another site's page")
  func crossSite() async throws {
    try await Workbench().running { bench in
      let first = await Self.ask(bench, coin: bench.counterpart.issue("a", 100))
      let cookie = "turnpike_pass=" + (try #require(first.allowance?.pass).token)
      func ask(_ site: String) async -> Decision {
        await bench.ask(Workbench.request("/ssh", [("cookie", cookie), ("sec-fetch-site", site)]))
      }
      #expect(await ask("same-origin").code == "allow")
      #expect(await ask("cross-site").code == "payment_required")
    }
  }

  @Test("a pass bought before it is used gives its machine; without room none is sold")
  func exchange() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      bench.office.set(.full(retryAfterSeconds: 9))
      #expect(ExchangeTests.code(await ExchangeTests.exchange(bench, coin, for: "/ssh")) == "no_vacancy")
      #expect(bench.counterpart.calls(.take) == 0)
      bench.office.set(.open)
      let bought = try ExchangeTests.pass(await ExchangeTests.exchange(bench, coin, for: "/ssh"))
      #expect(bench.office.made.isEmpty)
      let machine = try Self.machine(await Self.ask(bench, pass: bought.pass.token))
      let more = bench.counterpart.issue("b", 100)
      let added = try ExchangeTests.pass(
        await ExchangeTests.exchange(bench, more, for: "/ssh", pass: bought.pass.token))
      #expect(added.grant.serial == bought.grant.serial)
      #expect(bench.office.changed == [bought.grant.serial])
      #expect(try Self.machine(await Self.ask(bench, pass: added.pass.token)).id == machine.id)
    }
  }

  @Test("time that no machine has begun is kept past its end")
  func kept() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let bought = try ExchangeTests.pass(await ExchangeTests.exchange(bench, coin, for: "/ssh"))
      bench.clock.advance(by: .seconds(7200))
      #expect(await bench.ask("/ssh", method: .head, pass: bought.pass.token).code == "allow")
      #expect(await bench.ask("/ssh", method: .head, coin: coin).code == "allow")
      #expect(ExchangeTests.code(await ExchangeTests.exchange(bench, coin, for: "/ssh")) == "pass")
      #expect(bench.gate.pass(of: bought.grant) != nil)
      #expect(bench.office.presented.isEmpty)
      // It is said to be what the machine will have.
      bench.office.keep(.seconds(3000))
      let again = try ExchangeTests.pass(await ExchangeTests.exchange(bench, coin, for: "/ssh"))
      #expect(again.remaining?.seconds == 3000)
      #expect(again.pass.token == bought.pass.token)
      let account = try #require(try await bench.gate.account(of: bought.grant.payment)?.grant)
      #expect(bench.gate.remaining(of: account)?.seconds == 3000)
    }
  }
}

@Suite("What is left of a right to a machine", .timeLimit(.minutes(1)))
struct MachineRightTests {
  @Test("the time of a machine that boots has not begun: it is no time that is over")
  func booting() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      let bought = try ExchangeTests.pass(await ExchangeTests.exchange(bench, coin, for: "/ssh"))
      let id = try ProvisionTests.machine(await ProvisionTests.ask(bench, coin: coin)).id
      bench.office.boot(id)
      bench.clock.advance(by: .seconds(3600))
      let head = await bench.ask("/ssh", method: .head, coin: coin)
      #expect(head.allowance?.assertions.workload?.id == id, "\(head.code)")
      let byPass = await bench.ask("/ssh", method: .head, pass: bought.pass.token)
      #expect(byPass.allowance?.assertions.workload?.id == id, "\(byPass.code)")
      #expect(ExchangeTests.code(await ExchangeTests.exchange(bench, coin, for: "/ssh")) == "pass")
      #expect(bench.gate.pass(of: bought.grant) != nil)
    }
  }

  @Test("time that ran out on a machine is over, and gives no pass again")
  func over() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      _ = try ProvisionTests.machine(await ProvisionTests.ask(bench, coin: coin))
      bench.clock.advance(by: .seconds(3600))
      #expect(await bench.ask("/ssh", method: .head, coin: coin).code == "pass_expired")
      #expect(ExchangeTests.code(await ExchangeTests.exchange(bench, coin, for: "/ssh")) == "pass_expired")
    }
  }

  @Test("of a grant that waits for a machine, what is unused is what is left")
  func unused() throws {
    let now = Timestamp(seconds: 1_767_225_600)
    let tariff = Tariff(prices: [Amount(100, .sat)], terms: .rate(per: .seconds(3600)))
    var grant = GrantRecord(
      serial: Serial(1), payment: PaymentID("a"), scope: GrantScope(route: RouteID("/ssh"), host: ""),
      paid: Amount(100, .sat), uses: nil, usesTaken: 0, end: now)
    grant.unused = .seconds(1800)
    #expect(Remaining(of: grant, under: tariff, at: now + .seconds(7200))?.seconds == 1800)
    grant.unused = nil
    #expect(Remaining(of: grant, under: tariff, at: now + .seconds(7200))?.seconds == 0)
  }
}

@Suite("Turnpike-Grant", .timeLimit(.minutes(1)))
struct WorkloadGrantTests {
  private static func bought(_ bench: Workbench, _ target: String = "/ssh") async throws
    -> Assertions.Workload
  {
    try ProvisionTests.machine(await bench.ask(target, coin: bench.counterpart.issue("a", 100)))
  }

  private static func check(
    _ bench: Workbench, _ text: String, method: RequestMethod = .get, target: String = "/ssh",
    host: String? = "shop.example"
  ) -> WorkloadGrant? {
    bench.gate.workloadGrant(
      Array(text.utf8)[...], method: method, target: Array(target.utf8)[...],
      host: host.map { Array($0.utf8)[...] })
  }

  @Test("it holds for exactly the request that was allowed")
  func holds() async throws {
    try await Workbench().running { bench in
      let bought = try await Self.bought(bench, "/ssh?size=1")
      let grant = try #require(Self.check(bench, bought.grant))
      #expect(grant.workload == bought.id)
      #expect(grant.payment == PaymentID("coin-a"))
      #expect(grant.end == bench.clock.now() + .seconds(60))
      // The query, the port and another spelling are the same place to every app.
      #expect(Self.check(bench, bought.grant, target: "/ssh?other=2", host: "SHOP.example:8443") != nil)
      #expect(Self.check(bench, bought.grant, method: .post) == nil)
      #expect(Self.check(bench, bought.grant, method: .head) == nil)
      #expect(Self.check(bench, bought.grant, target: "/ssh/") == nil)
      #expect(Self.check(bench, bought.grant, target: "/other") == nil)
      #expect(Self.check(bench, bought.grant, target: "/a/../ssh") == nil)
      #expect(Self.check(bench, bought.grant, host: "other.example") == nil)
      #expect(Self.check(bench, bought.grant, host: nil) == nil)
    }
  }

  @Test("it ends after a minute")
  func ends() async throws {
    try await Workbench().running { bench in
      let bought = try await Self.bought(bench)
      bench.clock.advance(by: .milliseconds(59_999))
      #expect(Self.check(bench, bought.grant) != nil)
      bench.clock.advance(by: .milliseconds(1))
      #expect(Self.check(bench, bought.grant) == nil)
    }
  }

  @Test("every byte of it is signed")
  func forged() async throws {
    try await Workbench().running { bench in
      let bought = try await Self.bought(bench)
      let bytes = try #require(Base64.decodeURL(bought.grant.dropFirst(4).utf8))
      for index in bytes.indices {
        var forged = bytes
        forged[index] ^= 1
        #expect(Self.check(bench, "tg1." + Base64.encodeURL(forged)) == nil, "byte \(index)")
      }
      for text in [
        "", "tg1.", "tg1.AAAA", "tp1." + bought.grant.dropFirst(4), String(repeating: "A", count: 10_000),
      ] {
        #expect(Self.check(bench, text) == nil)
      }
    }
  }

  @Test("a pass is no grant, and a grant no pass")
  func domains() async throws {
    try await Workbench().running { bench in
      let decision = await bench.ask("/ssh", coin: bench.counterpart.issue("a", 100))
      let pass = try #require(decision.allowance?.pass).token
      let grant = try ProvisionTests.machine(decision).grant
      #expect(Self.check(bench, "tg1." + pass.dropFirst(4)) == nil)
      #expect(await bench.ask("/ssh", pass: "tp1." + grant.dropFirst(4)).code == "pass_invalid")
      #expect(await bench.ask("/ssh", pass: grant).code == "pass_invalid")
    }
  }

  @Test("keys can change while it is on its way; of another key it is none")
  func keys() async throws {
    let bench = try Workbench(keys: Workbench.keys(1))
    let retired = try Workbench(keys: Workbench.keys(2, 1))
    let foreign = try Workbench(keys: Workbench.keys(2))
    try await bench.running { bench in
      let text = try await Self.bought(bench).grant
      let own = try #require(Self.check(bench, text))
      #expect(Self.check(retired, text)?.password.text == own.password.text)
      #expect(Self.check(foreign, text) == nil)
    }
  }

  @Test("its password is its own: the same for the same, another for another, and none can be read")
  func password() async throws {
    try await Workbench().running { bench in
      let first = try await Self.bought(bench)
      let password = try #require(Self.check(bench, first.grant)).password
      #expect(Self.check(bench, first.grant)?.password.text == password.text)
      #expect(password.text.utf8.count == 20)
      #expect("\(password)" == "<redacted>")
      bench.clock.advance(by: .milliseconds(1))
      let second = try ProvisionTests.machine(await bench.ask("/ssh", coin: Coin(name: "a", value: 100)))
      #expect(Self.check(bench, second.grant)?.password.text != password.text)
      #expect(!first.grant.contains(password.text))
      #expect(WorkloadPassword.random().text.utf8.count == 20)
      #expect(WorkloadPassword.random().text != WorkloadPassword.random().text)
    }
  }

  @Test(
    "a machine's name leads back to it, and no other name does",
    arguments: ["wl-", "wl-abc", "ssh-pod-abcdefghijklmnop", "abcdefghijklmnop", "wl-ABCDEFGHIJKLMNOP"])
  func names(other: String) {
    let id = WorkloadID.random()
    #expect(WorkloadID(podName: id.podName) == id)
    #expect(WorkloadID(podName: other) == nil)
    #expect(WorkloadID(named: id.podName) == id && WorkloadID(named: id.text) == id)
    #expect(WorkloadID(named: other)?.text == (other == "abcdefghijklmnop" ? other : nil))
  }
}
