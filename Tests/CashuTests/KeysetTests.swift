@testable import Cashu
import JSON
import Octets
import Testing

@Suite("NUT-01 and NUT-02: the official vectors, fees and amounts")
struct KeysetTests {
  @Test("keysets with a cut or an uncompressed key are refused, the correct ones are read")
  func keys() throws {
    let blocks = try Vectors.sections("nuts/01-tests.md").flatMap(\.blocks)
    #expect(blocks.count == 4)
    let keysets = try blocks.map { KeysetJSON.keys(try Vectors.json($0)) }
    #expect(keysets.map { $0?.count } == [nil, nil, 4, 64])
    #expect(keysets[3]?[1 << 63] != nil)
  }

  @Test(
    "an amount that is zero, signed or written twice makes the keys unreadable",
    arguments: [
      "{\"0\":\"KEY\"}", "{\"-1\":\"KEY\"}", "{\"01\":\"KEY\"}", "{\"1\":\"KEY\",\"1.0\":\"KEY\"}", "{}",
      "[]",
      "{\"18446744073709551616\":\"KEY\"}",
    ])
  func badAmounts(text: String) throws {
    let key = "02194603ffa36356f4a56b7df9371fc3192472351453ec7398b8da8117e7c3e104"
    let json = try Vectors.json(text.replacing("KEY", with: key))
    #expect(KeysetJSON.keys(json) == nil)
    #expect(KeysetJSON.keys(try Vectors.json("{\"1\":\"\(key)\"}")) != nil)
  }

  @Test("version 1 identifiers are those of the vectors")
  func version1() throws {
    let section = try Vectors.section("nuts/02-tests.md", "Version 1")
    let ids = section.prose.compactMap { line in
      line.hasPrefix("Keyset id: `") ? String(line.dropFirst(12).dropLast()) : nil
    }
    #expect(ids.count == 2)
    for (id, block) in zip(ids, section.blocks) {
      let keys = try #require(KeysetJSON.keys(try Vectors.json(block)))
      #expect(Hex.encode(Keyset.identifierV1(keys)) == id)
    }
  }

  @Test("version 2 identifiers are those of the vectors, and bind unit, fee and end")
  func version2() throws {
    let sections = try Vectors.sections("nuts/02-tests.md").filter {
      $0.headings.last?.hasPrefix("Vector") == true
    }
    #expect(sections.count == 3)
    for section in sections {
      func fact(_ name: String) -> String? {
        let line = section.prose.first { $0.hasPrefix("- \(name): `") }
        return line.map { String($0.dropFirst(name.count + 5).dropLast()) }
      }
      let id = try #require(fact("Keyset id").flatMap { KeysetID(hex: $0) })
      let keys = try #require(KeysetJSON.keys(try Vectors.json(section.blocks[0])))
      let unit = try #require(fact("Unit"))
      let fee = fact("Input fee ppk").flatMap { UInt64($0) } ?? 0
      let end = fact("Final expiry").flatMap { UInt64($0) }
      func keyset(_ unit: String, _ fee: UInt64, _ end: UInt64?) -> Keyset? {
        Keyset(id: id, unit: unit, keys: keys, inputFeePpk: fee, finalExpiry: end, isActive: true)
      }
      #expect(keyset(unit, fee, end) != nil)
      #expect(keyset("usd", fee, end) == nil)
      #expect(keyset(unit, fee + 1, end) == nil)
      #expect(keyset(unit, fee, 1) == nil)
    }
  }

  @Test("a short identifier matches the long one it begins, and no version 1 identifier is short")
  func short() throws {
    let id = try #require(KeysetID(hex: "015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a"))
    let reference = try #require(KeysetReference(id.short))
    #expect(reference == .short(id.short))
    #expect(reference.matches(id))
    #expect(!(try #require(KeysetReference([1, 2, 3, 4, 5, 6, 7, 8]))).matches(id))
    let old = try #require(KeysetID(hex: "009a1f293253e41e"))
    #expect(KeysetReference(old.bytes) == .full(old))
    #expect(old.short == old.bytes)
  }

  @Test(
    "bytes of another length or version are no identifier",
    arguments: [
      "", "00", "00456a94ab4e1c", "02456a94ab4e1c46", "00456a94ab4e1c4600",
      "005ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a",
    ])
  func badIdentifiers(hex: String) throws {
    #expect(KeysetReference(try Vectors.bytes(hex)) == nil)
  }

  @Test(
    "fees are rounded up over all inputs together",
    arguments: [
      ([], UInt64(0)), ([0, 0], 0), ([100], 1), ([UInt64](repeating: 100, count: 10), 1),
      ([UInt64](repeating: 100, count: 11), 2), ([1000, 1000, 1000], 3), ([1], 1), ([999, 1], 1),
      ([999, 2], 2),
    ] as [([UInt64], UInt64)])
  func fees(ppk: [UInt64], expected: UInt64) {
    #expect(Fees.total(ppk: ppk) == expected)
  }

  @Test("sums that do not fit 64 bits have no value")
  func overflow() {
    #expect(Money.sum([1 << 63, 1 << 63]) == nil)
    #expect(Money.sum([1 << 63, (1 << 63) - 1]) == UInt64.max)
    #expect(Fees.total(ppk: [UInt64.max]) == nil)
  }

  @Test("an amount is split over the keys there are")
  func split() throws {
    let keys = try #require(
      KeysetJSON.keys(try Vectors.json(try Vectors.section("nuts/02-tests.md", "Version 1").blocks[0])))
    let id = try #require(KeysetID(hex: "00456a94ab4e1c46"))
    let keyset = try #require(
      Keyset(id: id, unit: "sat", keys: keys, inputFeePpk: 0, finalExpiry: nil, isActive: true)
    )
    #expect(keyset.split(13) == [8, 4, 1])
    #expect(keyset.split(24) == [8, 8, 8])
    #expect(keyset.split(0) == [])
    #expect(keyset.split(1 << 20) == nil)
  }
}
