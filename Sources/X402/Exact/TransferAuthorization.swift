package import JSON
internal import Octets

/// EIP-3009 `TransferWithAuthorization`: who signs it lets anyone move `value` to `to`, once, within a
/// window.
package struct TransferAuthorization: Hashable, Sendable {
  package static let nonceByteCount = 32

  package var from: Address
  package var to: Address
  package var value: UInt256
  /// Good after this second of the chain's time, and before the other.
  package var validAfter: UInt256
  package var validBefore: UInt256
  package var nonce: [UInt8]

  package init(
    from: Address, to: Address, value: UInt256, validAfter: UInt256, validBefore: UInt256, nonce: [UInt8]
  ) {
    precondition(nonce.count == Self.nonceByteCount, "a nonce has 32 bytes")
    self.from = from
    self.to = to
    self.value = value
    self.validAfter = validAfter
    self.validBefore = validBefore
    self.nonce = nonce
  }

  static let typeHash = Keccak256.hash(
    """
    TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,\
    bytes32 nonce)
    """.utf8)

  package var structHash: [UInt8] {
    Keccak256.hash(
      Self.typeHash + self.from.word + self.to.word + self.value.bytes + self.validAfter.bytes
        + self.validBefore.bytes + self.nonce)
  }
}

extension TransferAuthorization {
  /// The member `authorization` of a payload: numbers as decimal strings, the nonce as 32 bytes of hex.
  init?(_ json: JSON) {
    guard let from = json["from"]?.string.flatMap({ Address($0) }),
      let to = json["to"]?.string.flatMap({ Address($0) }),
      let value = json["value"]?.string.flatMap({ UInt256(decimal: $0) }),
      let validAfter = json["validAfter"]?.string.flatMap({ UInt256(decimal: $0) }),
      let validBefore = json["validBefore"]?.string.flatMap({ UInt256(decimal: $0) }),
      let nonce = json["nonce"]?.string.flatMap({ HexText.bytes($0) }), nonce.count == Self.nonceByteCount
    else { return nil }
    self.init(
      from: from, to: to, value: value, validAfter: validAfter, validBefore: validBefore, nonce: nonce)
  }

  package var json: JSON {
    .record([
      "from": .string(self.from.description), "to": .string(self.to.description),
      "value": .string(self.value.decimal), "validAfter": .string(self.validAfter.decimal),
      "validBefore": .string(self.validBefore.decimal), "nonce": .string("0x" + Hex.encode(self.nonce)),
    ])
  }
}

/// `0x` and an even number of digits, as Ethereum writes bytes.
enum HexText {
  static func bytes(_ text: String) -> [UInt8]? {
    text.hasPrefix("0x") ? Hex.decode(text.utf8.dropFirst(2)) : nil
  }

  static func text(_ bytes: [UInt8]) -> String { "0x" + Hex.encode(bytes) }
}
