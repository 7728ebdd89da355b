import Gate
import JSON
import Octets
import Outbound
import Testing

@testable import X402

@Suite("Settling a payment")
struct SettlementTests {
  @Test("a payment is verified, settled once, and its receipt names the transaction")
  func settled() async throws {
    let till = try X402Till()
    let payment = try await till.payment(try till.v2())
    let settlement = await till.settle(payment)
    let receipt = try #require(settlement.receipt)
    #expect(receipt.transaction == till.net.lastTransaction)
    #expect(receipt.fields.map(\.name) == ["payment-response"])
    let json = try JSONReader.read(try #require(Base64.decode(receipt.fields[0].value.utf8)))
    #expect(json["success"]?.bool == true)
    #expect(json["network"]?.string == "eip155:84532")
    #expect(json["payer"]?.string == till.payer.address.description)
    #expect(till.net.count("/verify") == 1)
    #expect(till.net.count("/settle") == 1)
    #expect(
      till.net.sent.filter { $0.url.hasPrefix(ScriptedNet.facilitatorURL) }
        .allSatisfy { $0.fields == [OutboundCall.Field("authorization", "Bearer key")] })
  }

  @Test("a V1 payment is settled in V1's words")
  func settledV1() async throws {
    let till = try X402Till()
    let settlement = await till.settle(try await till.payment(try till.v1()))
    let receipt = try #require(settlement.receipt)
    #expect(receipt.fields.map(\.name) == ["x-payment-response"])
    let body = try #require(till.net.sent.last { $0.url.hasSuffix("/settle") })
    guard case .post(let bytes) = body.verb else { return }
    let json = try JSONReader.read(bytes)
    #expect(json["x402Version"]?.unsigned == 1)
    #expect(json["paymentRequirements"]?["maxAmountRequired"]?.string == "10000")
    #expect(json["paymentRequirements"]?["network"]?.string == "base-sepolia")
    #expect(json["paymentPayload"]?["scheme"]?.string == "exact")
  }

  @Test("the secret of the 402 leaves us to nobody")
  func secretStays() async throws {
    let till = try X402Till()
    _ = await till.settle(try await till.payment(try till.v2()))
    for call in till.net.sent {
      guard case .post(let body) = call.verb else { continue }
      #expect(!String(decoding: body, as: UTF8.self).contains(X402Till.secret))
    }
  }

  /// A fault of the first `/settle`; how settling ends with a node to ask, and without one.
  static let faults: [(name: String, fault: ScriptedNet.Fault, withNode: String, without: String)] = [
    ("R3: a time-out, and nothing happened", .lostBefore, "unknown", "stuck"),
    ("R3: a time-out, and the money moved", .lostAfter, "settled", "stuck"),
    (
      "R4: a page of HTML with 502", .reply(status: 502, body: "<html>bad gateway</html>", moves: false),
      "unknown", "stuck"
    ),
    (
      "R4: the same, and the money moved", .reply(status: 502, body: "<html>", moves: true), "settled",
      "stuck"
    ),
    (
      "R5: 503 with the body of a success", .reply(status: 503, body: success, moves: false), "unknown",
      "stuck"
    ),
    ("R6: an answer that is no JSON", .reply(status: 200, body: "done", moves: false), "unknown", "stuck"),
    (
      "R7: a truncated answer", .reply(status: 200, body: String(success.dropLast(9)), moves: true),
      "settled", "stuck"
    ),
    ("R8: pending, and then in a block", .pending(waits: false), "settled", "stuck"),
    (
      "R9: invalid_transaction_state",
      .reply(status: 200, body: failure("invalid_transaction_state"), moves: false), "unknown", "stuck"
    ),
    ("an unknown reason", .reply(status: 200, body: failure("out_of_gas"), moves: false), "unknown", "stuck"),
    ("no reason at all", .reply(status: 200, body: "{\"success\":false}", moves: false), "unknown", "stuck"),
    (
      "a used nonce",
      .reply(status: 200, body: failure("invalid_exact_evm_nonce_already_used"), moves: false), "unknown",
      "stuck"
    ),
    (
      "an error of its own", .reply(status: 200, body: failure("unexpected_settle_error"), moves: true),
      "settled", "stuck"
    ),
    (
      "a reason with network in its name", .reply(status: 200, body: failure("network_error"), moves: true),
      "settled", "stuck"
    ),
    (
      "a success without a transaction",
      .reply(status: 200, body: "{\"success\":true,\"network\":\"eip155:84532\"}", moves: false), "unknown",
      "stuck"
    ),
    (
      "a success on another network",
      .reply(status: 200, body: success.replacing("84532", with: "1"), moves: false), "unknown", "stuck"
    ),
    ("a transaction that failed, and no money moved", .reverts, "rejected invalid", "stuck"),
    ("a redirect", .reply(status: 302, body: "", moves: false), "unknown", "stuck"),
    ("there is no connection", .notSent, "not sent", "not sent"),
    ("too many calls", .reply(status: 429, body: "{}", moves: false), "not sent", "not sent"),
    ("a wrong key", .reply(status: 401, body: "{}", moves: false), "not sent", "not sent"),
    (
      "our side refused", .reply(status: 200, body: failure("invalid_network"), moves: false), "not sent",
      "not sent"
    ),
    (
      "no money", .reply(status: 200, body: failure("insufficient_funds"), moves: false),
      "rejected insufficient_funds", "rejected insufficient_funds"
    ),
    (
      "a judgement with 400", .reply(status: 400, body: failure("invalid_payload"), moves: false),
      "rejected malformed", "rejected malformed"
    ),
    (
      "no money, of a transaction that was sent",
      .reply(status: 200, body: failure("insufficient_funds", "0xabc"), moves: false), "unknown", "stuck"
    ),
  ]

