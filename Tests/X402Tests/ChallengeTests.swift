import Gate
import JSON
import Octets
import Testing

@testable import X402

@Suite("The 402")
struct ChallengeTests {
  static let occasion = Challenge.Occasion(resource: "https://shop.test/paid?x=1", reason: "payment_required")

  static func text(_ till: X402Till, _ occasion: Challenge.Occasion = occasion) throws -> Challenge.Text {
    try #require(till.verifier.challenge(for: till.quote.tariff)).text(for: occasion)
  }

  static func required(_ text: Challenge.Text) throws -> JSON {
    let field = try #require(text.fields.first)
    #expect(field.name == "payment-required")
    return try JSONReader.read(try #require(Base64.decode(field.value.utf8)))
  }

  @Test("a 402 asks in V2's header and V1's body for the same")
  func both() throws {
    let till = try X402Till()
    let text = try Self.text(till)
    let json = try Self.required(text)
    #expect(json["x402Version"]?.unsigned == 2)
    #expect(json["error"]?.string == "payment_required")
    #expect(json["resource"]?["url"]?.string == "https://shop.test/paid?x=1")
    #expect(json["extensions"]?["payment-identifier"]?["info"]?["required"]?.bool == false)
    let accept = try #require(json["accepts"]?.array?.first)
    #expect(accept["scheme"]?.string == "exact")
    #expect(accept["network"]?.string == "eip155:84532")
    #expect(accept["amount"]?.string == "10000")
    #expect(accept["payTo"]?.string == X402Till.payTo)
    #expect(accept["maxTimeoutSeconds"]?.unsigned == 120)
    #expect(accept["extra"]?["name"]?.string == "USDC")
    #expect(accept["extra"]?["version"]?.string == "2")
    #expect(accept["extra"]?["paymentFlow"]?.string == "upfront")
    #expect(text.members.map(\.name) == ["x402Version", "accepts"])
    #expect(text.members[0].json == "1")
    let old = try #require(try JSONReader.read(Array(text.members[1].json.utf8)).array?.first)
    #expect(old["network"]?.string == "base-sepolia")
    #expect(old["maxAmountRequired"]?.string == "10000")
    #expect(old["resource"]?.string == "https://shop.test/paid?x=1")
    #expect(old["extra"]?["turnpikeSecret"] == nil)
    #expect(text.ways == [Challenge.Way(title: "x402 (USDC on Base Sepolia)", price: "0.01 USDC", code: nil)])
  }

  @Test("each 402 has a secret of its own")
  func secrets() throws {
    let till = try X402Till()
    let secrets = try (0..<3).map { _ in
      try Self.secret(till)
    }
    #expect(Set(secrets).count == 3)
    #expect(secrets.allSatisfy { $0.utf8.count == 32 })
  }

  @Test("what a client signs for our 402 is accepted")
  func answered() async throws {
    let till = try X402Till()
    let field = try #require(try Self.text(till).fields.first)
    let header = try till.payer.payment(for: field.value.utf8, limit: 10_000, now: till.clock.now())
    #expect(await till.settle(try await till.payment(header)).name == "settled")
    #expect(throws: DevPayer.Fault.tooDear("10000")) {
      try till.payer.payment(for: field.value.utf8, limit: 9_999, now: till.clock.now())
    }
    #expect(throws: DevPayer.Fault.unreadable) {
      try till.payer.payment(for: "e30=".utf8, limit: 1, now: till.clock.now())
    }
  }

  @Test("a 402 stays small: three offers and a long address leave room for the other schemes")
  func size() throws {
    let others = try ["base", "polygon"].map {
      try X402Configuration.Accept(asset: try Asset.known(on: $0), payTo: X402Till.payTo)
    }
    let long = "https://shop.test/paid?" + String(repeating: "x", count: 4000)
    for (count, most) in [(0, 1100), (1, 1600), (2, 2100)] {
      let till = try X402Till(accepts: Array(others.prefix(count))) {
        $0.facilitators[0].networks = nil
      }
      let text = try Self.text(till, Challenge.Occasion(resource: long, reason: "payment_required"))
      #expect(text.fields[0].value.utf8.count <= most, "\(count + 1) offers")
      #expect(try Self.required(text)["resource"]?["url"]?.string == "https://shop.test/paid")
    }
  }

  @Test("what the facilitator does not support is not offered, and not taken")
  func unsupported() async throws {
    let till = try X402Till()
    till.net.setSupported(
      "{\"kinds\":[{\"x402Version\":1,\"scheme\":\"exact\",\"network\":\"base-sepolia\"}]}")
    await Self.listen(till)
    let text = try Self.text(till)
    #expect(text.fields.isEmpty)
    #expect(text.members.count == 2)
    let payment = try await till.payment(try till.v2())
    #expect(throws: Outage.self) { try till.verifier.admit(payment, from: nil) }
    let old = try await till.payment(try till.v1())
    try till.verifier.admit(old, from: nil)
    #expect(
      till.verifier.facilitatorsHeard.map(\.state) == [.lacks(["exact on eip155:84532 (x402 V2)"])])
  }

  @Test("a facilitator that was never heard is believed, and one that does all is ready")
  func heard() async throws {
    let till = try X402Till()
    #expect(till.verifier.facilitatorsHeard.map(\.state) == [.notHeard])
    try till.verifier.admit(try await till.payment(try till.v2()), from: nil)
    await Self.listen(till)
    #expect(till.verifier.facilitatorsHeard.map(\.state) == [.ready])
    till.net.setSupported("{\"kinds\":[{\"x402Version\":2,\"scheme\":\"exact\",\"network\":\"eip155:*\"}]}")
    await Self.listen(till)
    #expect(till.verifier.facilitatorsHeard.map(\.state) == [.lacks(["exact on eip155:84532 (x402 V1)"])])
    // Garbage is no news.
    till.net.setSupported("<html>")
    await Self.listen(till)
    #expect(till.verifier.facilitatorsHeard.map(\.state) == [.lacks(["exact on eip155:84532 (x402 V1)"])])
  }

  @Test("a Solana offer is made when a facilitator has named its fee payer")
  func feePayer() async throws {
    let asset = try Asset.known(on: "solana")
    let till = try X402Till(accepts: [
      try X402Configuration.Accept(asset: asset, payTo: "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4")
    ])
    #expect(try Self.required(Self.text(till))["accepts"]?.array?.count == 1)
    till.net.setSupported(
      """
      {"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"},{"x402Version":2,"scheme":"exact",\
      "network":"\(asset.network)","extra":{"feePayer":"EwWqGE4ZFKLofuestmU4LDdK7XM1N4ALgdZccwYugwGd"}}]}
      """)
    await Self.listen(till)
    let json = try Self.required(Self.text(till))
    let accepts = try #require(json["accepts"]?.array)
    #expect(accepts.count == 2)
    #expect(accepts[1]["extra"]?["feePayer"]?.string == "EwWqGE4ZFKLofuestmU4LDdK7XM1N4ALgdZccwYugwGd")
  }

  static func secret(_ till: X402Till) throws -> String {
    let accepts = try self.required(self.text(till))["accepts"]?.array
    return try #require(accepts?.first?["extra"]?["turnpikeSecret"]?.string)
  }

  /// One round of what `run()` does for ever.
  static func listen(_ till: X402Till) async { await till.verifier.refreshSupported() }
}
