import Digest
import Gate
import JSON
import Octets
import Testing

@testable import X402

@Suite("Judging a payment")
struct VerifierTests {
  @Test("a good payment names its payer, its value in its asset and its bearer's secret")
  func good() async throws {
    let till = try X402Till()
    let payment = try await till.payment(try till.v2())
    #expect(
      payment.value
        == Amount(10_000, Amount.Unit("eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e")))
    #expect(payment.payer == till.payer.address.description)
    #expect(payment.counterpart == "eip155:84532:\(X402Till.payTo)")
    #expect(payment.bearing == .secret(hash: SHA256.hash(Array(X402Till.secret.utf8))))
    #expect(payment.nullifiers.count == 1)
    #expect(payment.trust == .settlement)
    #expect(payment.name == nil)
    #expect(till.net.calls.isEmpty)
  }

  @Test("its work may take as long as its facilitators may take for their answers")
  func longestWork() throws {
    let till = try X402Till()
    let slow = try X402Till {
      $0.facilitators = $0.facilitators.map {
        .init(
          url: $0.url, networks: nil, authorization: nil, verifyTimeout: .seconds(10),
          settleTimeout: .seconds(120))
      }
    }
    #expect(slow.verifier.longestWork >= .seconds(130))
    #expect(till.verifier.longestWork < slow.verifier.longestWork)
  }

  @Test("without its secret, or in V1, only its first presentation counts")
  func firstPresentation() async throws {
    let till = try X402Till()
    let extra = till.accepted["extra"]?.with("turnpikeSecret", nil)
    let silent = try await till.payment(try till.v2(accepted: till.accepted.with("extra", extra)))
    let old = try await till.payment(try till.v1())
    #expect(silent.bearing == .firstPresentation)
    #expect(old.bearing == .firstPresentation)
  }

  @Test("one authorisation is one payment, in whatever version, text, secret or signature it comes")
  func identity() async throws {
    let till = try X402Till()
    let payment = try await till.payment(try till.v2())
    let extra = till.accepted["extra"]?.with("turnpikeSecret", .string("another"))
    let payload = try till.payload(try till.authorization())
    let upper = payload["authorization"]?.with(
      "from", .string("0x" + till.payer.address.description.dropFirst(2).uppercased()))
    for header in [
      try till.v1(), try till.v2(accepted: till.accepted.with("extra", extra)),
      try till.v2(payload.with("authorization", upper)),
      // A smart account's signature, which is not ours to judge.
      try till.v2(payload.with("signature", .string("0x00112233"))),
    ] {
      let again = try await till.payment(header)
      #expect(again.id == payment.id)
      #expect(again.nullifiers == payment.nullifiers)
    }
    let other = try await till.payment(
      try till.v2(try till.payload(try till.authorization { $0.nonce[31] = 1 })))
    #expect(other.id != payment.id)
    #expect(other.nullifiers != payment.nullifiers)
  }

  /// What is changed in the authorisation before it is signed.
  @Test(
    "what a payer signed must be what was asked",
    arguments: [
      (Change.value(9_999), Rejection.wrongAmount), (.value(10_001), .wrongAmount), (.value(0), .wrongAmount),
      (.to(X402Till.stranger), .wrongPayee), (.from(X402Till.stranger), .invalid),
      (.validAfter(1_800_000_001), .invalid), (.domain(chainID: 1), .invalid), (.name("USD Coin"), .invalid),
    ])
  func signed(change: Change, rejection: Rejection) async throws {
    let till = try X402Till()
    var domain = try #require(Asset.known(on: "base-sepolia").domain)
    let authorization = try till.authorization { authorization in
      switch change {
      case .value(let value): authorization.value = UInt256(value)
      case .to(let text): authorization.to = Address(text) ?? authorization.to
      case .from(let text): authorization.from = Address(text) ?? authorization.from
      case .validAfter(let seconds): authorization.validAfter = UInt256(seconds)
      case .domain(let chainID): domain.chainID = chainID
      case .name(let name): domain.name = name
      }
    }
    let payload = try till.payload(authorization, domain: domain)
    #expect(try await till.verify(try till.v2(payload)).rejection == rejection)
    #expect(try await till.verify(try till.v1(payload)).rejection == rejection)
  }

  enum Change: Sendable {
    case value(UInt64)
    case to(String)
    case from(String)
    case validAfter(UInt64)
    case domain(chainID: UInt64)
    case name(String)
  }

  @Test(
    "what a payer agreed to must be what was asked",
    arguments: [
      ("scheme", JSON.string("upto"), Rejection?.some(.wrongScheme)),
      ("network", .string("eip155:8453"), .wrongNetwork),
      ("network", .string("base-sepolia"), .wrongNetwork), ("asset", .string(X402Till.stranger), .wrongAsset),
      ("payTo", .string(X402Till.stranger), .wrongPayee), ("amount", .string("9999"), .wrongAmount),
      ("amount", .string("10001"), .wrongAmount), ("amount", .unsigned(10_000), .wrongAmount),
      ("amount", .string("1e4"), .wrongAmount), ("maxTimeoutSeconds", .unsigned(121), .malformed),
      ("maxTimeoutSeconds", .string("120"), .malformed), ("scheme", .null, .malformed),
      ("extra", .null, .malformed),
      ("asset", .string("0x036CBD53842C5426634E7929541EC2318F3DCF7E".replacing("0X", with: "0x")), nil),
      ("payTo", .string(X402Till.payTo.lowercased()), nil),
    ])
  func agreed(member: String, value: JSON, rejection: Rejection?) async throws {
    let till = try X402Till()
    #expect(
      try await till.verify(try till.v2(accepted: till.accepted.with(member, value))).rejection == rejection)
  }

  @Test(
    "every member of extra that we ask comes back, and others may be there",
    arguments: [
      ("name", JSON.string("USD Coin"), Rejection?.some(.malformed)), ("version", .string("1"), .malformed),
      ("paymentFlow", .string("authorization"), .malformed), ("paymentFlow", .null, .malformed),
      ("turnpikeSecret", .unsigned(1), .malformed), ("turnpikeSecret", .string(""), .malformed),
      ("turnpikeSecret", .string(String(repeating: "a", count: 129)), .malformed),
      ("turnpikeSecret", .string("mine"), nil), ("more", .array([.bool(true)]), nil),
    ])
  func extra(member: String, value: JSON, rejection: Rejection?) async throws {
    let till = try X402Till()
    let extra = till.accepted["extra"]?.with(member, value)
    #expect(
      try await till.verify(try till.v2(accepted: till.accepted.with("extra", extra))).rejection == rejection)
  }

  @Test("V1 names of other networks and schemes are refused")
  func v1() async throws {
    let till = try X402Till()
    #expect(try await till.verify(try till.v1(network: "base")).rejection == .wrongNetwork)
    #expect(try await till.verify(try till.v1(network: "eip155:84532")).rejection == .wrongNetwork)
    #expect(try await till.verify(try till.v1(scheme: "upto")).rejection == .wrongScheme)
    #expect(try await till.verify(try till.v1()).payment != nil)
  }

  @Test("a version that is not accepted is refused")
  func versions() async throws {
    let only2 = try X402Till(versions: [.v2])
    #expect(try await only2.verify(try only2.v1()).rejection == .wrongScheme)
    #expect(try await only2.verify(try only2.v2()).payment != nil)
    let only1 = try X402Till(versions: [.v1])
    #expect(try await only1.verify(try only1.v2()).rejection == .wrongScheme)
  }

  @Test("a route that has no price in the asset is not paid with it")
  func noPrice() async throws {
    let till = try X402Till()
    let quote = Quote(tariff: Tariff(prices: [Amount(10, .sat)], terms: .uses(1)), scope: till.quote.scope)
    for header in [try till.v2(), try till.v1()] {
      #expect(try await till.verify(header, quote: quote).rejection == .wrongAsset)
    }
    #expect(till.verifier.challenge(for: quote.tariff) == nil)
  }

  @Test("in V1 the asset is the one whose domain was signed")
  func v1Assets() async throws {
    let network = try #require(Network("base-sepolia"))
    let other = try Asset(
      network: network, address: "0x" + String(repeating: "4", count: 40), name: "Other", version: "1",
      decimals: 6)
    let till = try X402Till(accepts: [try X402Configuration.Accept(asset: other, payTo: X402Till.payTo)])
    let domain = try #require(other.domain)
    let payment = try await till.payment(
      try till.v1(try till.payload(try till.authorization(), domain: domain)))
    #expect(payment.value.unit == other.unit)
    #expect(try await till.payment(try till.v1()).value.unit != other.unit)
  }

  static let permit = """
    {"signature":"0x0011","permit2Authorization":{"permitted":{"token":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",\
    "amount":"10000"},"from":"0x1563915e194D8CfBA1943570603F7606A3115508",\
    "spender":"0x402085c248EeA27D92E8b30b2C58ed07f9E20001","nonce":"77","deadline":"1800000120",\
    "witness":{"to":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","validAfter":"0"}}}
    """

  static func permitTill() throws -> X402Till {
    try X402Till(accepts: [
      try X402Configuration.Accept(
        asset: try Asset.known(on: "base-sepolia"), payTo: X402Till.payTo, transfer: .permit2)
    ])
  }

  @Test("a permit's members are judged here, its signature by the facilitator")
  func permit2() async throws {
    let till = try Self.permitTill()
    let extra = till.accepted["extra"]?.with("assetTransferMethod", .string("permit2"))
    let accepted = till.accepted.with("extra", extra)
    func verdict(_ old: String = "", _ new: String = "") async throws -> Verdict {
      let text = old.isEmpty ? Self.permit : Self.permit.replacing(old, with: new)
      return try await till.verify(try till.v2(try JSONReader.read(Array(text.utf8)), accepted: accepted))
    }
    let good = try await verdict()
    let payment = try #require(good.payment)
    #expect(payment.payer == "0x1563915e194D8CfBA1943570603F7606A3115508")
    #expect(try await verdict("\"10000\"", "\"9999\"").rejection == .wrongAmount)
    #expect(try await verdict("0x2096", "0x3096").rejection == .wrongPayee)
    #expect(try await verdict("0x036C", "0x136C").rejection == .wrongAsset)
    #expect(try await verdict("0x4020", "0x5020").rejection == .invalid)
    #expect(try await verdict("\"validAfter\":\"0\"", "\"validAfter\":\"1800000001\"").rejection == .invalid)
    #expect(try await verdict("\"77\"", "\"78\"").payment?.id != payment.id)
    #expect(await till.settle(payment).name == "rejected invalid", "the scripted chain knows no permits")
  }

  @Test("a Solana transaction is one payment however it is signed, and is the facilitator's to judge")
  func svm() async throws {
    let asset = try Asset.known(on: "solana")
    let payTo = "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4"
    let till = try X402Till(accepts: [try X402Configuration.Accept(asset: asset, payTo: payTo)])
    let accepted = JSON.record([
      "scheme": .string("exact"), "network": .string(asset.network.name), "asset": .string(asset.address),
      "amount": .string("10000"), "payTo": .string(payTo), "maxTimeoutSeconds": .unsigned(120),
      "extra": .record(["feePayer": .string("F1"), "paymentFlow": .string("upfront")]),
    ])
    func header(signature: UInt8, message: [UInt8]) throws -> String {
      let bytes = [2] + [UInt8](repeating: signature, count: 128) + message
      return try till.v2(.record(["transaction": .string(Base64.encode(bytes))]), accepted: accepted)
    }
    let payment = try await till.payment(try header(signature: 0, message: [1, 2, 3]))
    #expect(payment.payer == nil)
    #expect(payment.value.unit.name == "\(asset.network)/token:\(asset.address)")
    #expect(try await till.payment(try header(signature: 9, message: [1, 2, 3])).id == payment.id)
    #expect(try await till.payment(try header(signature: 0, message: [1, 2, 4])).id != payment.id)
    #expect(try await till.verify(try header(signature: 0, message: [])).rejection == .malformed)
    #expect(try await till.verify(try till.v2(accepted: accepted)).rejection == .malformed)
    // Without an answer there is nothing to look it up with.
    till.net.failAlways(.lostAfter)
    #expect(await till.settle(payment).name == "unknown")
    let limits = till.configuration.limits
    for sends in SettlementTests.sendsOfOneRun..<limits.maxSends {
      till.clock.advance(limits.wait(after: sends).components.seconds)
      #expect(await till.recover(payment).name == (sends + 1 < limits.maxSends ? "unknown" : "stuck"))
    }
    #expect(till.net.count("/settle") == limits.maxSends)
  }

  @Test(
    "a payer's name for a payment is bound to it",
    arguments: [
      ("pay_7d5d747be160e280504c099d984bcfe0", true), ("short", false),
      (String(repeating: "a", count: 129), false),
      ("pay 7d5d747be160e280504c099d984bcfe0", false), (String(repeating: "a", count: 16), true),
    ])
  func identifier(text: String, isGood: Bool) async throws {
    let till = try X402Till()
    let extensions = JSON.record([
      "payment-identifier": .record(["info": .record(["required": .bool(false), "id": .string(text)])])
    ])
    let verdict = try await till.verify(try till.v2(extensions: extensions))
    #expect((verdict.payment?.name != nil) == isGood)
    #expect(verdict.rejection == (isGood ? nil : .malformed))
    let unnamed = JSON.record(["payment-identifier": .record(["info": .record(["required": .bool(false)])])])
    #expect(try await till.payment(try till.v2(extensions: unnamed)).name == nil)
  }

  @Test("a name is its payer's own: a stranger who pays under it takes it from nobody")
  func namesOfPayers() async throws {
    let text = "order-0000000000000001"
    let till = try X402Till()
    let extensions = JSON.record([
      "payment-identifier": .record(["info": .record(["required": .bool(false), "id": .string(text)])])
    ])
    let identifier = try #require(PaymentIdentifier(text))
    let name = try await till.payment(try till.v2(extensions: extensions)).name
    #expect(name == identifier.name(by: till.payer.address.description))
    #expect(name != identifier.name(by: X402Till.stranger))
    #expect(name != identifier.name(by: nil))
  }

  @Test(
    "what is no payload is malformed, whatever it is",
    arguments: [
      "%%%", "e30=", "e30", "", "bnVsbA==", X402Till.header(.record(["x402Version": .unsigned(3)])),
      X402Till.header(
        .record(["x402Version": .unsigned(2), "accepted": .record([:]), "payload": .record([:])])),
      X402Till.header(.record(["x402Version": .string("2")])),
      Base64.encode("{\"x402Version\":1,\"x402Version\":2}".utf8),
      String(repeating: "A", count: 16_388),
    ])
  func malformed(header: String) async throws {
    #expect(try await X402Till().verify(header).rejection == .malformed)
  }

  @Test(
    "a payload with a member that is no such thing is malformed",
    arguments: [
      ("nonce", "0x12"), ("nonce", String(repeating: "1", count: 64)), ("from", "0x12"), ("value", "-1"),
      ("value", "0x2710"), ("validBefore", ""), ("validAfter", "now"),
    ])
  func malformedMember(member: String, value: String) async throws {
    let till = try X402Till()
    let payload = try till.payload(try till.authorization())
    let changed = payload["authorization"]?.with(member, .string(value))
    #expect(
      try await till.verify(try till.v2(payload.with("authorization", changed))).rejection == .malformed)
    #expect(
      try await till.verify(try till.v2(payload.with("signature", .string("00")))).rejection == .malformed)
  }

  @Test("each header is one offer, two are two, and lines that a proxy joined are told apart")
  func offers() throws {
    let till = try X402Till()
    func offers(_ fields: [(StaticString, String)]) -> [String] {
      var list = FieldList()
      for (name, value) in fields { list.append(name, value.utf8) }
      let request = AccessRequest(
        adapter: .envoy, method: .get, target: "/paid".utf8, host: "shop.test".utf8, id: [UInt8]?.none,
        client: nil,
        fields: list)
      return till.verifier.offers(in: request).map { String(decoding: $0.bytes, as: UTF8.self) }
    }
    #expect(offers([]).isEmpty)
    #expect(offers([("payment-signature", "")]).isEmpty)
    #expect(offers([("payment-signature", "abc=")]) == ["abc="])
    #expect(offers([("x-payment", "v1"), ("payment-signature", "v2")]).count == 2)
    #expect(offers([("x-payment", "one, two")]) == ["one", "two"])
  }

  @Test("a stored plan is read as it was written")
  func plan() async throws {
    let till = try X402Till()
    let payment = try await till.payment(try till.v2())
    var plan = try #require(SettlePlan(decoding: payment.plan))
    plan.trace = SettlePlan.Trace(
      facilitator: "http://f.test", sends: 2, sentAt: till.clock.now(), firstSentAt: till.clock.now(),
      block: 7, transactions: ["0xab", "0xcd"], isUnheard: true)
    #expect(SettlePlan(decoding: plan.encoded()) == plan)
    for mark in [
      SettlePlan.Mark.none, .permit(owner: till.payer.address, nonce: UInt256(1), deadline: UInt256(2)),
    ] {
      plan.mark = mark
      #expect(SettlePlan(decoding: plan.encoded()) == plan)
    }
    #expect(SettlePlan(decoding: Array(plan.encoded().dropLast())) == nil)
    #expect(SettlePlan(decoding: []) == nil)
  }
}
