extension Asset {
  /// The dollar of a network: the default of x402's own SDK (2.25, `default_assets.py`); nil where it names
  /// none, or one that we could not confirm.
  package static func dollar(on network: Network) -> Asset? {
    self.known.first { $0.network == network }
  }

  /// By the symbol that people write (`USDC`), in any case.
  package static func named(_ symbol: String, on network: Network) -> Asset? {
    self.known.first { $0.network == network && $0.symbol.lowercased() == symbol.lowercased() }
  }

  /// The first of a network is its default.
  package static let known: [Asset] =
    Self.listed.map { entry in
      guard let network = Network(entry.network),
        let asset = try? Asset(
          network: network, address: entry.address, name: entry.name, version: entry.version,
          decimals: entry.decimals, symbol: entry.symbol, hasAuthorizations: entry.hasAuthorizations)
      else { preconditionFailure("the table of assets names \(entry.network) as x402 does") }
      return asset
    }

  private struct Entry {
    var network: String
    var address: String
    var name: String
    var version = "2"
    var decimals = 6
    var symbol = "USDC"
    var hasAuthorizations = true
  }

  private static let listed: [Entry] = [
    Entry(network: "eip155:8453", address: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", name: "USD Coin"),
    Entry(network: "eip155:84532", address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", name: "USDC"),
    Entry(network: "eip155:1", address: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", name: "USD Coin"),
    Entry(network: "eip155:43114", address: "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", name: "USD Coin"),
    Entry(network: "eip155:137", address: "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", name: "USD Coin"),
    Entry(network: "eip155:42161", address: "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", name: "USD Coin"),
    Entry(network: "eip155:421614", address: "0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d", name: "USD Coin"),
    Entry(network: "eip155:42220", address: "0xcebA9300f2b948710d2653dD7B07f33A8B32118C", name: "USDC"),
    Entry(network: "eip155:11142220", address: "0x01C5C0122039549AD1493B8220cABEdD739BC44E", name: "USDC"),
    Entry(network: "eip155:1329", address: "0xe15fC38F6D8c56aF07bbCBe3BAf5708A2Bf42392", name: "USDC"),
    Entry(network: "eip155:1328", address: "0x4fCF1784B31630811181f670Aea7A7bEF803eaED", name: "USDC"),
    Entry(network: "eip155:143", address: "0x754704Bc059F8C67012fEd69BC8A327a5aafb603", name: "USDC"),
    Entry(network: "eip155:10143", address: "0x534b2f3A21130d7a60830c2Df862319e593943A3", name: "USDC"),
    Entry(network: "eip155:50", address: "0xfA2958CB79b0491CC627c1557F441eF849Ca8eb1", name: "USDC"),
    Entry(network: "eip155:51", address: "0xb5AB69F7bBada22B28e79C8FFAECe55eF1c771D4", name: "USDC"),
    Entry(network: "eip155:5042", address: "0x3600000000000000000000000000000000000000", name: "USDC"),
    Entry(network: "eip155:5042002", address: "0x3600000000000000000000000000000000000000", name: "USDC"),
    Entry(
      network: "eip155:988", address: "0x779Ded0c9e1022225f8E0630b35a9b54bE713736", name: "USDT0",
      version: "1",
      symbol: "USDT0"),
    Entry(
      network: "eip155:4326", address: "0xFAfDdbb3FC7688494971a79cc65DCa3EF82079E7", name: "MegaUSD",
      version: "1",
      decimals: 18, symbol: "MegaUSD", hasAuthorizations: false),
    Entry(
      network: "eip155:31612", address: "0xdD468A1DDc392dcdbEf6db6e34E89AA338F9F186", name: "Mezo USD",
      version: "1",
      decimals: 18, symbol: "mUSD", hasAuthorizations: false),
    Entry(
      network: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
      address: "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
      name: "", version: "", hasAuthorizations: false),
    Entry(
      network: "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
      address: "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
      name: "", version: "", hasAuthorizations: false),
  ]
}
