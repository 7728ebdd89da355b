/// The bytes this project names in its parsers.
public enum ASCII {
  public static let tab: UInt8 = 0x09
  public static let lineFeed: UInt8 = 0x0A
  public static let carriageReturn: UInt8 = 0x0D
  public static let space: UInt8 = 0x20
  public static let percent: UInt8 = 0x25
  public static let comma: UInt8 = 0x2C
  public static let dash: UInt8 = 0x2D
  public static let dot: UInt8 = 0x2E
  public static let slash: UInt8 = 0x2F
  public static let colon: UInt8 = 0x3A
  public static let semicolon: UInt8 = 0x3B
  public static let equals: UInt8 = 0x3D
  public static let question: UInt8 = 0x3F
  public static let backslash: UInt8 = 0x5C

  public static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }
  public static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  public static func isLetter(_ byte: UInt8) -> Bool { lowercased(byte) >= 0x61 && lowercased(byte) <= 0x7A }
  public static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

  /// `tchar` of RFC 9110 §5.6.2: what a field name or a method may be made of.
  public static func isToken(_ byte: UInt8) -> Bool {
    if isLetter(byte) || isDigit(byte) { return true }
    switch byte {
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: return true
    default: return false
    }
  }
}

extension Sequence<UInt8> {
  /// Equal to `text`, upper and lower case of ASCII letters alike.
  public func equalsIgnoringCase(_ text: StaticString) -> Bool {
    unsafe self.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) {
      ASCII.lowercased($0) == ASCII.lowercased($1)
    }
  }
}

extension Collection<UInt8> {
  /// Begins with `text`, upper and lower case of ASCII letters alike.
  public func startsIgnoringCase(with text: StaticString) -> Bool {
    self.count >= text.utf8CodeUnitCount && self.prefix(text.utf8CodeUnitCount).equalsIgnoringCase(text)
  }
}

extension BidirectionalCollection<UInt8> where SubSequence: BidirectionalCollection {
  /// Without the spaces and tabs at either end (OWS, RFC 9110 §5.6.3).
  public var trimmed: SubSequence {
    let isSpace = { (byte: UInt8) in byte == ASCII.space || byte == ASCII.tab }
    guard let first = self.firstIndex(where: { !isSpace($0) }),
      let last = self.lastIndex(where: { !isSpace($0) })
    else { return self[self.startIndex..<self.startIndex] }
    return self[first...last]
  }
}

/// Equal, in a time that depends on the lengths only; for secrets and authenticators.
public func equalInConstantTime(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
  guard a.count == b.count else { return false }
  var difference: UInt8 = 0
  for (x, y) in zip(a, b) { difference |= x ^ y }
  return difference == 0
}
