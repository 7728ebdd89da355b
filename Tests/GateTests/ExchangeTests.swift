import Gate
import Octets
import Store
import TestKit
import Testing

@Suite("Exchange of payments for passes", .timeLimit(.minutes(1)))
struct ExchangeTests {
  static func exchange(
    _ bench: Workbench, _ coin: Coin?, for target: String, pass: String? = nil, host: String = "shop.example"
  ) async -> ExchangeOutcome {
    var fields = FieldList()
    if let coin { fields.append("x-coin", coin.offer.utf8) }
    if let pass { fields.append("turnpike-pass", pass.utf8) }
    return await bench.gate.exchange(
      ExchangeRequest(
        method: .get, target: Array(target.utf8), host: Array(host.utf8), fields: fields, client: nil))
  }

  static func pass(_ outcome: ExchangeOutcome) throws -> ExchangedPass {
    guard case .pass(let exchanged, _) = outcome else { throw Refused(code: self.code(outcome)) }
    return exchanged
  }

  static func code(_ outcome: ExchangeOutcome) -> String {
    switch outcome {
    case .pass: "pass"
    case .refused(let judgement): judgement.decision.code
    }
  }

  struct Refused: Error { var code: String }

  @Test("a payment buys a pass and takes no use; the same payment gives the same pass")
  func same() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 50)
      let first = try Self.pass(await Self.exchange(bench, coin, for: "/five/x"))
      let second = try Self.pass(await Self.exchange(bench, coin, for: "/five/y"))
      #expect(first.pass.token == second.pass.token)
      #expect(first.grant.serial == second.grant.serial)
      #expect(second.remaining?.uses == 5)
      #expect(bench.counterpart.calls(.take) == 1)
      #expect(await bench.ask("/five/x", pass: first.pass.token).code == "allow")
    }
  }

  @Test("the payment and its pass share one balance, at the proxy and here")
  func balance() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/paid/x", coin: coin).code == "allow")
      let pass = try Self.pass(await Self.exchange(bench, coin, for: "/paid/x"))
      #expect(await bench.ask("/paid/x", pass: pass.pass.token).code == "pass_used")
    }
  }

  @Test("a revoked pass beside a payment is as if absent: the payment buys a pass of its own")
  func revoked() async throws {
    try await Workbench().running { bench in
      let first = try Self.pass(await Self.exchange(bench, bench.counterpart.issue("a", 50), for: "/five/x"))
      let ledger = try #require(bench.ledger as? TransactionalLedger)
      #expect(try await ledger.revoke(first.grant.serial) == .revoked)
      let coin = bench.counterpart.issue("b", 50)
      let second = try Self.pass(
        await Self.exchange(bench, coin, for: "/five/x", pass: first.pass.token))
      #expect(second.grant.serial != first.grant.serial)
      #expect(second.remaining?.uses == 5)
      let alone = await Self.exchange(bench, nil, for: "/five/x", pass: first.pass.token)
      #expect(Self.code(alone) == "pass_revoked")
    }
  }

  @Test("ten who bring one payment at the same time get one pass, and it is taken once")
  func race() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 50)
      let tokens = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<10 {
          group.addTask { try Self.pass(await Self.exchange(bench, coin, for: "/five/x")).pass.token }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(tokens.count == 1)
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }

  @Test("a payment beside a pass of the same route adds uses, or time, to that pass")
  func topUp() async throws {
    try await Workbench().running { bench in
      let five = try Self.pass(await Self.exchange(bench, bench.counterpart.issue("a", 50), for: "/five/x"))
      let more = bench.counterpart.issue("b", 50)
      let topped = try Self.pass(await Self.exchange(bench, more, for: "/five/x", pass: five.pass.token))
      #expect(topped.grant.serial == five.grant.serial)
      #expect(topped.remaining?.uses == 10)
      let again = try Self.pass(await Self.exchange(bench, more, for: "/five/x", pass: five.pass.token))
      #expect(again.remaining?.uses == 10)
      let hour = try Self.pass(await Self.exchange(bench, bench.counterpart.issue("c", 100), for: "/hour/x"))
      let longer = try Self.pass(
        await Self.exchange(bench, bench.counterpart.issue("d", 100), for: "/hour/x", pass: hour.pass.token))
      #expect(longer.remaining?.seconds == 7200)
      bench.clock.advance(by: .seconds(5000))
      bench.revocations.load([], at: bench.clock.now())
      #expect(await bench.ask("/hour/x", pass: longer.pass.token).code == "allow")
    }
  }

  @Test("a pass of another route is as if absent: the payment buys its own")
  func otherPass() async throws {
    try await Workbench().running { bench in
      let five = try Self.pass(await Self.exchange(bench, bench.counterpart.issue("a", 50), for: "/five/x"))
      let hour = try Self.pass(
        await Self.exchange(bench, bench.counterpart.issue("b", 100), for: "/hour/x", pass: five.pass.token))
      #expect(hour.grant.serial != five.grant.serial)
    }
  }

  @Test("a payment for one route is a conflict at another")
  func otherRoute() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      _ = try Self.pass(await Self.exchange(bench, coin, for: "/hour/x"))
      #expect(Self.code(await Self.exchange(bench, coin, for: "/five/x")) == "other_route")
      #expect(Self.code(await Self.exchange(bench, coin, for: "/hour/x", host: "b.example")) == "other_route")
    }
  }

  @Test("an ended pass is not given out again by its payment")
  func ended() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      _ = try Self.pass(await Self.exchange(bench, coin, for: "/hour/x"))
      bench.clock.advance(by: .seconds(3601))
      #expect(Self.code(await Self.exchange(bench, coin, for: "/hour/x")) == "pass_expired")
    }
  }

  @Test(
    "what has no price, or no reading, is refused",
    arguments: [
      ("/free/x", "denied"), ("/nowhere", "denied"), ("/closed/x", "denied"), ("//x", "bad_request"),
    ])
  func refused(target: String, code: String) async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 100)
      #expect(Self.code(await Self.exchange(bench, coin, for: target)) == code)
      #expect(bench.counterpart.calls(.lock) == 0)
    }
  }

  @Test("without a payment it is a demand to pay")
  func unpaid() async throws {
    try await Workbench().running { bench in
      #expect(Self.code(await Self.exchange(bench, nil, for: "/hour/x")) == "payment_required")
    }
  }

  @Test("a payment's account is told by its id, and an unknown one is none")
  func account() async throws {
    try await Workbench().running { bench in
      _ = try Self.pass(await Self.exchange(bench, bench.counterpart.issue("a", 50), for: "/five/x"))
      let account = try await bench.gate.account(of: PaymentID("coin-a"))
      #expect(account?.value == Amount(50, .sat))
      #expect(account?.grant?.uses == 5)
      #expect(account?.grant.flatMap { bench.gate.pass(of: $0)?.remaining?.uses } == 5)
      #expect(try await bench.gate.account(of: PaymentID("coin-b")) == nil)
    }
  }

  @Test("a payment that came by itself is redeemed once")
  func byItself() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 50)
      let request = ExchangeRequest(
        method: .get, target: Array("/five/x".utf8), host: nil, fields: FieldList(), client: nil)
      guard case .priced(let quote, _) = bench.gate.quote(request),
        case .verified(let payment) = try await ScriptedVerifier(bench.counterpart).verify(
          PaymentOffer(method: PaymentMethod("coin"), bytes: Array(coin.offer.utf8)), against: quote,
          reach: .network)
      else { throw Refused(code: "not verified") }
      for _ in 0..<2 {
        guard case .granted(let grant) = try await bench.gate.redeem(paid: payment, for: quote) else {
          throw Refused(code: "not granted")
        }
        #expect(grant.uses == 5)
      }
      #expect(bench.counterpart.calls(.take) == 1)
    }
  }
}
