internal import Gate
internal import Octets

/// Where a listener binds.
package enum BindAddress: Hashable, Sendable {
  /// `host` is an address in its text form, without brackets.
  case tcp(host: String, port: UInt16)
  case unix(path: String)

  package enum Fault: Error, Hashable {
    case notAnAddress
    case noPort
    case badPort
    case name(String)
    case noHost(port: String)
    case path

    package var sentence: String {
      switch self {
      case .notAnAddress: "expected `ADDRESS:PORT`, `\"[IPv6]:PORT\"`, `unix:/PATH` or `off`"
      case .noPort: "has no port; write `ADDRESS:PORT`"
      case .badPort: "has no port from 0 to 65535"
      case .name(let name): "`\(name)` is a name; write the address to bind to, as `127.0.0.1` or `0.0.0.0`"
      case .noHost(let port): "has no address; write `127.0.0.1:\(port)`, or `0.0.0.0:\(port)` for all"
      case .path: "a unix socket needs a path from `/` of at most 107 bytes"
      }
    }
  }

  /// `sun_path` of Linux has 108 bytes with its end (unix(7)).
  private static let maxPathBytes = 107

  package init(_ text: String) throws(Fault) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      guard path.hasPrefix("/"), path.utf8.count <= Self.maxPathBytes else { throw .path }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":") else { throw .noPort }
    let digits = text[text.index(after: colon)...]
    guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy(ASCII.isDigit),
      let port = UInt16(digits)
    else { throw .badPort }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      guard IPText.octets(host.utf8)?.count == 16 else { throw .notAnAddress }
    } else {
      if host.isEmpty { throw .noHost(port: String(digits)) }
      if host == "localhost" { host = "127.0.0.1" }
      guard !host.contains(":") else { throw .notAnAddress }
      guard IPText.octets(host.utf8) != nil else { throw .name(host) }
    }
    self = .tcp(host: host, port: port)
  }

  /// Only this host's own processes can reach it.
  package var isLocal: Bool {
    switch self {
    case .unix: true
    case .tcp(let host, _): IPText.octets(host.utf8).map(Self.isLoopback) ?? false
    }
  }

  /// 127.0.0.0/8 (RFC 1122 §3.2.1.3) and ::1 (RFC 4291 §2.5.3), also IPv4-mapped.
  static func isLoopback(_ octets: [UInt8]) -> Bool {
    if octets.count == 4 { return octets[0] == 127 }
    let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127]
    return octets == [UInt8](repeating: 0, count: 15) + [1] || octets.starts(with: mapped)
  }
}

extension BindAddress: CustomStringConvertible {
  /// As the file writes it.
  package var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }
}
