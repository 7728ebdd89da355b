import JSON
import Octets
import Testing

@testable import X402

@Suite("EIP-712 and EIP-3009")
struct EIP712Tests {
  struct Known {
    var domain: EIP712Domain
    var authorization: TransferAuthorization
    var json: JSON
  }

  /// Made by eth-account 0.14.
  static func known() throws -> Known {
    let json = try VectorFiles.json("eip3009_vector.json")
    let domain = try #require(json["domain"])
    let message = try #require(json["message"])
    return Known(
      domain: EIP712Domain(
        name: try #require(domain["name"]?.string), version: try #require(domain["version"]?.string),
        chainID: try #require(domain["chainId"]?.unsigned),
        verifyingContract: try #require(Address(domain["verifyingContract"]?.string ?? ""))),
      authorization: TransferAuthorization(
        from: try #require(Address(message["from"]?.string ?? "")),
        to: try #require(Address(message["to"]?.string ?? "")),
        value: UInt256(try #require(message["value"]?.unsigned)),
        validAfter: UInt256(try #require(message["validAfter"]?.unsigned)),
        validBefore: UInt256(try #require(message["validBefore"]?.unsigned)),
        nonce: try #require(HexText.bytes(message["nonce"]?.string ?? ""))),
      json: json)
  }

  @Test("every step of the digest is the vector's")
  func digest() throws {
    let known = try Self.known()
    #expect(Hex.encode(EIP712Domain.typeHash) == known.json["domainTypeHash"]?.string)
    #expect(Hex.encode(TransferAuthorization.typeHash) == known.json["typeHash"]?.string)
    #expect(Hex.encode(known.domain.separator) == known.json["domainSeparator"]?.string)
    #expect(Hex.encode(known.authorization.structHash) == known.json["structHash"]?.string)
    #expect(
      Hex.encode(known.domain.digest(of: known.authorization.structHash)) == known.json["digest"]?.string)
  }

  @Test("the signer of the vector's signature is its payer, with v as 27, 28, 0 or 1")
  func recover() throws {
    let known = try Self.known()
    let digest = known.domain.digest(of: known.authorization.structHash)
    var bytes = try #require(Hex.decode(known.json["signature"]?.string ?? ""))
    #expect(RecoverableSignature(bytes)?.signer(of: digest) == known.authorization.from)
    bytes[64] -= 27
    #expect(RecoverableSignature(bytes)?.signer(of: digest) == known.authorization.from)
    bytes[64] ^= 1
    #expect(RecoverableSignature(bytes)?.signer(of: digest) != known.authorization.from)
  }

  @Test("a signature of another message is another account's")
  func otherMessage() throws {
    let known = try Self.known()
    let bytes = try #require(Hex.decode(known.json["signature"]?.string ?? ""))
    var domain = known.domain
    domain.name = "USD Coin"
    let digest = domain.digest(of: known.authorization.structHash)
    #expect(RecoverableSignature(bytes)?.signer(of: digest) != known.authorization.from)
  }

  @Test("what no token contract accepts is no signature: another length, another v, the higher s")
  func unacceptable() throws {
    let bytes = try #require(Hex.decode(try Self.known().json["signature"]?.string ?? ""))
    #expect(RecoverableSignature(Array(bytes.dropLast())) == nil)
    #expect(RecoverableSignature(bytes + [0]) == nil)
    for v: UInt8 in [2, 26, 29, 255] { #expect(RecoverableSignature(bytes.dropLast() + [v]) == nil) }
    var high = bytes
    high[32] |= 0x80
    #expect(RecoverableSignature(high) == nil)
    let zero = RecoverableSignature([UInt8](repeating: 0, count: 64) + [27])
    #expect(zero?.signer(of: [UInt8](repeating: 1, count: 32)) == nil)
  }

  @Test("our own payer signs as eth-account does")
  func sign() throws {
    let known = try Self.known()
    let payer = try #require(DevPayer(key: [UInt8](repeating: 0x22, count: 32)))
    #expect(payer.address == known.authorization.from)
    let signature = try #require(payer.sign(known.authorization, for: known.domain))
    #expect(Hex.encode(signature) == known.json["signature"]?.string)
  }

  /// Made with eth-account 0.14: the widest numbers, Base's own domain.
  @Test("numbers of 256 bits are signed as they are")
  func wide() throws {
    let payer = try #require(DevPayer(key: [UInt8](repeating: 0x46, count: 32)))
    #expect(payer.address.description == "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F")
    let domain = try #require(Asset.known(on: "base").domain)
    let value = try #require(
      UInt256(decimal: "57896044618658097711785492504343953926634992332820282019728792003956564819975"))
    let authorization = TransferAuthorization(
      from: payer.address, to: try #require(Address("0x" + String(repeating: "1", count: 40))), value: value,
      validAfter: UInt256(0),
      validBefore: try #require(UInt256(hex: "0x" + String(repeating: "f", count: 64))),
      nonce: Array(0..<32))
    #expect(
      Hex.encode(domain.digest(of: authorization.structHash))
        == "e335a924ddeff098f905876bd3503657edc4e30fbe9132d089b8c9985346903e")
    #expect(
      payer.sign(authorization, for: domain).map { Hex.encode($0) }
        == "3b4630d66de1ff2f77e944c10abaa9fbce55cb5386553b0419dc549ceed3c9b0460aefd1b6c5bf2c8231367c9e49dd2a02e3ae6eb79a2b6690e37927f24a1d1d1c"
    )
  }
}
