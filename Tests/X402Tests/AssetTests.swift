import Gate
import Testing
import X402

@Suite("Assets and prices")
struct AssetTests {
  @Test("a network is known by its CAIP-2 name and by V1's")
  func networks() throws {
    let network = try #require(Network("base-sepolia"))
    #expect(network == Network("eip155:84532"))
    #expect(network.family == .evm(chainID: 84532))
    #expect(network.nameV1 == "base-sepolia")
    #expect(network.title == "Base Sepolia")
    #expect(Network("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")?.family == .svm)
    let unnamed = try #require(Network("eip155:31337"))
    #expect(unnamed.nameV1 == nil)
  }

  @Test(
    "what is no network's name is refused",
    arguments: [
      "", "base-goerli", "eip155", "eip155:", "eip155:0", "eip155:08453", "eip155:-1", "eip155:1:2",
      "solana:", "solana:0OIl", "bip122:000000000019d6689c085ae165831e93",
    ])
  func noNetwork(text: String) { #expect(Network(text) == nil) }

  @Test("the dollar of a network has the name that its contract signs with")
  func names() throws {
    #expect(Asset.dollar(on: try #require(Network("base")))?.name == "USD Coin")
    #expect(Asset.dollar(on: try #require(Network("base-sepolia")))?.name == "USDC")
    #expect(Asset.dollar(on: try #require(Network("megaeth")))?.decimals == 18)
    #expect(Asset.dollar(on: try #require(Network("eip155:31337"))) == nil)
    #expect(Asset.named("usdc", on: try #require(Network("polygon")))?.name == "USD Coin")
    #expect(Asset.named("DAI", on: try #require(Network("polygon"))) == nil)
  }

  @Test("every asset of the table has an address with the right checksum, and a unit of its own")
  func table() {
    for asset in Asset.known where asset.network.name.hasPrefix("eip155:") {
      #expect(Address(asset.address)?.description == asset.address)
      #expect(asset.domain != nil)
    }
    #expect(Set(Asset.known.map(\.unit)).count == Asset.known.count)
  }

  @Test("a unit is the CAIP-19 name, the same however the address was written")
  func unit() throws {
    let network = try #require(Network("base-sepolia"))
    let asset = try Asset(
      network: network, address: "0x036CBD53842C5426634E7929541EC2318F3DCF7E".replacing("0X", with: "0x"),
      name: "USDC", version: "2", decimals: 6)
    #expect(asset.unit.name == "eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e")
    #expect(asset.unit == Asset.dollar(on: network)?.unit)
    #expect(asset.address == "0x036CbD53842c5426634e7929541eC2318f3dCF7e")
  }

  @Test("an asset of the operator's own is refused where it cannot be paid")
  func ownAsset() throws {
    let network = try #require(Network("base"))
    #expect(throws: Asset.Fault.address("0x12")) {
      try Asset(network: network, address: "0x12", name: "X", version: "1", decimals: 6)
    }
    #expect(throws: Asset.Fault.checksum("0x036cBD53842c5426634e7929541eC2318f3dCF7e")) {
      try Asset(
        network: network, address: "0x036cBD53842c5426634e7929541eC2318f3dCF7e", name: "X", version: "1",
        decimals: 6)
    }
    #expect(throws: Asset.Fault.decimals(37)) {
      try Asset(
        network: network, address: "0x" + String(repeating: "1", count: 40), name: "X", version: "1",
        decimals: 37)
    }
    #expect(throws: Asset.Fault.noName) {
      try Asset(
        network: network, address: "0x" + String(repeating: "1", count: 40), name: "", version: "1",
        decimals: 6)
    }
  }

  @Test(
    "a decimal price is exact",
    arguments: [
      ("0.01", 10_000), ("0.001", 1000), ("1", 1_000_000), ("1.50", 1_500_000), ("0.000001", 1),
      ("0.0100000000", 10_000), ("9223372036854.775807", 9_223_372_036_854_775_807), ("007.5", 7_500_000),
    ])
  func price(text: String, value: UInt64) throws {
    let asset = try Asset.known(on: "base")
    #expect(try Price.amount(text, of: asset) == Amount(value, asset.unit))
  }

  @Test("a price that cannot be paid exactly is refused, with the reason")
  func notPrices() throws {
    let asset = try Asset.known(on: "base")
    let faults: [(String, Price.Fault)] = [
      ("0.0000001", .tooFine("0.0000001", places: 6)), ("0", .zero), ("0.00", .zero), ("", .notDecimal("")),
      (".5", .notDecimal(".5")), ("1.", .notDecimal("1.")), ("-1", .notDecimal("-1")),
      ("1e2", .notDecimal("1e2")),
      ("$1", .notDecimal("$1")), ("1,5", .notDecimal("1,5")), ("1.2.3", .notDecimal("1.2.3")),
      ("9223372036854.775808", .tooLarge("9223372036854.775808", asset: "USDC")),
      ("99999999999999999999", .tooLarge("99999999999999999999", asset: "USDC")),
    ]
    for (text, fault) in faults {
      #expect(throws: fault) { try Price.amount(text, of: asset) }
    }
    let wide = try Asset.known(on: "megaeth")
    #expect(try Price.amount("0.0000001", of: wide).value == 100_000_000_000)
    #expect(throws: Price.Fault.tooLarge("10", asset: "MegaUSD")) { try Price.amount("10", of: wide) }
  }

  @Test(
    "an amount reads as people write it",
    arguments: [
      (10_000, "0.01 USDC"), (1_500_000, "1.5 USDC"),
      (2_000_000, "2 USDC"), (1, "0.000001 USDC"),
    ])
  func text(value: UInt64, text: String) throws {
    #expect(try Asset.known(on: "base").text(of: value) == text)
  }

  @Test("an offer whose asset cannot be moved so, or whose payee is no address, is refused")
  func accepts() throws {
    let base = try Asset.known(on: "base")
    let permit = try Asset.known(on: "megaeth")
    let payTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
    #expect(try X402Configuration.Accept(asset: base, payTo: payTo.lowercased()).payTo == payTo)
    #expect(try X402Configuration.Accept(asset: permit, payTo: payTo).transfer == .permit2)
    #expect(throws: X402Configuration.Accept.Fault.transfer(.eip3009, "MegaUSD")) {
      try X402Configuration.Accept(asset: permit, payTo: payTo, transfer: .eip3009)
    }
    #expect(throws: X402Configuration.Accept.Fault.transfer(.svm, "USDC")) {
      try X402Configuration.Accept(asset: base, payTo: payTo, transfer: .svm)
    }
    #expect(throws: X402Configuration.Accept.Fault.payTo(.address("me"))) {
      try X402Configuration.Accept(asset: base, payTo: "me")
    }
    let zero = "0x0000000000000000000000000000000000000000"
    for nobody in [zero, base.address, base.address.lowercased()] {
      #expect(throws: X402Configuration.Accept.Fault.nobody(try Asset.canonical(nobody, on: base.network))) {
        try X402Configuration.Accept(asset: base, payTo: nobody)
      }
    }
    #expect(throws: X402Configuration.Accept.Fault.nobody(zero)) {
      try X402Configuration.Accept(asset: permit, payTo: zero)
    }
    #expect(throws: X402Configuration.Accept.Fault.maxTimeout(5)) {
      try X402Configuration.Accept(asset: base, payTo: payTo, maxTimeoutSeconds: 5)
    }
  }

  @Test("a price in dollars is one amount for each asset that is accepted")
  func amounts() throws {
    let assets = try ["base", "base-sepolia", "megaeth"].map { try Asset.known(on: $0) }
    let accepts = try (assets + [assets[0]]).map {
      try X402Configuration.Accept(asset: $0, payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")
    }
    let configuration = X402Configuration(
      facilitators: [X402Configuration.Facilitator(url: "http://f.test/")], accepts: accepts)
    #expect(configuration.facilitators[0].url == "http://f.test")
    #expect(
      try configuration.amounts(dollars: "0.001").map(\.value) == [1000, 1000, 1_000_000_000_000_000])
    #expect(throws: Price.Fault.tooFine("0.0000001", places: 6)) {
      try configuration.amounts(dollars: "0.0000001")
    }
  }
}
