@testable import Cashu
import JSON
import Octets
import Testing

@Suite("NUT-13: the official vectors")
struct NUT13Tests {
  static let file = "nuts/13-tests.md"

  @Test(
    "secrets and factors of five counters are those of the vectors",
    arguments: [
      ("Version 1: Secret derivation", "009a1f293253e41e"),
      ("Version 2: Secret derivation", "015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a"),
    ])
  func derivation(heading: String, id: String) throws {
    let section = try Vectors.section(Self.file, heading)
    let words = try #require(try Vectors.json(section.blocks[0])["mnemonic"]?.string)
    let seed = try #require(TreasurySeed(Mnemonic.seed(words: words)))
    let keysetID = try #require(KeysetID(hex: id))
    let secrets = try Vectors.json(section.blocks[1])
    let factors = try Vectors.json(section.blocks[2])
    for counter in UInt64(0)..<5 {
      let derived = try #require(seed.derive(keysetID, counter: counter))
      #expect(derived.secret.text == secrets["secret_\(counter)"]?.string)
      #expect(Hex.encode(derived.r.bytes) == factors["r_\(counter)"]?.string)
    }
  }

  @Test("the keyset's number in a version 1 path is that of the vectors")
  func integer() throws {
    let json = try Vectors.json(try Vectors.section(Self.file, "Version 1: keyset ID").blocks[0])
    let id = try #require(json["keyset_id"]?.string.flatMap { KeysetID(hex: $0) })
    #expect(UInt64(id.integer) == json["keyest_id_int"]?.unsigned)
  }

  @Test("a version 1 path has no counter above 31 bits")
  func bounds() throws {
    let seed = try #require(TreasurySeed([UInt8](repeating: 7, count: 64)))
    let id = try #require(KeysetID(hex: "009a1f293253e41e"))
    #expect(seed.derive(id, counter: 1 << 31) == nil)
    #expect(seed.derive(id, counter: 1 << 31 - 1) != nil)
  }

  @Test("a seed has 64 bytes, shows nothing of itself, and another seed has another fingerprint")
  func seeds() throws {
    #expect(TreasurySeed([1, 2, 3]) == nil)
    let seed = TreasurySeed.random()
    #expect("\(seed)" == "<redacted>")
    #expect(TreasurySeed(seed.exportBytes())?.fingerprint == seed.fingerprint)
    #expect(TreasurySeed.random().fingerprint != seed.fingerprint)
  }
}
