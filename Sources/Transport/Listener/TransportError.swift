/// Why a listener cannot start.
package enum TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not `host:port`, `[v6]:port` or `unix:/path`.
  case address(String)
  /// The address cannot be bound; with the system's reason.
  case bind(String)
  /// Certificate, key or client CA cannot be used; with OpenSSL's reason.
  case tls(String)

  package var description: String {
    switch self {
    case .address(let text): "not an address: \(text) (expected host:port, [v6]:port or unix:/path)"
    case .bind(let text): text
    case .tls(let text): text
    }
  }
}
