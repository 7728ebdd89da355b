import Gate
import Octets
import Testing

@Suite("Whom limits count")
struct ClientAddressTests {
  static func address(_ text: String) -> ClientAddress? { ClientAddress(text: text.utf8) }

  @Test(
    "two addresses are one client",
    arguments: [
      ("192.0.2.1", "192.0.2.1"),
      // One household has a network of 64 bits.
      ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
      ("2001:db8:1:2::1", "2001:DB8:0001:0002:0:0:0:9"), ("::1", "::2"),
      // A listener for both families names IPv4 so (RFC 4291 §2.5.5.2).
      ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:0201", "192.0.2.1"),
      ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
    ])
  func same(a: String, b: String) throws {
    #expect(try #require(Self.address(a)) == #require(Self.address(b)))
    #expect(Self.address(a).map { "\($0)" } == Self.address(b).map { "\($0)" })
  }

  @Test(
    "two addresses are two clients, in what the store counts by too",
    arguments: [
      ("192.0.2.1", "192.0.2.2"), ("2001:db8:1:2::1", "2001:db8:1:3::1"),
      ("::ffff:192.0.2.1", "::ffff:192.0.2.2"), ("::ffff:192.0.2.1", "::192.0.2.1"), ("0.0.0.0", "::"),
      ("32.1.13.184", "2001:db8::"),
    ])
  func different(a: String, b: String) throws {
    #expect(try #require(Self.address(a)) != #require(Self.address(b)))
    #expect(Self.address(a).map { "\($0)" } != Self.address(b).map { "\($0)" })
  }

  @Test(
    "what has more than one reading is no address",
    arguments: [
      "", "192.0.2", "192.0.2.1.5", "192.0.2.01", "192.0.2.256", "192.0.2.1:80", " 192.0.2.1", "0xc0000201",
      "192.0.2.1, 192.0.2.2", "[::1]", "fe80::1%eth0", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8", ":1:2:3:4:5:6:7:8", "::ffff:192.0.2", "::ffff:192.0.2.1:1", "12345::", "g::",
      "unix:",
    ])
  func none(text: String) {
    #expect(Self.address(text) == nil)
  }

  @Test("octets are an address by their number", arguments: [(4, true), (16, true), (0, false), (5, false)])
  func octets(count: Int, isAddress: Bool) {
    #expect((ClientAddress(octets: [UInt8](repeating: 1, count: count)) != nil) == isAddress)
  }
}
