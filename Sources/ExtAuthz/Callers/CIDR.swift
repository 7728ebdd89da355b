private import Gate
package import Transport

/// A network as an address and a prefix length, such as `10.0.0.0/8` or `fd00::/8` (RFC 4632 §3.1, RFC 4291 §2.3).
package struct CIDR: Sendable, Hashable {
  private let network: [UInt8]
  private let prefixBits: Int

  /// An address alone is the network of that address. Nil for anything else, and for bits set behind the prefix: who
  /// writes `10.0.0.1/8` may have meant one host.
  package init?(_ text: String) {
    let parts = text.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
    guard let address = parts.first, let octets = IPText.octets(address), parts.count <= 2 else { return nil }
    var bits = octets.count * 8
    if parts.count == 2 {
      guard parts[1].count <= 3, let length = Int(String(decoding: parts[1], as: UTF8.self)),
        (0...bits) ~= length
      else { return nil }
      bits = length
    }
    for bit in bits..<octets.count * 8 where octets[bit / 8] >> UInt8(7 - bit % 8) & 1 != 0 { return nil }
    self.network = octets
    self.prefixBits = bits
  }

  /// A unix socket is in no network.
  package func contains(_ address: PeerAddress) -> Bool {
    let octets: [UInt8]
    switch address {
    case .ipv4(let bytes), .ipv6(let bytes): octets = bytes
    case .unix: return false
    }
    guard octets.count == self.network.count else { return false }
    let whole = self.prefixBits / 8
    guard octets[..<whole] == self.network[..<whole] else { return false }
    let rest = self.prefixBits % 8
    return rest == 0 || (octets[whole] ^ self.network[whole]) >> UInt8(8 - rest) == 0
  }
}
