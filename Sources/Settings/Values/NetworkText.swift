internal import Gate
internal import Octets

/// A network as an address and a prefix length, such as `10.0.0.0/8` (RFC 4632 §3.1, RFC 4291 §2.3).
enum NetworkText {
  enum Fault: Error, Hashable {
    case notANetwork
    case hostBits

    var sentence: String {
      switch self {
      case .notANetwork: "expected a network such as `10.0.0.0/8` or `fd00::/8`"
      case .hostBits: "has bits behind its prefix; write the network's first address, or `/32` for one host"
      }
    }
  }

  static func check(_ text: String) throws(Fault) {
    let parts = text.utf8.split(separator: ASCII.slash, omittingEmptySubsequences: false)
    guard let address = parts.first, parts.count <= 2, let octets = IPText.octets(address) else {
      throw .notANetwork
    }
    guard parts.count == 2 else { return }
    guard (1...3).contains(parts[1].count), parts[1].allSatisfy(ASCII.isDigit),
      let bits = Int(String(decoding: parts[1], as: UTF8.self)), bits <= octets.count * 8
    else { throw .notANetwork }
    for bit in bits..<octets.count * 8 where octets[bit / 8] >> UInt8(7 - bit % 8) & 1 != 0 {
      throw .hostBits
    }
  }
}
