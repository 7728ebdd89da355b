internal import Octets

/// One public key that may log in: a type and a blob that say the same (RFC 4253 §6.6), without options and comment.
package struct AuthorizedKey: Hashable, Sendable {
  /// The longest line, in bytes; an RSA key of 16,384 bits has 2.8 KiB.
  package static let maxBytes = 8 * 1024
  /// What OpenSSH takes by default too would be 1024; who sells machines need not.
  package static let leastRSABits = 2048
  package static let mostRSABits = 16_384

  /// `TYPE BLOB`: a line of `authorized_keys`.
  package let text: String

  /// Nil for options before the type, an unknown type, a blob that is not such a key or has bytes behind it, control
  /// characters, and more than one line. A comment is dropped.
  package init?(_ line: String) {
    guard line.utf8.count <= Self.maxBytes, line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      return nil
    }
    let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
    guard words.count >= 2, let kind = Kind(rawValue: String(words[0])) else { return nil }
    guard let blob = Base64.decode(words[1].utf8), Self.isKey(blob, of: kind) else { return nil }
    self.text = "\(kind.rawValue) \(Base64.encode(blob))"
  }

  private enum Kind: String {
    case ed25519 = "ssh-ed25519"
    case nistp256 = "ecdsa-sha2-nistp256"
    case nistp384 = "ecdsa-sha2-nistp384"
    case nistp521 = "ecdsa-sha2-nistp521"
    case rsa = "ssh-rsa"
    /// Security keys (OpenSSH, PROTOCOL.u2f).
    case securityEd25519 = "sk-ssh-ed25519@openssh.com"
    case securityNistp256 = "sk-ecdsa-sha2-nistp256@openssh.com"
  }

  private static func isKey(_ blob: [UInt8], of kind: Kind) -> Bool {
    var reader = WireReader(blob)
    guard reader.string() == Array(kind.rawValue.utf8) else { return false }
    switch kind {
    case .ed25519: guard reader.string()?.count == 32 else { return false }
    case .securityEd25519:
      guard reader.string()?.count == 32, reader.string()?.isEmpty == false else { return false }
    case .nistp256: guard reader.point(on: "nistp256", bytes: 32) else { return false }
    case .nistp384: guard reader.point(on: "nistp384", bytes: 48) else { return false }
    case .nistp521: guard reader.point(on: "nistp521", bytes: 66) else { return false }
    case .securityNistp256:
      guard reader.point(on: "nistp256", bytes: 32), reader.string()?.isEmpty == false else { return false }
    case .rsa:
      guard let exponent = reader.positiveBits(), exponent > 1, let modulus = reader.positiveBits() else {
        return false
      }
      guard (Self.leastRSABits...Self.mostRSABits).contains(modulus) else { return false }
    }
    return reader.isAtEnd
  }
}

/// The strings of SSH's wire form (RFC 4251 §5): four bytes of length, then that many.
private struct WireReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.rest = bytes[...] }

  var isAtEnd: Bool { self.rest.isEmpty }

  mutating func string() -> [UInt8]? {
    guard self.rest.count >= 4 else { return nil }
    let count = self.rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    self.rest = self.rest.dropFirst(4)
    guard count <= self.rest.count else { return nil }
    defer { self.rest = self.rest.dropFirst(count) }
    return Array(self.rest.prefix(count))
  }

  /// A curve's name and an uncompressed point on it (RFC 5656 §3.1); whether it is on the curve is sshd's to say.
  mutating func point(on curve: String, bytes: Int) -> Bool {
    guard self.string() == Array(curve.utf8), let point = self.string() else { return false }
    return point.count == 1 + 2 * bytes && point.first == 4
  }

  /// The bit length of an `mpint` above 0 in its shortest form.
  mutating func positiveBits() -> Int? {
    guard let bytes = self.string(), let first = bytes.first, first < 0x80 else { return nil }
    if first != 0 { return bytes.count * 8 - first.leadingZeroBitCount }
    guard bytes.count > 1, bytes[1] >= 0x80 else { return nil }
    return (bytes.count - 1) * 8
  }
}
