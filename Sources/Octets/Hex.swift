/// Base 16 in lower case (RFC 4648 §8).
public enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: self.bytes(bytes), as: UTF8.self)
  }

  public static func bytes(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
      out.append(self.digits[Int(byte >> 4)])
      out.append(self.digits[Int(byte & 15)])
    }
    return out
  }

  /// Upper and lower case alike; nil for an odd length or any other character.
  public static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    var high: UInt8?
    for character in text {
      guard let nibble = self.nibble(character) else { return nil }
      if let first = high {
        out.append(first << 4 | nibble)
        high = nil
      } else {
        high = nibble
      }
    }
    return high == nil ? out : nil
  }

  public static func decode(_ text: String) -> [UInt8]? { self.decode(text.utf8) }

  /// The value of one digit.
  public static func nibble(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x41...0x46: character - 0x41 + 10
    case 0x61...0x66: character - 0x61 + 10
    default: nil
    }
  }
}
