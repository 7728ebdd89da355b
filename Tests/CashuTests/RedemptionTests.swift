@testable import Cashu
import Digest
import Gate
import Octets
import Testing

@Suite("Redeeming a token")
struct RedemptionTests {
  @Test("a swap gives proofs of our own, proved by the mint, which make a token again")
  func settled() async throws {
    let till = Till(try ScriptedMint())
    let settlement = await till.settle(try await till.payment(try till.mint.token([8, 2])))
    guard case .settled(let proceeds, _) = settlement else {
      Issue.record("\(settlement.name)")
      return
    }
    #expect(proceeds.map(\.value.value) == [2, 8])
    #expect(Set(proceeds.map(\.nullifier)).count == 2)
    let text = try #require(TreasuryToken.text(for: proceeds))
    let again = Till(till.mint)
    #expect(try await again.payment(text).value.value == 10)
  }

  @Test(
    "a token of which one proof was spent elsewhere is refused as spent, by one call",
    arguments: [true, false])
  func spent(hasDLEQ: Bool) async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2], hasDLEQ: hasDLEQ))
    till.mint.spend([payment.nullifiers[1]])
    till.mint.forgetCalls()
    let settlement = await till.settle(payment)
    #expect(settlement.rejection == .spent)
    // The mint did not say which of the two it is.
    #expect(settlement.spent.isEmpty)
    #expect(till.mint.calls == ["/v1/swap"])
  }

  @Test("a spent token of one proof costs exactly one call")
  func spentSingle() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([16]))
    till.mint.spend(payment.nullifiers)
    till.mint.forgetCalls()
    #expect(await till.settle(payment).spent == payment.nullifiers)
    #expect(till.mint.calls == ["/v1/swap"])
  }

  @Test("a forged signature without a DLEQ proof is refused by the mint, and nothing is remembered")
  func forged() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(
      try till.mint.token([16], hasDLEQ: false) { $0.secret = Secret("never signed") }
    )
    let settlement = await till.settle(payment)
    #expect(settlement.rejection == .invalid)
    #expect(settlement.spent.isEmpty)
  }

  /// What goes wrong at the first swap, how settling ends, and how recovery ends then.
  @Test(
    "a mint that fails loses nothing and gives nothing away",
    arguments: [
      ([.notSent], "not sent, outage", nil),
      ([.reply(status: 429, body: "{\"detail\":\"Rate limit exceeded.\"}")], "not sent, mint_budget", nil),
      (
        [.reply(status: 400, body: "{\"detail\":\"keyset inactive\",\"code\":12002}")], "void", nil
      ),
      ([.reply(status: 400, body: "{\"detail\":\"signed\",\"code\":11003}")], "void", nil),
      ([.reply(status: 400, body: "{\"detail\":\"pending\",\"code\":11002}")], "not sent, outage", nil),
      ([.lostAfter], "settled", "settled"),
      ([.lostBefore], "settled", "settled"),
      ([.lostBefore, .lostAfter], "settled", "settled"),
      ([.lostBefore, .lostBefore], "unknown", "settled"),
      ([.reply(status: 502, body: "<html>bad gateway</html>")], "settled", "settled"),
      ([.reply(status: 200, body: "<html>welcome</html>")], "settled", "settled"),
      ([.reply(status: 200, body: "{\"signatures\":[{}]}")], "settled", "settled"),
      ([.reply(status: 302, body: "")], "settled", "settled"),
      ([.reply(status: 200, body: "{\"signatures\":[]}")], "settled", "settled"),
      ([.wrongSignatures], "settled", "settled"),
      ([.noProofs], "settled", "settled"),
      ([.killed], "unknown", "unknown"),
    ] as [([ScriptedMint.Fault], String, String?)])
  func failing(faults: [ScriptedMint.Fault], first: String, then: String?) async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2]))
    for fault in faults { till.mint.fail(fault) }
    let start = till.reserve(payment)
    let settlement = await till.settle(payment, start: start)
    #expect(settlement.name == first)
    if let then { #expect(await till.recover(payment, start: start).name == then) }
    // A payment that was not sent is the payer's still: presented again, it settles.
    if ["not sent", "void"].contains(where: first.hasPrefix) {
      #expect(await till.settle(payment).amounts == [2, 8])
    }
    #expect(Set(till.mint.swapBodies.prefix(faults.count)).count <= 1)
  }

  @Test("recovery sends the same bytes as the lost call")
  func sameBytes() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2]))
    till.mint.fail(.lostBefore, .lostBefore)
    let start = till.reserve(payment)
    #expect(await till.settle(payment, start: start).name == "unknown")
    #expect(await till.recover(payment, start: start).amounts == [2, 8])
    #expect(till.mint.swapBodies.count == 3)
    #expect(Set(till.mint.swapBodies).count == 1)
  }

  @Test("a plan that was stored and never sent is sent by recovery")
  func neverSent() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2]))
    let start = till.reserve(payment)
    #expect(await till.recover(payment, start: start, progress: .notSent).amounts == [2, 8])
  }

  @Test("a mint that is down during recovery leaves it unknown, and the payment settles when it is back")
  func downDuringRecovery() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2]))
    let start = till.reserve(payment)
    till.mint.fail(.lostAfter)
    till.mint.setDown(true)
    #expect(await till.recover(payment, start: start).name == "unknown")
    till.mint.setDown(false)
    #expect(await till.recover(payment, start: start).amounts == [2, 8])
  }

  @Test("spent by the payer while our call was lost: refused, and never credited by the state alone")
  func payerWasFaster() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2]))
    let start = till.reserve(payment)
    till.mint.fail(.lostBefore, .lostBefore)
    #expect(await till.settle(payment, start: start).name == "unknown")
    till.mint.spend(payment.nullifiers)
    let settlement = await till.recover(payment, start: start)
    #expect(settlement.rejection == .spent)
    #expect(Set(settlement.spent) == Set(payment.nullifiers))
  }

  @Test("a counter used before never credits old outputs to a new payment")
  func usedCounter() async throws {
    let till = Till(try ScriptedMint())
    let first = try await till.payment(try till.mint.token([8, 2]))
    #expect(await till.settle(first, start: 0).amounts == [2, 8])
    let second = try await till.payment(try till.mint.token([8, 2]))
    #expect(await till.settle(second, start: 0).name == "void")
    // The call is lost, so the outputs are asked for: they are there, and the inputs are not spent.
    till.mint.fail(.lostBefore)
    #expect(await till.settle(second, start: 0).name == "unknown")
    // It ends here, or the payer could never use his token again.
    #expect(await till.recover(second, start: 0).name == "void")
    #expect(await till.settle(second, start: 2).amounts == [2, 8])
  }

  @Test("inputs that a killed mint leaves pending are stuck after a minute, not before")
  func stuck() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([16]))
    let start = till.reserve(payment)
    till.mint.fail(.killed)
    #expect(await till.settle(payment, start: start).name == "unknown")
    till.clock.advance(.seconds(30))
    #expect(await till.recover(payment, start: start).name == "unknown")
    till.clock.advance(.seconds(31))
    #expect(await till.recover(payment, start: start).name == "stuck")
    till.mint.setPending([])
    #expect(await till.recover(payment, start: start).amounts == [16])
  }

  @Test("a mint that gives no valid signature, neither at once nor later, ends in stuck after a minute")
  func liar() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2]))
    let start = till.reserve(payment)
    till.mint.setRestoresLies(true)
    till.mint.fail(.wrongSignatures)
    #expect(await till.settle(payment, start: start).name == "unknown")
    till.clock.advance(.seconds(30))
    #expect(await till.recover(payment, start: start).name == "unknown")
    till.clock.advance(.seconds(31))
    #expect(await till.recover(payment, start: start).name == "stuck")
    till.mint.setRestoresLies(false)
    #expect(await till.recover(payment, start: start).amounts == [2, 8])
  }

  @Test("a plan whose keyset went out of use while its call was lost is void, and a new one settles")
  func keysetGone() async throws {
    let old = ScriptedMint.issue()
    let till = Till(try ScriptedMint(issues: [old]))
    let payment = try await till.payment(try till.mint.token([8, 2]))
    let start = till.reserve(payment)
    till.mint.fail(.lostBefore, .lostBefore)
    #expect(await till.settle(payment, start: start).name == "unknown")
    till.mint.setIssues([ScriptedMint.issue(isActive: false), ScriptedMint.issue(firstKey: 30)])
    #expect(await till.recover(payment, start: start).name == "void")
  }

  @Test("what cannot be made durable is not sent")
  func notRecorded() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([16]))
    let claim = Claim(term: ClaimTerm(payment: payment.id, number: 1), counterStarts: [0]) {
      _ throws(Outage) in
      throw Outage(.outage, "the disk is full")
    }
    #expect(await till.verifier.settle(payment, under: claim).name == "not sent, outage")
    #expect(till.mint.swapBodies.isEmpty)
  }

  @Test("a plan of a mint that is not configured any more is never sent there")
  func unlisted() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([16]))
    let other = Till(try ScriptedMint("http://other.test"), transport: till.mint)
    #expect(await other.settle(payment, start: 0).name == "stuck")
    #expect(till.mint.swapBodies.isEmpty)
  }

  @Test("a plan is read back as it was written, and other bytes are none")
  func plans() async throws {
    let till = Till(try ScriptedMint())
    let payment = try await till.payment(try till.mint.token([8, 2], hasDLEQ: false))
    var plan = try #require(SwapPlan(decoding: payment.plan))
    #expect(plan.encoded() == payment.plan)
    #expect(plan.proof == .unprovable)
    plan.heldSince = Timestamp(milliseconds: 1_800_000_000_123)
    #expect(SwapPlan(decoding: plan.encoded()) == plan)
    #expect(SwapPlan(decoding: Array(payment.plan.dropLast())) == nil)
    #expect(SwapPlan(decoding: []) == nil)
  }
}
