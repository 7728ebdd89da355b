@testable import Cashu
import Digest
import JSON
import Octets
import Secp256k1
import Testing

@Suite("NUT-20: the official vectors")
struct NUT20Tests {
  static func request(_ index: Int) throws -> (quote: String, outputs: [BlindedMessage], signature: [UInt8]) {
    let section = try Vectors.section("nuts/20-test.md", "NUT-20")
    // The second block is the message as a list.
    let json = try Vectors.json(section.blocks[index])
    let outputs = try (json["outputs"]?.array ?? []).map { output in
      BlindedMessage(
        amount: try #require(output["amount"]?.unsigned),
        keysetID: try #require(output["id"]?.string.flatMap { KeysetID(hex: $0) }),
        B_: try #require(output["B_"]?.string.flatMap { Hex.decode($0) }.flatMap { Point(compressed: $0) }))
    }
    return (
      try #require(json["quote"]?.string), outputs,
      try #require(json["signature"]?.string.flatMap { Hex.decode($0) })
    )
  }

  static let publicKey = Hex.decode("d56ce4e446a85bbdaa547b4ec2b073d40ff802831352b8272b7dd7a4de5a7cac") ?? []

  @Test("the message is that of the vector, byte for byte")
  func message() throws {
    let section = try Vectors.section("nuts/20-test.md", "NUT-20")
    let listed = section.blocks[1].split { !$0.isNumber }.compactMap { UInt8($0) }
    let request = try Self.request(0)
    #expect(QuoteKey.message(request.quote, request.outputs, .joined) == listed)
  }

  @Test(
    "the signature of the vector is over that message, and the invalid one is not",
    arguments: [(0, true), (2, false)])
  func signature(index: Int, isValid: Bool) throws {
    let request = try Self.request(index)
    let hash = SHA256.hash(QuoteKey.message(request.quote, request.outputs, .joined))
    #expect(Curve.shared.isSignature(request.signature, of: hash, by: Self.publicKey) == isValid)
  }

  @Test("what a quote's key signs, its public key verifies, in both forms", arguments: QuoteKey.Form.allCases)
  func roundTrip(form: QuoteKey.Form) throws {
    let request = try Self.request(0)
    let key = try #require(QuoteKey(seed: .random(), name: "an invoice"))
    let signature = try #require(Hex.decode(key.signature(for: request.quote, request.outputs, form)))
    let hash = SHA256.hash(QuoteKey.message(request.quote, request.outputs, form))
    let publicKey = try #require(Hex.decode(key.publicKey))
    #expect(Curve.shared.isSignature(signature, of: hash, by: Array(publicKey.dropFirst())))
    #expect(!Curve.shared.isSignature(signature, of: SHA256.hash([]), by: Array(publicKey.dropFirst())))
  }

  @Test("a key follows from seed and name, and from nothing else")
  func derivation() throws {
    let (one, other) = (TreasurySeed.random(), TreasurySeed.random())
    let key = try #require(QuoteKey(seed: one, name: "a"))
    #expect(QuoteKey(seed: one, name: "a")?.publicKey == key.publicKey)
    #expect(QuoteKey(seed: one, name: "b")?.publicKey != key.publicKey)
    #expect(QuoteKey(seed: other, name: "a")?.publicKey != key.publicKey)
  }
}
