/// Where a listener listens: `host:port`, `[v6]:port` or `unix:/path`. Port 0 takes a free one.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
  case network(host: String, port: UInt16)
  case unix(path: String)

  package init(_ text: String) throws(TransportError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      // sockaddr_un holds 108 bytes with the NUL at the end, unix(7).
      guard path.hasPrefix("/"), path.utf8.count < 108 else { throw .address(text) }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
      throw .address(text)
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { throw .address(text) }
    } else if host.contains(":") || host.contains("[") || host.contains("]") {
      throw .address(text)
    }
    guard !host.isEmpty else { throw .address(text) }
    self = .network(host: String(host), port: port)
  }

  private static func port(_ text: Substring) -> UInt16? {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return UInt16(text)
  }

  package var description: String {
    switch self {
    case .network(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}
