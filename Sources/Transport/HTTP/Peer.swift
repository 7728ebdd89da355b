/// Who is at the other end of the TCP connection or unix socket; for us that is a proxy.
package struct Peer: Sendable, Hashable {
  package var address: PeerAddress
  /// Nil on a unix socket.
  package var port: UInt16?
  /// Nil without TLS.
  package var tls: TLSPeer?

  package init(address: PeerAddress, port: UInt16? = nil, tls: TLSPeer? = nil) {
    self.address = address
    self.port = port
    self.tls = tls
  }
}

/// A network address in network byte order. An IPv4 address mapped into IPv6 is given as IPv4.
package enum PeerAddress: Sendable, Hashable {
  /// Four bytes.
  case ipv4([UInt8])
  /// Sixteen bytes.
  case ipv6([UInt8])
  case unix
}

/// What TLS proved about the peer.
package struct TLSPeer: Sendable, Hashable {
  /// Common name, DNS and URI names of the client certificate, verified against the listener's client CA; empty
  /// when the client showed none.
  package var names: [String]

  package init(names: [String]) { self.names = names }
}
