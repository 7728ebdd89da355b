/// To whom a typed message is addressed (EIP-712 "Definition of domainSeparator"): one contract on one chain.
package struct EIP712Domain: Hashable, Sendable {
  package var name: String
  package var version: String
  package var chainID: UInt64
  package var verifyingContract: Address

  package init(name: String, version: String, chainID: UInt64, verifyingContract: Address) {
    self.name = name
    self.version = version
    self.chainID = chainID
    self.verifyingContract = verifyingContract
  }

  static let typeHash = Keccak256.hash(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)".utf8)

  package var separator: [UInt8] {
    Keccak256.hash(
      Self.typeHash + Keccak256.hash(self.name.utf8) + Keccak256.hash(self.version.utf8)
        + UInt256(self.chainID).bytes + self.verifyingContract.word)
  }

  /// What is signed: `keccak(0x19 01 ‖ domain ‖ struct)`.
  package func digest(of structHash: [UInt8]) -> [UInt8] {
    Keccak256.hash([0x19, 0x01] + self.separator + structHash)
  }
}
