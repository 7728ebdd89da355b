import Cashu
import JSON
import Octets
import Testing

@Suite("NUT-00: the official vectors")
struct NUT00Tests {
  static let file = "nuts/00-tests.md"

  @Test("hash_to_curve gives the points of the vectors")
  func hashToCurve() throws {
    let block = try Vectors.section(Self.file, "Hash-to-curve").blocks[0]
    let messages = Vectors.values("Message", in: block)
    #expect(messages.count == 3)
    for (message, point) in zip(messages, Vectors.values("Point", in: block)) {
      #expect(Vectors.hex(Point.hashToCurve(try Vectors.bytes(message))) == point)
    }
  }

  @Test("blinded messages are those of the vectors")
  func blinding() throws {
    let block = try Vectors.section(Self.file, "Blinded messages").blocks[0]
    let secrets = Vectors.values("x", in: block)
    let factors = Vectors.values("r", in: block)
    let expected = Vectors.values("B_", in: block)
    #expect(secrets.count == 2)
    for index in secrets.indices {
      let Y = Point.hashToCurve(try Vectors.bytes(secrets[index]))
      #expect(Vectors.hex(Y.adding(generatorTimes: try Vectors.scalar(factors[index]))) == expected[index])
    }
  }

  @Test("blinded signatures are those of the vectors, and unblinding gives the mint's own signature")
  func signatures() throws {
    let block = try Vectors.section(Self.file, "Blinded signatures").blocks[0]
    let keys = Vectors.values("mint private key", in: block)
    #expect(keys.count == 2)
    for (index, key) in keys.enumerated() {
      let k = try Vectors.scalar(key)
      let B_ = try Vectors.point(Vectors.values("B_", in: block)[index])
      #expect(Vectors.hex(B_.times(k)) == Vectors.values("C_", in: block)[index])
      let secret = Secret("some secret")
      let r = try Vectors.scalar(String(repeating: "5a", count: 32))
      let blinded = try #require(Blinding.blind(secret, factor: r))
      let C = Blinding.unblind(blinded.times(k), factor: r, mintKey: Point(generatorTimes: k))
      #expect(C == Point.hashToCurve(secret.utf8).times(k))
    }
  }

  @Test("the V3 token of the vectors is read, and written back byte for byte but for padding")
  func serializeV3() throws {
    let section = try Vectors.section(Self.file, "Serialization of TokenV3")
    let text = Vectors.lines(section.blocks[1])[0]
    let token = try TokenReader.read(text.utf8)
    let shown = try Vectors.json(section.blocks[0])
    #expect(token.memo == shown["memo"]?.string)
    #expect(token.unit == "sat")
    #expect(token.entries.map(\.mint) == ["https://8333.space:3338"])
    #expect(token.entries[0].proofs.map(\.amount) == [2, 8])
    let secrets = shown["token"]?.array?[0]["proofs"]?.array?.compactMap { $0["secret"]?.string }
    #expect(token.entries[0].proofs.map(\.secret.text) == secrets)
    #expect(TokenWriter.writeV3(token) == text)
  }

  @Test("V3 tokens with a wrong or missing prefix are refused, padded and unpadded ones are read")
  func deserializeV3() throws {
    let section = try Vectors.section(Self.file, "Deserialization of TokenV3")
    let wrong = Vectors.lines(section.blocks[0])
    #expect(wrong.count == 2)
    for text in wrong { #expect(throws: TokenFault.notAToken) { try TokenReader.read(text.utf8) } }
    let right = section.blocks[1...].flatMap(Vectors.lines)
    #expect(right.count == 3)
    let tokens = try right.map { try TokenReader.read($0.utf8) }
    #expect(tokens[1] == tokens[2])
    #expect(tokens[0].entries == tokens[1].entries)
  }

  @Test(
    "the V4 tokens of the vectors are read, and written back byte for byte but for padding",
    arguments: [
      ("Single keyset", ["00ad268c4d1f5826"], [UInt64(1)]),
      ("Multiple keysets", ["00ffd48b8f5ecf80", "00ad268c4d1f5826", "00ad268c4d1f5826"], [1, 2, 1]),
    ])
  func serializeV4(heading: String, keysets: [String], amounts: [UInt64]) throws {
    let section = try Vectors.section(Self.file, heading)
    let text = Vectors.lines(section.blocks[1])[0]
    let token = try TokenReader.read(text.utf8)
    #expect(token.entries.map(\.mint) == ["http://localhost:3338"])
    #expect(token.entries[0].proofs.map(\.amount) == amounts)
    #expect(
      token.entries[0].proofs.map(\.keyset)
        == keysets.compactMap { Hex.decode($0).flatMap(KeysetReference.init) }
    )
    for proof in token.entries[0].proofs {
      #expect(section.blocks[0].contains("\"s\": \"\(proof.secret.text)\""))
      #expect(section.blocks[0].contains("\"c\": h'\(Hex.encode(proof.signature))'"))
    }
    #expect(TokenWriter.writeV4(token) == String(text.prefix { $0 != "=" }))
  }

  @Test("the raw token of the vectors is the same token")
  func raw() throws {
    let section = try Vectors.section(Self.file, "Raw Token Serialization")
    let line = try #require(section.prose.first { $0.hasPrefix("`h'") })
    let bytes = try Vectors.bytes(String(line.dropFirst(3).dropLast(2)))
    let single = try Vectors.section(Self.file, "Single keyset").blocks[1]
    let token = try TokenReader.readRaw(bytes)
    #expect(token == (try TokenReader.read(Vectors.lines(single)[0].utf8)))
    #expect(TokenWriter.writeRaw(token) == bytes)
  }
}
