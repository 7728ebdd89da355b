/// Base 64 in its two alphabets (RFC 4648 §4 and §5).
public enum Base64 {
  private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let urlSafe = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// The URL-safe alphabet, without padding.
  public static func encodeURL(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: self.encode(bytes, alphabet: self.urlSafe), as: UTF8.self)
  }

  /// The standard alphabet, padded.
  public static func encode(_ bytes: some Collection<UInt8>) -> String {
    var out = self.encode(bytes, alphabet: self.standard)
    while out.count % 4 != 0 { out.append(ASCII.equals) }
    return String(decoding: out, as: UTF8.self)
  }

  /// The URL-safe alphabet; padding may be present or absent. Nil for any other character, a length that no encoder
  /// makes, or bits left over: two texts never decode to the same bytes.
  public static func decodeURL(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    return self.decode(text, self.urlSafeValue, onto: &out) ? out : nil
  }

  /// As ``decodeURL(_:)``, behind what `out` already holds; false leaves `out` in no useful state.
  public static func decodeURL(_ text: some Sequence<UInt8>, onto out: inout [UInt8]) -> Bool {
    self.decode(text, self.urlSafeValue, onto: &out)
  }

  /// The standard alphabet; padding may be present or absent.
  public static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    return self.decode(text, self.standardValue, onto: &out) ? out : nil
  }

  private static func encode(_ bytes: some Collection<UInt8>, alphabet: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count * 4 + 2) / 3)
    var bits: UInt32 = 0
    var count = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        out.append(alphabet[Int(bits >> UInt32(count) & 63)])
      }
    }
    if count > 0 { out.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
    return out
  }

  private static func decode(
    _ text: some Sequence<UInt8>, _ value: (UInt8) -> UInt32?, onto out: inout [UInt8]
  ) -> Bool {
    var bits: UInt32 = 0
    var count = 0
    var characters = 0
    var padding = 0
    for character in text {
      if character == ASCII.equals {
        padding += 1
        continue
      }
      guard padding == 0, let six = value(character) else { return false }
      characters += 1
      bits = bits << 6 | six
      count += 6
      if count >= 8 {
        count -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    guard characters % 4 != 1, bits & ((1 << UInt32(count)) - 1) == 0 else { return false }
    return padding == 0 || (characters + padding) % 4 == 0 && padding < 3
  }

  private static func urlSafeValue(_ character: UInt8) -> UInt32? {
    switch character {
    case 0x2D: 62
    case 0x5F: 63
    default: self.commonValue(character)
    }
  }

  private static func standardValue(_ character: UInt8) -> UInt32? {
    switch character {
    case 0x2B: 62
    case 0x2F: 63
    default: self.commonValue(character)
    }
  }

  private static func commonValue(_ character: UInt8) -> UInt32? {
    switch character {
    case 0x41...0x5A: UInt32(character - 0x41)
    case 0x61...0x7A: UInt32(character - 0x61 + 26)
    case 0x30...0x39: UInt32(character - 0x30 + 52)
    default: nil
    }
  }
}
