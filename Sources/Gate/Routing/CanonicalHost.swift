internal import Octets

/// A host in its one spelling: lower case, without port or trailing dot.
public struct CanonicalHost: Hashable, Sendable {
  public let text: String

  /// Nil when the bytes have more than one reading: a comma (Envoy joins two Host lines with one), user information,
  /// white space, an empty name, or a port that is no number.
  public init?(_ bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty, bytes.count <= Self.maxBytes else { return nil }
    if Self.isPlainName(bytes) {
      self.text = String(decoding: bytes, as: UTF8.self)
      return
    }
    var name: [UInt8] = []
    name.reserveCapacity(bytes.count)
    var port: [UInt8]?
    var bracket = Bracket.none
    for byte in bytes {
      if port != nil {
        guard ASCII.isDigit(byte) else { return nil }
        port?.append(byte)
        continue
      }
      switch byte {
      case 0x5B where name.isEmpty && bracket == .none: bracket = .open
      case 0x5D where bracket == .open: bracket = .closed
      case ASCII.colon where bracket != .open: port = []
      case ASCII.colon where bracket == .open: break
      case _
      where ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.dash || byte == ASCII.dot
        || byte == 0x5F:
        guard bracket != .closed else { return nil }
      default: return nil
      }
      if port == nil { name.append(ASCII.lowercased(byte)) }
    }
    guard bracket != .open, (port?.count ?? 1) <= 5 else { return nil }
    if name.last == ASCII.dot { name.removeLast() }
    guard !name.isEmpty, name.first != ASCII.dot, name.last != ASCII.dot else { return nil }
    self.text = String(decoding: name, as: UTF8.self)
  }

  /// Small letters, digits, `-`, `_` and dots inside: nothing to rewrite, as nearly every proxy sends it.
  private static func isPlainName(_ bytes: some Collection<UInt8>) -> Bool {
    var last = ASCII.dot
    var isFirst = true
    for byte in bytes {
      switch byte {
      case 0x61...0x7A, 0x30...0x39, ASCII.dash, 0x5F: break
      case ASCII.dot where !isFirst: break
      default: return false
      }
      isFirst = false
      last = byte
    }
    return last != ASCII.dot
  }

  private enum Bracket { case none, open, closed }

  /// RFC 1035 §2.3.4 allows 255 octets for a name; the rest is brackets and port.
  public static let maxBytes = 264
}
