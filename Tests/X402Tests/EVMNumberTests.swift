import Testing
import X402

@Suite("Numbers and addresses of the EVM")
struct EVMNumberTests {
  static let largest = "115792089237316195423570985008687907853269984665640564039457584007913129639935"

  @Test(
    "a decimal text is read and written as the number it is",
    arguments: ["0", "7", "10000", "18446744073709551615", "18446744073709551616", largest])
  func decimal(text: String) throws {
    #expect(try #require(UInt256(decimal: text)).decimal == text)
  }

  @Test(
    "what is no number of 256 bits is refused",
    arguments: [
      "", "-1", "+1", "1.0", "1e3", " 1", "0x1", "１",
      "115792089237316195423570985008687907853269984665640564039457584007913129639936",
      String(repeating: "9", count: 79), String(repeating: "0", count: 79),
    ])
  func notDecimal(text: String) { #expect(UInt256(decimal: text) == nil) }

  @Test("hex and decimal of one number are equal, and the order is that of numbers")
  func hex() throws {
    #expect(UInt256(hex: "0x2710") == UInt256(10_000))
    #expect(UInt256(hex: "0x271") == UInt256(625))
    #expect(UInt256(hex: "0x" + String(repeating: "f", count: 64)) == UInt256(decimal: Self.largest))
    for text in ["", "0x", "2710", "0x" + String(repeating: "f", count: 65), "0xg"] {
      #expect(UInt256(hex: text) == nil)
    }
    #expect(UInt256(255) < UInt256(256))
    #expect(try #require(UInt256(decimal: Self.largest)).uint64 == nil)
    #expect(try #require(UInt256(decimal: Self.largest)).seconds == .max)
    #expect(UInt256(.max).uint64 == .max)
  }

  /// The examples of EIP-55.
  @Test(
    "an address is written with its checksum, and read in any case",
    arguments: [
      "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
      "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
      "0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
    ])
  func checksum(text: String) throws {
    #expect(try #require(Address(text)).description == text)
    #expect(Address(text.lowercased()) == Address(text))
    #expect(Address.isChecksumPlausible(text))
    #expect(Address.isChecksumPlausible(text.lowercased()))
    #expect(Address.isChecksumPlausible("0x" + text.dropFirst(2).uppercased()))
  }

  @Test("a mistyped checksum is seen, and what is no address is none")
  func mistyped() {
    #expect(!Address.isChecksumPlausible("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed"))
    for text in [
      "", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAe",
      "0x" + String(repeating: "g", count: 40),
    ] {
      #expect(Address(text) == nil)
    }
  }
}
