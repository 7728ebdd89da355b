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
    return self.decode(text, .urlSafe, onto: &out) ? out : nil
  }

  /// As ``decodeURL(_:)``, behind what `out` already holds; false leaves `out` in no useful state.
  public static func decodeURL(_ text: some Sequence<UInt8>, onto out: inout [UInt8]) -> Bool {
    self.decode(text, .urlSafe, onto: &out)
  }

  /// The standard alphabet; padding may be present or absent.
  public static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    return self.decode(text, .standard, onto: &out) ? out : nil
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

  private enum Alphabet { case standard, urlSafe }

  private static func decode(_ text: some Sequence<UInt8>, _ alphabet: Alphabet, onto out: inout [UInt8])
    -> Bool
  {
    var bits: UInt32 = 0
    var count = 0
    var characters = 0
    var padding = 0
    let values = alphabet == .urlSafe ? self.urlSafeValues : self.standardValues
    out.reserveCapacity(out.count + text.underestimatedCount / 4 * 3 + 3)
    for character in text {
      if character == ASCII.equals {
        padding += 1
        continue
      }
      let six = UInt32(values[Int(character)])
      guard six < 64, padding == 0 else { return false }
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

  /// Each byte's six bits; 64 for a byte outside the alphabet.
  private static let standardValues = values(of: standard)
  private static let urlSafeValues = values(of: urlSafe)

  private static func values(of alphabet: [UInt8]) -> [UInt8] {
    var values = [UInt8](repeating: 64, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }
}
