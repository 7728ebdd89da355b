/// Who may ask on `proxy` and `grpc`.
package enum Callers: Sendable, Equatable {
  /// The two listeners are local, and whoever reaches them may ask.
  case local
  /// `trust: network`: the operator vouches for whoever reaches them.
  case network
  /// One of these.
  case proxies([TrustedProxy])
}

/// A proxy that may ask; every proof that is given must hold.
package struct TrustedProxy: Sendable, Equatable {
  /// A name in its client certificate.
  package var tlsName: String?
  /// What it sends in `Turnpike-Proxy`.
  package var secret: ProxySecret?
  /// Where its connection comes from: an address, or one with a prefix length.
  package var network: String?
  /// The file that `secret` was read from, for display.
  package var secretFile: String?

  package init(
    tlsName: String? = nil, secret: ProxySecret? = nil, network: String? = nil, secretFile: String? = nil
  ) {
    self.tlsName = tlsName
    self.secret = secret
    self.network = network
    self.secretFile = secretFile
  }
}
