/// A chain, by its CAIP-2 name; x402 V1 has names of its own for some.
package struct Network: Hashable, Sendable, CustomStringConvertible {
  package enum Family: Hashable, Sendable {
    case evm(chainID: UInt64)
    case svm
  }

  package let family: Family
  /// `eip155:84532`, `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`.
  package let name: String

  package var description: String { self.name }

  /// Reads a CAIP-2 name or a V1 name; nil for a family that we do not know.
  package init?(_ text: String) {
    let text = Self.namesV1.first { $0.nameV1 == text }?.name ?? text
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    switch parts[0] {
    case "eip155":
      // One text per number, so that names can be compared.
      guard let chainID = UInt64(parts[1]), chainID > 0, String(chainID) == parts[1] else { return nil }
      self.family = .evm(chainID: chainID)
    case "solana":
      guard (1...32).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy(Base58.isDigit) else {
        return nil
      }
      self.family = .svm
    default: return nil
    }
    self.name = text
  }

  /// Nil where V1 has no name for it.
  package var nameV1: String? { Self.namesV1.first { $0.name == self.name }?.nameV1 }

  /// For people.
  package var title: String {
    switch self.nameV1 {
    case let name?:
      name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    case nil: self.name
    }
  }

  /// The legacy names of the x402 SDK (2.25, `mechanisms/evm/v1/constants.py`,
  /// `mechanisms/svm/constants.py`).
  private static let namesV1: [(nameV1: String, name: String)] = [
    ("base", "eip155:8453"), ("base-sepolia", "eip155:84532"), ("ethereum", "eip155:1"),
    ("polygon", "eip155:137"), ("polygon-amoy", "eip155:80002"), ("avalanche", "eip155:43114"),
    ("avalanche-fuji", "eip155:43113"), ("abstract", "eip155:2741"), ("abstract-testnet", "eip155:11124"),
    ("iotex", "eip155:4689"), ("sei", "eip155:1329"), ("sei-testnet", "eip155:1328"), ("peaq", "eip155:3338"),
    ("story", "eip155:1513"), ("educhain", "eip155:656476"), ("skale-base-sepolia", "eip155:1444673419"),
    ("megaeth", "eip155:4326"), ("monad", "eip155:143"), ("monad-testnet", "eip155:10143"),
    ("stable", "eip155:988"), ("stable-testnet", "eip155:2201"), ("celo", "eip155:42220"),
    ("flare", "eip155:14"), ("solana", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"),
    ("solana-devnet", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"),
    ("solana-testnet", "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"),
  ]
}

/// The alphabet of Solana's names: no `0`, `O`, `I` or `l`.
enum Base58 {
  static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "1")...UInt8(ascii: "9"): true
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte != UInt8(ascii: "I") && byte != UInt8(ascii: "O")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte != UInt8(ascii: "l")
    default: false
    }
  }
}
