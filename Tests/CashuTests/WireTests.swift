@testable import Cashu
@testable import JSON
import Octets
import Testing

@Suite("The CBOR reader")
struct CBORTests {
  typealias Reason = CBORReader.Malformed.Reason

  /// RFC 8949 appendix A, the items with definite lengths and without tags.
  @Test(
    "reads the examples of RFC 8949",
    arguments: [
      ("00", CBOR.unsigned(0)), ("17", .unsigned(23)), ("1818", .unsigned(24)), ("1903e8", .unsigned(1000)),
      ("1bffffffffffffffff", .unsigned(.max)), ("20", .negative(0)), ("f4", .bool(false)),
      ("f5", .bool(true)),
      ("f6", .absent), ("f7", .absent), ("fb3ff199999999999a", .other), ("4401020304", .bytes([1, 2, 3, 4])),
      ("6449455446", .text("IETF")), ("62c3bc", .text("ü")), ("80", .array([])),
      ("83010203", .array([.unsigned(1), .unsigned(2), .unsigned(3)])),
      ("a26161016162820203", .record(["a": .unsigned(1), "b": .array([.unsigned(2), .unsigned(3)])])),
    ])
  func examples(hex: String, item: CBOR) throws {
    #expect(try CBORReader.read(try Vectors.bytes(hex)) == item)
  }

  @Test(
    "refuses what it must not believe",
    arguments: [
      ("", Reason.truncated), ("18", .truncated), ("5820", .truncated), ("0000", .trailing),
      ("9f01ff", .unsupported),
      ("5f4101ff", .unsupported), ("bf616101ff", .unsupported), ("c001", .unsupported), ("fc", .unsupported),
      ("1c", .unsupported), ("ff", .unsupported), ("a2616101616102", .repeatedKey),
      ("a201010102", .repeatedKey),
      ("a20101180102", .repeatedKey), ("62fffe", .notUTF8), ("61c3", .notUTF8),
      ("9bffffffffffffffff", .truncated),
      ("bb00000000ffffffff", .truncated), ("5bffffffffffffffff", .truncated), ("a1f601", .unsupported),
    ])
  func refusals(hex: String, reason: Reason) throws {
    let bytes = try Vectors.bytes(hex)
    #expect(throws: CBORReader.Malformed(reason: reason)) { try CBORReader.read(bytes) }
  }

  @Test("a bomb of depth or of number is refused")
  func bombs() {
    let deep = [UInt8](repeating: 0x81, count: 1000) + [0]
    #expect(throws: CBORReader.Malformed(reason: .tooDeep)) { try CBORReader.read(deep) }
    let shallow = [UInt8](repeating: 0x81, count: CBORReader.maxDepth - 1) + [0]
    #expect(throws: Never.self) { try CBORReader.read(shallow) }
    let many = [0x99, 0x20, 0x00] + [UInt8](repeating: 0, count: 0x2000)
    #expect(throws: CBORReader.Malformed(reason: .tooManyItems)) { try CBORReader.read(many) }
    // 4000 items that each claim 20 items more: refused before any of them is made.
    let spread = [0x99, 0x0F, 0xA0] + [UInt8](repeating: 0x94, count: 4000)
    #expect(throws: CBORReader.Malformed.self) { try CBORReader.read(spread) }
  }

  @Test(
    "what is written is read back",
    arguments: [
      CBOR.unsigned(0), .unsigned(23), .unsigned(24), .unsigned(255), .unsigned(256), .unsigned(65_536),
      .unsigned(1 << 32), .unsigned(.max), .negative(499), .text("naïve"),
      .bytes([UInt8](repeating: 7, count: 300)),
      .array([.bool(true), .map([])]), .absent,
    ])
  func roundTrip(item: CBOR) throws {
    #expect(try CBORReader.read(CBORWriter.write(item)) == item)
  }
}

@Suite("The JSON reader")
struct JSONTests {
  typealias Reason = JSONReader.Malformed.Reason

  @Test(
    "reads values exactly",
    arguments: [
      ("18446744073709551615", JSON.unsigned(.max)), ("9007199254740993", .unsigned(9_007_199_254_740_993)),
      ("18446744073709551616", .number("18446744073709551616")), ("-4", .number("-4")),
      ("1.0", .number("1.0")),
      ("1e2", .number("1e2")), ("0", .unsigned(0)), (" null ", .null), ("true", .bool(true)),
      ("\"\"", .string("")),
      (#""\u00e9\ud83d\ude00\n\/""#, .string("é😀\n/")), ("[ ]", .array([])), ("{ }", .object([])),
      (#"{"a":1,"b":[2,"c"]}"#, .record(["a": .unsigned(1), "b": .array([.unsigned(2), .string("c")])])),
    ])
  func values(text: String, value: JSON) throws {
    #expect(try Vectors.json(text) == value)
  }

  @Test(
    "refuses what has two readings or none",
    arguments: [
      ("", Reason.truncated), ("{", .truncated), ("[1", .truncated), ("\"a", .truncated), ("1 2", .trailing),
      (#"{"a":1,"a":2}"#, .repeatedName), (#"{"a":1,"\u0061":2}"#, .repeatedName), ("[1,]", .unexpected),
      ("{\"a\" 1}", .unexpected), ("{a:1}", .unexpected), ("01", .badNumber), ("-", .truncated),
      ("+1", .unexpected),
      ("NaN", .unexpected), ("tru", .truncated), ("trux", .unexpected), ("\"\u{1}\"", .badString),
      (#""\ud800""#, .badString), (#""\ud800\u0041""#, .badString), (#""\udc00""#, .badString),
      (#""\x""#, .badString),
      (#""\u00g0""#, .badString),
    ])
  func refusals(text: String, reason: Reason) {
    #expect(throws: JSONReader.Malformed(reason: reason)) { try Vectors.json(text) }
  }

  @Test("bytes that are not UTF-8 are no string")
  func notUTF8() {
    #expect(throws: JSONReader.Malformed(reason: .badString)) { try JSONReader.read([0x22, 0xFF, 0x22]) }
  }

  @Test("a bomb of depth or of number is refused")
  func bombs() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONReader.Malformed(reason: .tooDeep)) { try Vectors.json(deep) }
    let many = "[" + String(repeating: "0,", count: JSONReader.maxValues) + "0]"
    #expect(throws: JSONReader.Malformed(reason: .tooManyValues)) { try Vectors.json(many) }
    let enough = "[" + String(repeating: "0,", count: JSONReader.maxValues - 2) + "0]"
    #expect(throws: Never.self) { try Vectors.json(enough) }
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    let value = JSON.record([
      "text": .string("a\"b\\c\u{1}\n/é😀"), "max": .unsigned(.max), "list": .array([.null, .bool(false)]),
    ])
    #expect(try JSONReader.read(JSONWriter.write(value)) == value)
  }
}
