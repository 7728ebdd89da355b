import Octets
import Proto
import Testing
import Transport

@testable import ExtAuthz

@Suite("Who may ask")
struct ProxyTrustTests {
  static let secret = "0123456789abcdef"

  static func trust(_ proxies: KnownProxy?...) -> ProxyTrust { .proxies(proxies.compactMap { $0 }) }

  @Test("a secret admits only whoever sends it, once")
  func secret() {
    let trust = Self.trust(KnownProxy(secret: Self.secret))
    #expect(trust.admits(.loopback, fields: FieldList([("turnpike-proxy", Self.secret)])))
    #expect(!trust.admits(.loopback, fields: FieldList()))
    #expect(!trust.admits(.loopback, fields: FieldList([("turnpike-proxy", Self.secret + "x")])))
    #expect(!trust.admits(.loopback, fields: FieldList([("turnpike-proxy", "")])))
    let twice = FieldList([("turnpike-proxy", Self.secret), ("turnpike-proxy", Self.secret)])
    #expect(!trust.admits(.loopback, fields: twice))
  }

  @Test("a certificate's name admits only a verified one")
  func tlsName() {
    let trust = Self.trust(KnownProxy(tlsName: "edge.example"))
    func peer(_ names: [String]?) -> Peer { Peer(address: .unix, tls: names.map { TLSPeer(names: $0) }) }
    #expect(trust.admits(peer(["spiffe://x/edge", "edge.example"]), fields: FieldList()))
    #expect(!trust.admits(peer(["other.example"]), fields: FieldList()))
    #expect(!trust.admits(peer([]), fields: FieldList()))
    #expect(!trust.admits(peer(nil), fields: FieldList()))
  }

  @Test("a network admits by the TCP peer, whatever the headers say")
  func network() {
    let trust = Self.trust(KnownProxy(network: CIDR("10.0.0.0/8")))
    #expect(trust.admits(Peer(address: .ipv4([10, 9, 8, 7])), fields: FieldList()))
    let lie = FieldList([("x-forwarded-for", "10.0.0.1"), ("x-real-ip", "10.0.0.1")])
    #expect(!trust.admits(Peer(address: .ipv4([192, 0, 2, 1])), fields: lie))
    #expect(!trust.admits(Peer(address: .unix), fields: lie))
  }

  @Test("all that is given of one proxy must hold, and one of several proxies is enough")
  func combined() {
    let both = Self.trust(KnownProxy(secret: Self.secret, network: CIDR("10.0.0.0/8")))
    let fields = FieldList([("turnpike-proxy", Self.secret)])
    #expect(both.admits(Peer(address: .ipv4([10, 0, 0, 1])), fields: fields))
    #expect(!both.admits(.loopback, fields: fields))
    #expect(!both.admits(Peer(address: .ipv4([10, 0, 0, 1])), fields: FieldList()))
    let either = Self.trust(KnownProxy(secret: Self.secret), KnownProxy(network: CIDR("10.0.0.0/8")))
    #expect(either.admits(.loopback, fields: fields))
    #expect(either.admits(Peer(address: .ipv4([10, 0, 0, 1])), fields: FieldList()))
    #expect(!either.admits(.loopback, fields: FieldList()))
  }

  @Test("a proxy of which nothing is known, or with an empty secret, is none")
  func empty() {
    #expect(KnownProxy() == nil)
    #expect(KnownProxy(secret: "") == nil)
    #expect(KnownProxy(tlsName: "") == nil)
    #expect(!ProxyTrust.proxies([]).admits(.loopback, fields: FieldList()))
  }

  @Test(
    "without the secret every endpoint is 403, and so is any other path",
    arguments: Door.all.map(\.path) + ["/nginx/challenge", "/", "/nowhere"])
  func endpoints(path: String) async throws {
    let house = try House()
    var settings = ProxyAdapters.Settings()
    settings.trust = Self.trust(KnownProxy(secret: Self.secret))
    let adapters = ProxyAdapters(desk: house.desk, settings: settings)
    let question =
      Door.nginx("/free/x", "GET", "a") + Door.forwarded("/free/x", "GET", "a") + [("X-Code", "401")]
    let stranger = await adapters.respond(to: HTTPRequest(path, question)).value()
    #expect(stranger.status == 403)
    #expect(stranger.fields.text("turnpike-reason") == "denied")
    let known = await adapters.respond(to: HTTPRequest(path, question + [("Turnpike-Proxy", Self.secret)]))
      .value()
    #expect(known.status != 403)
  }
}

@Suite("A network")
struct CIDRTests {
  @Test(
    "contains its addresses and no others",
    arguments: [
      ("10.0.0.0/8", [10, 255, 0, 1], true), ("10.0.0.0/8", [11, 0, 0, 0], false),
      ("192.0.2.128/25", [192, 0, 2, 200], true), ("192.0.2.128/25", [192, 0, 2, 127], false),
      ("127.0.0.1", [127, 0, 0, 1], true), ("127.0.0.1", [127, 0, 0, 2], false),
      ("0.0.0.0/0", [8, 8, 8, 8], true),
    ] as [(String, [UInt8], Bool)])
  func ipv4(text: String, address: [UInt8], isInside: Bool) throws {
    #expect(try #require(CIDR(text)).contains(.ipv4(address)) == isInside)
  }

  @Test("IPv6 and IPv4 are apart")
  func ipv6() throws {
    let network = try #require(CIDR("fd00::/8"))
    #expect(network.contains(.ipv6([0xFD, 1] + [UInt8](repeating: 0, count: 14))))
    #expect(!network.contains(.ipv6([0xFC, 1] + [UInt8](repeating: 0, count: 14))))
    #expect(!network.contains(.ipv4([0xFD, 0, 0, 1])))
    #expect(try !#require(CIDR("0.0.0.0/0")).contains(.ipv6([UInt8](repeating: 0, count: 16))))
  }

  @Test(
    "what is no network is none",
    arguments: [
      "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "10.0.0.0/8/8", "example.com", "10.0.0.0/",
      "fd00::/129",
    ])
  func malformed(text: String) {
    #expect(CIDR(text) == nil)
  }
}
