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

  /// What is true after the first `/settle`, and so how settling ends.
  enum Truth: Sendable {
    /// The same body, sent again, is a payment.
    case nothingMoved
    /// Only the chain shows it, or a facilitator that remembers.
    case moved
    /// At once: no call may have been acted on.
    case ends(String)
  }

  static let faults: [(name: String, fault: ScriptedNet.Fault, truth: Truth)] = [
    ("R3: a time-out, and nothing happened", .lostBefore, .nothingMoved),
    ("R3: a time-out, and the money moved", .lostAfter, .moved),
    (
      "R4: a page of HTML with 502", .reply(status: 502, body: "<html>bad gateway</html>", moves: false),
      .nothingMoved
    ),
    ("R4: the same, and the money moved", .reply(status: 502, body: "<html>", moves: true), .moved),
    (
      "R5: 503 with the body of a success", .reply(status: 503, body: success, moves: false), .nothingMoved
    ),
    ("R6: an answer that is no JSON", .reply(status: 200, body: "done", moves: false), .nothingMoved),
    (
      "R7: a truncated answer", .reply(status: 200, body: String(success.dropLast(9)), moves: true), .moved
    ),
    ("R8: pending, and then in a block", .pending(waits: false), .moved),
    (
      "R9: invalid_transaction_state",
      .reply(status: 200, body: failure("invalid_transaction_state"), moves: false), .nothingMoved
    ),
    ("an unknown reason", .reply(status: 200, body: failure("out_of_gas"), moves: false), .nothingMoved),
    ("no reason at all", .reply(status: 200, body: "{\"success\":false}", moves: false), .nothingMoved),
    (
      "a used nonce",
      .reply(status: 200, body: failure("invalid_exact_evm_nonce_already_used"), moves: false), .nothingMoved
    ),
    (
      "an error of its own", .reply(status: 200, body: failure("unexpected_settle_error"), moves: true),
      .moved
    ),
    (
      "a reason with network in its name", .reply(status: 200, body: failure("network_error"), moves: true),
      .moved
    ),
    ("402 again", .reply(status: 402, body: "{\"error\":\"payment required\"}", moves: true), .moved),
    (
      "a success without a transaction",
      .reply(status: 200, body: "{\"success\":true,\"network\":\"eip155:84532\"}", moves: false),
      .nothingMoved
    ),
    (
      "a success on another network",
      .reply(status: 200, body: success.replacing("84532", with: "1"), moves: false), .nothingMoved
    ),
    ("a redirect", .reply(status: 302, body: "", moves: false), .nothingMoved),
    (
      "no money, of a transaction that was sent",
      .reply(status: 200, body: failure("insufficient_funds", "0xabc"), moves: false), .nothingMoved
    ),
    ("there is no connection", .notSent, .ends("not sent")),
    ("too many calls", .reply(status: 429, body: "{}", moves: false), .ends("not sent")),
    ("a wrong key", .reply(status: 401, body: "{}", moves: false), .ends("not sent")),
    (
      "our side refused", .reply(status: 200, body: failure("invalid_network"), moves: false),
      .ends("not sent")
    ),
    (
      "no money", .reply(status: 200, body: failure("insufficient_funds"), moves: false),
      .ends("rejected insufficient_funds")
    ),
    (
      "a judgement with 400", .reply(status: 400, body: failure("invalid_payload"), moves: false),
      .ends("rejected malformed")
    ),
  ]

  static let success = "{\"success\":true,\"transaction\":\"0xabcdef\",\"network\":\"eip155:84532\"}"

  static func failure(_ reason: String, _ transaction: String = "") -> String {
    "{\"success\":false,\"errorReason\":\"\(reason)\",\"transaction\":\"\(transaction)\",\"network\":\"eip155:84532\"}"
  }

  /// In one run: at 0, 2, 6 and 14 s of 20.
  static let sendsOfOneRun = 4

  @Test(
    "a fault of a facilitator that passes is waited out, and its payer need not sign again",
    arguments: faults.indices)
  func passingFault(_ index: Int) async throws {
    let row = Self.faults[index]
    for hasNode in [true, false] {
      let till = try X402Till(hasNode: hasNode)
      till.net.rememberSettled()
      till.net.fail([row.fault])
      let settlement = await till.settle(try await till.payment(try till.v2()))
      let (end, sends) =
        switch row.truth {
        case .nothingMoved: ("settled", 2)
        case .moved: ("settled", hasNode ? 1 : 2)
        case .ends(let end): (end, 1)
        }
      #expect(settlement.name == end, "\(row.name), \(hasNode ? "with" : "without") a node")
      #expect(till.net.count("/settle") == sends)
      #expect(till.net.transfers == (end == "settled" ? 1 : 0))
    }
  }

  @Test(
    "no fault of a facilitator that lasts serves what is not paid, or forgets what is",
    arguments: faults.indices)
  func lastingFault(_ index: Int) async throws {
    let row = Self.faults[index]
    for hasNode in [true, false] {
      let till = try X402Till(hasNode: hasNode)
      till.net.failAlways(row.fault)
      let settlement = await till.settle(try await till.payment(try till.v2()))
      let (end, sends) =
        switch row.truth {
        case .nothingMoved: ("unknown", Self.sendsOfOneRun)
        case .moved: hasNode ? ("settled", 1) : ("unknown", Self.sendsOfOneRun)
        case .ends(let end): (end, 1)
        }
      #expect(settlement.name == end, "\(row.name), \(hasNode ? "with" : "without") a node")
      #expect(till.net.count("/settle") == sends)
      #expect(till.net.transfers <= 1)
    }
  }

  @Test("a transaction that failed is refused where the chain shows it, and sent again where none is asked")
  func reverted() async throws {
    for (hasNode, end, transfers) in [(true, "rejected invalid", 0), (false, "settled", 1)] {
      let till = try X402Till(hasNode: hasNode)
      till.net.fail([.reverts])
      #expect(await till.settle(try await till.payment(try till.v2())).name == end)
      #expect(till.net.transfers == transfers)
    }
  }

  @Test("every call of one payment has the same body, and is written down before it is made")
  func sameBody() async throws {
    let till = try X402Till(hasNode: false)
    till.net.failAlways(.lostAfter)
    _ = await till.settle(try await till.payment(try till.v2()))
    let bodies = till.net.sent.filter { $0.url.hasSuffix("/settle") }.map(\.verb)
    #expect(bodies.count == Self.sendsOfOneRun)
    #expect(bodies.allSatisfy { $0 == bodies[0] })
    #expect(till.storedPlan?.trace.sends == Self.sendsOfOneRun)
    #expect(till.storedPlan?.trace.isUnheard == true)
  }

  @Test("without a node, a used nonce ends nothing by its facilitator's word, and is held in the end")
  func blind() async throws {
    let till = try X402Till(hasNode: false, isPatient: false) { $0.limits.resendAfter = .seconds(1) }
    till.net.fail([.lostAfter])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    #expect(await till.recover(payment).name == "unknown")
    #expect(till.net.count("/settle") == 1, "the wait is not over")
    for (sends, wait) in [(2, 1), (3, 2), (4, 4), (5, 8)] {
      till.clock.advance(Int64(wait))
      #expect(await till.recover(payment).name == "unknown")
      #expect(till.net.count("/settle") == sends)
    }
    // 15 s of 120 are gone.
    till.clock.advance(96)
    #expect(await till.recover(payment).name == "stuck", "its time is over, and it may have moved")
    #expect(till.net.count("/settle") == 5, "no call goes out that late")
    #expect(till.net.transfers == 1)
  }

  @Test("without a node, a payment is not sent more often than the limit")
  func blindLimit() async throws {
    let till = try X402Till(hasNode: false, isPatient: false) { $0.limits.maxSends = 3 }
    till.net.failAlways(.lostBefore)
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    till.clock.advance(2)
    #expect(await till.recover(payment).name == "unknown")
    till.clock.advance(4)
    #expect(await till.recover(payment).name == "stuck")
    #expect(till.net.count("/settle") == 3)
  }

  @Test("a process that died in the call sends the same body again where there is no node to ask")
  func diedBlind() async throws {
    for isRemembered in [true, false] {
      let till = try X402Till(hasNode: false)
      if isRemembered { till.net.rememberSettled() }
      let payment = try await till.payment(try till.v2())
      _ = await till.settle(payment)
      #expect(till.storedPlan?.trace.isUnheard == true)
      #expect(await till.recover(payment).name == (isRemembered ? "settled" : "unknown"))
      #expect(till.net.count("/settle") == 2)
      #expect(till.net.transfers == 1)
    }
  }

  @Test("a run stays as long as the request's deadline allows, and a run that takes over sends once")
  func patience() async throws {
    for (deadline, sends) in [(9, 1), (12, 2), (29, 4), (60, 5)] {
      let till = try X402Till { $0.limits = X402Configuration.Limits(deadline: .seconds(deadline)) }
      till.net.failAlways(.lostBefore)
      let payment = try await till.payment(try till.v2())
      #expect(await till.settle(payment).name == "unknown")
      #expect(till.net.count("/settle") == sends)
      till.clock.advance(40)
      #expect(await till.recover(payment).name == "unknown")
      #expect(till.net.count("/settle") == sends + 1)
    }
  }

  @Test("a payment whose answer was lost while its node was deaf is found when that hears again")
  func recovered() async throws {
    let till = try X402Till(isPatient: false)
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
    let till = try X402Till(isPatient: false)
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
    let till = try X402Till(isPatient: false) { $0.limits.maxSends = 3 }
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
    let till = try X402Till(isPatient: false)
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
    let till = try X402Till(isPatient: false)
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
    let till = try X402Till(isPatient: false)
    till.net.fail([.lostBefore, .reply(status: 200, body: Self.failure("insufficient_funds"), moves: false)])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    till.clock.advance(16)
    #expect(await till.recover(payment).name == "unknown")
  }

  @Test("a nonce that its payer used for somebody else is spent, however much he sent us otherwise")
  func usedOtherwise() async throws {
    let till = try X402Till(isPatient: false)
    till.net.fail([.lostBefore])
    let authorization = try till.authorization()
    let payment = try await till.payment(try till.v2(try till.payload(authorization)))
    #expect(await till.settle(payment).name == "unknown")
    till.net.use(authorization, logs: ScriptedNet.logs(of: authorization, to: Address(X402Till.stranger)))
    #expect(await till.recover(payment).name == "rejected spent")
  }

  @Test("one transfer is not shown for two payments of one transaction")
  func mixed() async throws {
    let till = try X402Till(isPatient: false)
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
    let till = try X402Till(isPatient: false)
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
    let till = try X402Till(isPatient: false)
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
    let till = try X402Till(isPatient: false)
    till.net.fail([.pending(waits: true)])
    let payment = try await till.payment(try till.v2())
    #expect(await till.settle(payment).name == "unknown")
    till.net.mine()
    #expect(await till.recover(payment).name == "settled")
    #expect(till.net.count("/settle") == 1)
    #expect(till.net.transfers == 1)

    let blind = try X402Till(hasNode: false)
    blind.net.fail([.pending(waits: true), .pending(waits: true), .pending(waits: true)])
    #expect(await blind.settle(try await blind.payment(try blind.v2())).name == "settled")
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
    till.net.fail([.lostBefore, .notSent, .lostBefore])
    #expect(await till.settle(try await till.payment(try till.v2())).name == "settled")
    #expect(till.net.count("/settle") == 4)
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
