internal import NIOCore

extension Peer {
  init(_ address: SocketAddress?) {
    let port = address?.port.map { UInt16(clamping: $0) }
    switch address {
    case .v4(let v4):
      // struct sockaddr_in, ip(7): family, port, then four bytes of address.
      let bytes = unsafe withUnsafeBytes(of: v4.address) { unsafe Array($0[4..<8]) }
      self.init(address: .ipv4(bytes), port: port)
    case .v6(let v6):
      // struct sockaddr_in6, ipv6(7): family, port, flow, then sixteen bytes of address.
      let bytes = unsafe withUnsafeBytes(of: v6.address) { unsafe Array($0[8..<24]) }
      self.init(address: PeerAddress(ipv6: bytes), port: port)
    case .unixDomainSocket, nil:
      self.init(address: .unix)
    }
  }
}

extension PeerAddress {
  /// Sixteen bytes; `::ffff:a.b.c.d` is IPv4 (RFC 4291 §2.5.5.2).
  init(ipv6 bytes: [UInt8]) {
    let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
    self = isMapped ? .ipv4(Array(bytes.suffix(4))) : .ipv6(bytes)
  }
}
