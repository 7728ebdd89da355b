package import Gate

/// A token on one chain: what a price is counted in.
package struct Asset: Hashable, Sendable {
  package let network: Network
  /// EVM: EIP-55 form. SVM: the mint's name.
  package let address: String
  /// The EIP-712 domain of the contract; it differs between chains, and a wrong one makes every signature
  /// invalid.
  package let name: String
  package let version: String
  package let decimals: Int
  /// For people: "USDC".
  package let symbol: String
  /// Whether the contract has `transferWithAuthorization` (EIP-3009).
  package let hasAuthorizations: Bool

  package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
    case address(String)
    case checksum(String)
    case decimals(Int)
    case noName

    package var description: String {
      switch self {
      case .address(let text): "\"\(text)\" is not an address on this network"
      case .checksum(let text): "\"\(text)\" has a wrong EIP-55 checksum: a digit was mistyped"
      case .decimals(let count): "\(count) decimals are outside 0 to 36"
      case .noName: "an EVM asset needs the name and version of its EIP-712 domain"
      }
    }
  }

  /// An asset of the operator's own.
  ///
  /// - Parameters:
  ///   - address: in lower or upper case, or with the right EIP-55 checksum.
  ///   - symbol: nil for `name`.
  package init(
    network: Network, address: String, name: String, version: String, decimals: Int, symbol: String? = nil,
    hasAuthorizations: Bool = true
  ) throws(Fault) {
    guard (0...36).contains(decimals) else { throw .decimals(decimals) }
    self.network = network
    self.address = try Self.canonical(address, on: network)
    if case .evm = network.family, name.isEmpty || version.isEmpty { throw .noName }
    self.name = name
    self.version = version
    self.decimals = decimals
    self.symbol = symbol ?? name
    self.hasAuthorizations = hasAuthorizations
  }

  /// The form of an address (an asset's, a payee's) that we show and compare with.
  package static func canonical(_ text: String, on network: Network) throws(Fault) -> String {
    switch network.family {
    case .evm:
      guard let address = Address(text) else { throw .address(text) }
      guard Address.isChecksumPlausible(text) else { throw .checksum(text) }
      return address.description
    case .svm:
      guard (32...44).contains(text.utf8.count), text.utf8.allSatisfy(Base58.isDigit) else {
        throw .address(text)
      }
      return text
    }
  }

  /// The unit of its amounts, by its CAIP-19 name: `eip155:84532/erc20:0x036c…` in lower case,
  /// `solana:…/token:…` as it is.
  package var unit: Amount.Unit {
    switch self.network.family {
    case .evm: Amount.Unit("\(self.network)/erc20:\(self.address.lowercased())")
    case .svm: Amount.Unit("\(self.network)/token:\(self.address)")
    }
  }

  /// "0.01 USDC".
  package func text(of amount: UInt64) -> String {
    let digits = String(amount)
    let padded = String(repeating: "0", count: max(0, self.decimals + 1 - digits.count)) + digits
    let whole = padded.dropLast(self.decimals)
    var fraction = padded.suffix(self.decimals)
    while fraction.last == "0" { fraction.removeLast() }
    return "\(whole)\(fraction.isEmpty ? "" : ".")\(fraction) \(self.symbol)"
  }
}
