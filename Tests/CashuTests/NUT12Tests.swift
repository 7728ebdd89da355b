import Cashu
import JSON
import Octets
import Testing

@Suite("NUT-12: the official vectors")
struct NUT12Tests {
  static let file = "nuts/12-tests.md"

  @Test("hash_e gives the hash of the vectors")
  func hash() throws {
    let section = try Vectors.section(Self.file, "`hash_e`")
    let points = try Vectors.pairs(section.blocks[0]).map { try Vectors.point($0.value) }
    #expect(points.count == 4)
    #expect(Hex.encode(DLEQ.hash(points)) == Vectors.pairs(section.blocks[1])[0].value)
  }

  @Test("the proof made with a deterministic nonce verifies")
  func nonce() throws {
    let section = try Vectors.section(Self.file, "Deterministic nonce")
    func point(_ name: String) throws -> Point {
      try Vectors.point(try #require(Vectors.values(name, in: section.blocks[0]).first))
    }
    let proof = DLEQ(
      e: try Vectors.scalar(Vectors.values("e", in: section.blocks[1])[0]),
      s: try Vectors.scalar(Vectors.values("s", in: section.blocks[1])[0])
    )
    #expect(proof.isValid(blinded: try point("B_"), signature: try point("C_"), mintKey: try point("A")))
    #expect(!proof.isValid(blinded: try point("A"), signature: try point("C_"), mintKey: try point("A")))
  }

  @Test("the proof on a blind signature verifies, and not with any number or point changed")
  func blindSignature() throws {
    let section = try Vectors.section(Self.file, "DLEQ verification on `BlindSignature`")
    let A = try Vectors.point(Vectors.values("A", in: section.blocks[0])[0])
    let B_ = try Vectors.point(Vectors.values("B_", in: section.blocks[0])[0])
    let json = try Vectors.json(section.blocks[1])
    let C_ = try Vectors.point(try #require(json["C_"]?.string))
    let e = try Vectors.scalar(try #require(json["dleq"]?["e"]?.string))
    let s = try Vectors.scalar(try #require(json["dleq"]?["s"]?.string))
    #expect(DLEQ(e: e, s: s).isValid(blinded: B_, signature: C_, mintKey: A))
    #expect(!DLEQ(e: s, s: s).isValid(blinded: B_, signature: C_, mintKey: A))
    #expect(!DLEQ(e: e, s: e).isValid(blinded: B_, signature: C_, mintKey: A))
    #expect(!DLEQ(e: e, s: s).isValid(blinded: B_, signature: C_, mintKey: B_))
    #expect(!DLEQ(e: e, s: s).isValid(blinded: B_, signature: A, mintKey: A))
  }

  @Test("the proof on a proof of money verifies, and not for another secret, signature or factor")
  func proof() throws {
    let section = try Vectors.section(Self.file, "DLEQ verification on `Proof`")
    let A = try Vectors.point(Vectors.values("A", in: section.blocks[0])[0])
    let json = try Vectors.json(section.blocks[1])
    let dleq = try #require(json["dleq"])
    func scalar(_ name: String) throws -> Scalar { try Vectors.scalar(try #require(dleq[name]?.string)) }
    let C = try Vectors.point(try #require(json["C"]?.string))
    let Y = Point.hashToCurve(Array(try #require(json["secret"]?.string).utf8))
    let valid = ProofDLEQ(proof: DLEQ(e: try scalar("e"), s: try scalar("s")), r: try scalar("r"))
    #expect(valid.isValid(nullifier: Y, signature: C, mintKey: A))
    #expect(!valid.isValid(nullifier: Point.hashToCurve([1]), signature: C, mintKey: A))
    #expect(!valid.isValid(nullifier: Y, signature: C.negated, mintKey: A))
    let other = ProofDLEQ(proof: valid.proof, r: try scalar("s"))
    #expect(!other.isValid(nullifier: Y, signature: C, mintKey: A))
  }

  @Test(
    "zero and numbers from the order up are no scalars",
    arguments: [
      (String(repeating: "0", count: 64), false),
      (String(repeating: "0", count: 63) + "1", true),
      ("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", true),
      ("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", false),
      (String(repeating: "f", count: 64), false),
      ("01", false),
    ])
  func scalars(hex: String, isScalar: Bool) throws {
    #expect((Scalar(try Vectors.bytes(hex)) != nil) == isScalar)
  }

  @Test("a number above the order is reduced once")
  func reduction() throws {
    let above = try Vectors.bytes("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364143")
    #expect(Scalar(reducing: above)?.bytes == [UInt8](repeating: 0, count: 31) + [2])
    let below = try Vectors.bytes(String(repeating: "0", count: 63) + "7")
    #expect(Scalar(reducing: below)?.bytes == below)
    #expect(
      Scalar(reducing: try Vectors.bytes("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"))
        == nil)
  }
}