  static let success = "{\"success\":true,\"transaction\":\"0xabcdef\",\"network\":\"eip155:84532\"}"

  static func failure(_ reason: String, _ transaction: String = "") -> String {
    "{\"success\":false,\"errorReason\":\"\(reason)\",\"transaction\":\"\(transaction)\",\"network\":\"eip155:84532\"}"
  }

  @Test("no fault of a facilitator serves what is not paid, or forgets what is", arguments: faults.indices)
  func fault(_ index: Int) async throws {
    let row = Self.faults[index]
    for (hasNode, expected) in [(true, row.withNode), (false, row.without)] {
      let till = try X402Till(hasNode: hasNode)
      till.net.fail([row.fault])
      let settlement = await till.settle(try await till.payment(try till.v2()))
      // Where there is no node, what is pending is asked for again; that ends well only when it did not fail.
      #expect(settlement.name == expected, "\(row.name), \(hasNode ? "with" : "without") a node")
      if case .pending = row.fault {} else { #expect(till.net.count("/settle") == 1) }
      #expect(till.net.transfers <= 1)
    }
  }

  @Test("a payment whose answer was lost while its node was deaf is found when that hears again")
  func recovered() async throws {
    let till = try X402Till()
    till.net.fail([.lostAfter])
    till.net.deafenAfterSettle()
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    #expect(await till.recover(payment).name == "unknown")
    till.net.setNodeDeaf(false)
    let settlement = await till.recover(payment)
    #expect(settlement.receipt?.transaction == till.net.lastTransaction)
    #expect(till.net.count("/settle") == 1)
  }

  @Test("where the node was deaf before the first call too, a used nonce does not show by what")
  func noBlock() async throws {
    let till = try X402Till()
    till.net.fail([.lostAfter])
    till.net.setNodeDeaf(true)
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    #expect(till.storedPlan?.trace.block == nil)
    till.net.setNodeDeaf(false)
    #expect(await till.recover(payment).name == "unknown")
    till.clock.advance(3601)
    #expect(await till.recover(payment).name == "stuck")
  }

  @Test("a process that died in the call finds its money on the chain")
  func died() async throws {
    let till = try X402Till()
    let payment = try await till.payment(try till.v2())
    // What the dead process had stored: everything up to the call.
    _ = await till.settle(payment)
    #expect(till.storedPlan?.trace.isUnheard == true)
    let settlement = await till.recover(payment)
    #expect(settlement.receipt?.transaction == till.net.lastTransaction)
    #expect(till.net.count("/settle") == 1)
  }

  @Test(
    "what the chain does not show is sent again after a pause, a few times, and ends when its time is over")
  func resent() async throws {
    let till = try X402Till()
    till.net.fail([.lostBefore, .lostBefore, .lostBefore, .lostBefore])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    #expect(await till.recover(payment).name == "unknown")
    #expect(till.net.count("/settle") == 1, "the pause is not over")
    till.clock.advance(16)
    #expect(await till.recover(payment).name == "unknown")
    #expect(till.net.count("/settle") == 2)
    till.clock.advance(16)
    #expect(await till.recover(payment).name == "unknown")
    till.clock.advance(16)
    #expect(await till.recover(payment).name == "unknown")
    #expect(till.net.count("/settle") == 3, "no more than the limit")
    till.clock.advance(600)
    #expect(await till.recover(payment).name == "unknown", "the wall's time decides nothing")
    till.net.pass(seconds: 600)
    #expect(await till.recover(payment).name == "void")
    #expect(till.net.transfers == 0)
  }

  @Test("a payment that was sent twice moves its money once, and is granted")
  func sentTwice() async throws {
    let till = try X402Till()
    till.net.fail([.lostBefore])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    till.clock.advance(16)
    #expect(await till.recover(payment).name == "settled")
    #expect(till.net.count("/settle") == 2)
    #expect(till.net.transfers == 1)
  }

  @Test("a second call that fails because the first had moved the money is a payment all the same")
  func secondFails() async throws {
    let till = try X402Till()
    till.net.fail([
      .lostBefore, .reply(status: 200, body: Self.failure("transaction_failed", "0xabc"), moves: true),
    ])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    till.clock.advance(16)
    let settlement = await till.recover(payment)
    #expect(settlement.receipt?.transaction == till.net.lastTransaction)
  }

  @Test("a refusal after a lost call decides nothing")
  func refusedAfterLost() async throws {
    let till = try X402Till()
    till.net.fail([.lostBefore, .reply(status: 200, body: Self.failure("insufficient_funds"), moves: false)])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    till.clock.advance(16)
    #expect(await till.recover(payment).name == "unknown")
  }

  @Test("a nonce that its payer used for somebody else is spent, however much he sent us otherwise")
  func usedOtherwise() async throws {
    let till = try X402Till()
    till.net.fail([.lostBefore])
    let authorization = try till.authorization()
    let payment = try await till.payment(try till.v2(try till.payload(authorization)))
    #expect(await till.settle(payment).name == "unknown")
    till.net.use(authorization, logs: ScriptedNet.logs(of: authorization, to: Address(X402Till.stranger)))
    #expect(await till.recover(payment).name == "rejected spent")
  }

  @Test("one transfer is not shown for two payments of one transaction")
  func mixed() async throws {
    let till = try X402Till()
    till.net.fail([.lostBefore])
    let ours = try till.authorization()
    let other = try till.authorization { $0.nonce[0] = 9 }
    let payment = try await till.payment(try till.v2(try till.payload(ours)))
    #expect(await till.settle(payment).name == "unknown")
    till.net.use(
      ours, logs: ScriptedNet.logs(of: ours, to: Address(X402Till.stranger)) + ScriptedNet.logs(of: other))
    #expect(await till.recover(payment).name == "unknown")
    till.clock.advance(3601)
    #expect(await till.recover(payment).name == "stuck")
  }

  @Test("a cancelled nonce is spent")
  func cancelled() async throws {
    let till = try X402Till()
    till.net.fail([.lostBefore])
    let authorization = try till.authorization()
    let payment = try await till.payment(try till.v2(try till.payload(authorization)))
    #expect(await till.settle(payment).name == "unknown")
    till.net.use(
      authorization,
      logs: [
        ScriptedNet.Entry(
          topics: [ChainJudge.authorizationCanceled, authorization.from.word, authorization.nonce], value: 0)
      ])
    #expect(await till.recover(payment).name == "rejected spent")
  }

  @Test("a nonce that was used before we were shown it is spent, and nobody is asked to settle")
  func usedBefore() async throws {
    let till = try X402Till()
    let authorization = try till.authorization()
    till.net.use(authorization, logs: ScriptedNet.logs(of: authorization))
    let settlement = await till.settle(try await till.payment(try till.v2(try till.payload(authorization))))
    #expect(settlement.name == "rejected spent")
    #expect(till.net.count("/settle") == 0)
  }

  @Test("a node of another chain is not believed")
  func otherChain() async throws {
    let till = try X402Till()
    till.net.setChainID(1)
    till.net.fail([.lostBefore])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    till.net.pass(seconds: 9000)
    till.clock.advance(9000)
    #expect(await till.recover(payment).name == "unknown")
  }

  @Test("what stays pending is asked for again with the same body, and granted when it is final")
  func pending() async throws {
    let till = try X402Till()
    till.net.fail([.pending(waits: true)])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    #expect(till.storedPlan?.trace.isPending == true)
    till.net.mine()
    #expect(await till.recover(payment).name == "settled")
    #expect(till.net.transfers == 1)

    let blind = try X402Till(hasNode: false)
    blind.net.fail([.pending(waits: true), .pending(waits: true), .pending(waits: true)])
    let second = try await blind.payment(try blind.v2())
    #expect(await blind.settle(second).name == "unknown")
    #expect(await blind.recover(second).name == "settled")
    let bodies = blind.net.sent.filter { $0.url.hasSuffix("/settle") }.map(\.verb)
    #expect(bodies.count == 4)
    #expect(bodies.allSatisfy { $0 == bodies[0] })
  }

  @Test("a payment whose time is over is refused before anyone is asked")
  func expired() async throws {
    let till = try X402Till()
    let payment = try await till.payment(
      try till.v2(try till.payload(try till.authorization { $0.validBefore = UInt256(1_800_000_009) })))
    #expect(await till.settle(payment).name == "rejected expired")
    #expect(till.net.calls.isEmpty)
    let good = try await till.payment(
      try till.v2(try till.payload(try till.authorization { $0.validBefore = UInt256(1_800_000_010) })))
    #expect(await till.settle(good).name == "settled")
  }

  @Test(
    "a refusal of /verify is the payer's to mend",
    arguments: [
      ("insufficient_funds", "rejected insufficient_funds"),
      ("invalid_exact_evm_insufficient_balance", "rejected insufficient_funds"),
      ("invalid_exact_evm_nonce_already_used", "rejected spent"),
      ("invalid_exact_evm_payload_authorization_valid_before", "rejected expired"),
      ("invalid_exact_evm_payload_signature", "rejected invalid"),
      ("something_new", "rejected invalid"),
      ("invalid_network", "not sent"),
      ("unexpected_verify_error", "not sent"),
      ("invalid_exact_evm_failed_to_verify_signature", "not sent"),
      ("invalid_exact_evm_transaction_simulation_failed", "not sent"),
    ])
  func refused(reason: String, end: String) async throws {
    let till = try X402Till()
    till.net.answerVerify([ScriptedNet.reply(200, "{\"isValid\":false,\"invalidReason\":\"\(reason)\"}")])
    #expect(await till.settle(try await till.payment(try till.v2())).name == end)
    #expect(till.net.count("/settle") == 0)
  }

  @Test(
    "the next facilitator is asked when the first gives no verdict, or has not looked at the call",
    arguments: [
      OutboundReply.silent(.notSent), .silent(.timedOut), ScriptedNet.reply(500, "{\"isValid\":true}"),
      ScriptedNet.reply(200, "<html>"), ScriptedNet.reply(429, "{}"),
    ])
  func second(reply: OutboundReply) async throws {
    let till = try X402Till(hasSecond: true)
    till.net.answerVerify([reply])
    #expect(await till.settle(try await till.payment(try till.v2())).name == "settled")
    #expect(till.net.count("/settle") == 0)
    #expect(till.net.count("second/settle") == 1)

    let turned = try X402Till(hasSecond: true)
    turned.net.fail([.notSent])
    #expect(await turned.settle(try await turned.payment(try turned.v2())).name == "settled")
    #expect(turned.net.count("second/settle") == 1)
  }

  @Test("no other facilitator is asked to settle what the first may have settled")
  func noSecond() async throws {
    let till = try X402Till(hasSecond: true)
    till.net.fail([.lostBefore])
    #expect(await till.settle(try await till.payment(try till.v2())).name == "unknown")
    #expect(till.net.count("second/settle") == 0)
  }

  @Test("a step that cannot be written down is not taken")
  func notRecorded() async throws {
    let till = try X402Till()
    let payment = try await till.payment(try till.v2())
    let claim = Claim(term: ClaimTerm(payment: payment.id, number: 1), counterStarts: []) {
      _ throws(Outage) in
      throw Outage(.outage, "the disk is full")
    }
    #expect(await till.verifier.settle(payment, under: claim).name == "not sent")
    #expect(till.net.count("/settle") == 0)
  }
}
