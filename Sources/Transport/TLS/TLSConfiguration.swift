/// Files of a TLS listener, all PEM.
package struct TLSConfiguration: Sendable, Hashable {
  /// The certificate and its chain, leaf first.
  package var certificateFile: String
  package var keyFile: String
  /// Set: every client must show a certificate signed by one of these (mTLS).
  package var clientAuthorityFile: String?

  package init(certificateFile: String, keyFile: String, clientAuthorityFile: String? = nil) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.clientAuthorityFile = clientAuthorityFile
  }
}

/// A protocol agreed on by ALPN (RFC 7301).
enum ALPNProtocol: Sendable, Hashable {
  case http2
  case http1
}
