@testable import Cashu
import JSON
import Octets
import Testing

@Suite("Tokens of Nutshell's wallet")
struct SampleTests {
  static func keysets(_ mint: String) throws -> [Keyset] {
    let answer = try Vectors.json(try Vectors.text("cashu/\(mint)/keys.json"))
    let listings = try #require(
      KeysetJSON.listings(try Vectors.json(try Vectors.text("cashu/\(mint)/keysets.json"))))
    return try listings.map { listing in
      let keys = try #require(KeysetJSON.keys(of: listing.id, in: answer))
      return try #require(
        Keyset(
          id: listing.id, unit: listing.unit, keys: keys, inputFeePpk: listing.inputFeePpk,
          finalExpiry: listing.finalExpiry, isActive: listing.isActive
        )
      )
    }
  }

  struct Sample: Sendable, CustomTestStringConvertible {
    var mint: String
    var name: String
    var proofs: Int
    var hasDLEQ: Bool
    var isLocked: Bool
    var testDescription: String { "\(self.mint)/\(self.name)" }
  }

  static let samples: [Sample] = ["m20", "m21fee100"].flatMap { mint in
    [
      Sample(mint: mint, name: "dleqA", proofs: 18, hasDLEQ: true, isLocked: false),
      Sample(mint: mint, name: "dleqB", proofs: 4, hasDLEQ: true, isLocked: false),
      Sample(mint: mint, name: "plainA", proofs: 3, hasDLEQ: false, isLocked: false),
      Sample(mint: mint, name: "plainB", proofs: 3, hasDLEQ: false, isLocked: false),
      Sample(mint: mint, name: "spentB", proofs: 3, hasDLEQ: true, isLocked: false),
      Sample(mint: mint, name: "p2pkA", proofs: 3, hasDLEQ: true, isLocked: true),
      Sample(mint: mint, name: "p2pkB", proofs: 3, hasDLEQ: true, isLocked: true),
      Sample(mint: mint, name: "p2pk_nodleqB", proofs: 3, hasDLEQ: false, isLocked: true),
      Sample(mint: mint, name: "p2pk_sigallB", proofs: 3, hasDLEQ: true, isLocked: true),
      Sample(mint: mint, name: "p2pk_locktime_refundB", proofs: 3, hasDLEQ: true, isLocked: true),
    ]
  }

  @Test(
    "decode, name a keyset of the mint, sum to 100, and verify where they carry a DLEQ proof",
    arguments: Self.samples)
  func sample(_ sample: Sample) throws {
    let keysets = try Self.keysets(sample.mint)
    let text = try Vectors.text("cashu/\(sample.mint)/\(sample.name).txt").split(separator: "\n")[0]
    let token = try TokenReader.read(text.utf8)
    let meta = try Vectors.json(try Vectors.text("cashu/\(sample.mint)/meta.json"))
    let proofs = try #require(token.entries.first?.proofs)
    #expect(token.entries.map(\.mint) == [meta["mint"]?.string])
    #expect(token.unit == "sat")
    #expect(Money.sum(proofs.map(\.amount)) == 100)
    for proof in proofs {
      #expect(proof.secret.mayBeLocked == sample.isLocked)
      #expect((proof.dleq != nil) == sample.hasDLEQ)
      let keyset = try #require(keysets.first { proof.keyset.matches($0.id) })
      let key = try #require(keyset.keys[proof.amount])
      let signature = try #require(Point(compressed: proof.signature))
      guard let dleq = proof.dleq else { continue }
      let checked = try #require(dleq.checked)
      let Y = Point.hashToCurve(proof.secret.utf8)
      #expect(checked.isValid(nullifier: Y, signature: signature, mintKey: key))
      let otherKey = try #require(keyset.keys[1 << 40])
      #expect(!checked.isValid(nullifier: Y, signature: signature, mintKey: otherKey))
    }
    let again = try TokenReader.read(TokenWriter.writeV3(token).utf8)
    #expect(again == token)
  }

  @Test("every cut and every changed byte of a token is read or refused, never a crash")
  func damage() throws {
    for name in ["dleqB", "plainA"] {
      let text = Array(try Vectors.text("cashu/m20/\(name).txt").utf8.filter { $0 != 0x0A })
      for count in stride(from: 0, to: text.count, by: 7) { _ = try? TokenReader.read(text[..<count]) }
      for index in stride(from: 0, to: text.count, by: 3) {
        var changed = text
        changed[index] = changed[index] == 0x41 ? 0x42 : 0x41
        _ = try? TokenReader.read(changed)
      }
    }
    #expect(throws: TokenFault.self) { try TokenReader.read("cashuB".utf8) }
  }
}
