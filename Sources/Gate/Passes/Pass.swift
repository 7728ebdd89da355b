internal import Octets

/// Proof of a grant that its bearer carries, as `tp1.` and the base64url of:
///
/// | bytes | what |
/// |---|---|
/// | 1 | kind: 1 counts uses, 2 lasts for a time, 3 both |
/// | 4 | key id |
/// | 8 | end, seconds since 1970; 0 where only uses count |
/// | 16 | serial of the grant |
/// | 16 | tag of the route |
/// | n | canonical host |
/// | 32 | HMAC-SHA-256 over `turnpike pass 1` and all before it |
///
/// Whoever holds it may pass: a secret.
public struct Pass: Sendable {
  public enum Kind: UInt8, Sendable {
    case uses = 1
    case time = 2
    case usesWithinTime = 3
  }

  public var kind: Kind
  public var end: Timestamp
  public var serial: Serial
  public var routeTag: [UInt8]
  public var host: [UInt8]

  /// The longest text that can be a pass: the fixed part, the longest host, in base64.
  public static let maxTextBytes = 4 + (fixedBytes + CanonicalHost.maxBytes + codeBytes) * 4 / 3 + 4

  private static let prefix: StaticString = "tp1."
  private static let domain = Array("turnpike pass 1".utf8)
  private static let fixedBytes = 45
  private static let codeBytes = 32

  public init(kind: Kind, end: Timestamp, serial: Serial, routeTag: [UInt8], host: String) {
    self.kind = kind
    self.end = end
    self.serial = serial
    self.routeTag = routeTag
    self.host = Array(host.utf8)
  }

  /// The bearer form.
  public func signed(with key: PassKey) -> String {
    var message = Self.domain
    message.append(self.kind.rawValue)
    message += Self.bigEndian(UInt64(key.id), bytes: 4)
    message += Self.bigEndian(UInt64(bitPattern: self.end.seconds), bytes: 8)
    message += self.serial.bytes
    message += self.routeTag
    message += self.host
    let code = key.authenticator.code(for: message[...])
    return "tp1." + Base64.encodeURL(message[Self.domain.count...] + code)
  }

  /// What came of reading a text.
  enum Reading {
    case authentic(Pass)
    case forged
  }

  /// Everything but an authentic signature by one of `keys` is `forged`.
  static func read(_ text: ArraySlice<UInt8>, keys: PassKeys) -> Reading {
    guard text.count <= self.maxTextBytes, text.startsIgnoringCase(with: self.prefix),
      let bytes = Base64.decodeURL(text.dropFirst(self.prefix.utf8CodeUnitCount)),
      bytes.count >= self.fixedBytes + self.codeBytes,
      let kind = Kind(rawValue: bytes[0]),
      let key = keys.key(UInt32(self.integer(bytes[1..<5])))
    else { return .forged }
    let body = bytes.dropLast(self.codeBytes)
    guard key.authenticator.isAuthentic((self.domain + body)[...], code: bytes.suffix(self.codeBytes))
    else { return .forged }
    return .authentic(
      Pass(
        kind: kind, end: Timestamp(seconds: Int64(bitPattern: self.integer(bytes[5..<13]))),
        serial: Serial(Array(bytes[13..<29])), routeTag: Array(bytes[29..<45]), host: Array(body.dropFirst(45)))
    )
  }

  private init(kind: Kind, end: Timestamp, serial: Serial, routeTag: [UInt8], host: [UInt8]) {
    self.kind = kind
    self.end = end
    self.serial = serial
    self.routeTag = routeTag
    self.host = host
  }

  private static func bigEndian(_ value: UInt64, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (bytes - 1 - $0))) }
  }

  private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
