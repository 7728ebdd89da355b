package import Octets
package import Transport

/// Who may ask: whoever can speak as the proxy decides what is asked (design §6).
package enum ProxyTrust: Sendable {
  /// Whoever reaches the listener: it is bound to loopback, or the operator wrote `trust: network`.
  case network
  /// One of these.
  case proxies([KnownProxy])

  /// Carries a proxy's secret. In gRPC it is a metadata field of the same name.
  package static let secretField: StaticString = "turnpike-proxy"

  package func admits(_ peer: Peer, fields: FieldList) -> Bool {
    switch self {
    case .network: return true
    case .proxies(let proxies):
      let secret = fields.only(Self.secretField)
      return proxies.contains { $0.matches(peer, secret: secret) }
    }
  }
}

/// A proxy as the configuration describes it; everything given must hold.
package struct KnownProxy: Sendable {
  private let tlsName: String?
  private let secret: [UInt8]?
  private let network: CIDR?

  /// - Parameters:
  ///   - tlsName: a name in its client certificate, verified by the listener's client CA.
  ///   - secret: what it sends in `Turnpike-Proxy`.
  ///   - network: where its TCP connection comes from.
  /// Nil when nothing is given, or an empty name or secret: that would be whoever sends none.
  package init?(tlsName: String? = nil, secret: String? = nil, network: CIDR? = nil) {
    guard tlsName != nil || secret != nil || network != nil else { return nil }
    guard secret != "", tlsName != "" else { return nil }
    self.tlsName = tlsName
    self.secret = secret.map { Array($0.utf8) }
    self.network = network
  }

  func matches(_ peer: Peer, secret offered: FieldList.Occurrence) -> Bool {
    if let network = self.network, !network.contains(peer.address) { return false }
    if let name = self.tlsName, peer.tls?.names.contains(name) != true { return false }
    guard let secret = self.secret else { return true }
    guard case .once(let value) = offered else { return false }
    return equalInConstantTime(value, secret)
  }
}
