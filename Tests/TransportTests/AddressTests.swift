import NIOCore
import Testing

@testable import Transport

@Suite struct AddressTests {
  @Test(
    "an address is read",
    arguments: [
      ("127.0.0.1:80", .network(host: "127.0.0.1", port: 80)),
      ("[::1]:8080", .network(host: "::1", port: 8080)),
      ("localhost:0", .network(host: "localhost", port: 0)), ("unix:/run/x.sock", .unix(path: "/run/x.sock")),
    ] as [(String, ListenAddress)])
  func reads(_ text: String, _ expected: ListenAddress) throws {
    #expect(try ListenAddress(text) == expected)
    #expect(expected.description == text)
  }

  @Test(
    "what is no address is refused",
    arguments: [
      "", "80", ":80", "a", "a:", "a:65536", "a:-1", "a:+1", "::1:80", "[a]:80", "[::1]", "unix:x", "unix:",
      "unix:/" + String(repeating: "x", count: 107),
    ])
  func refuses(_ text: String) {
    #expect(throws: TransportError.address(text)) { try ListenAddress(text) }
  }

  @Test("a peer's address is given in bytes, a mapped one as IPv4")
  func peers() throws {
    #expect(
      Peer(try SocketAddress(ipAddress: "192.0.2.7", port: 9))
        == Peer(address: .ipv4([192, 0, 2, 7]), port: 9))
    #expect(Peer(try SocketAddress(ipAddress: "::ffff:192.0.2.7", port: 9)).address == .ipv4([192, 0, 2, 7]))
    let v6 = Peer(try SocketAddress(ipAddress: "2001:db8::5", port: 9))
    #expect(v6.address == .ipv6([0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]))
    #expect(Peer(try SocketAddress(unixDomainSocketPath: "/x")).address == .unix)
  }
}
