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

  public let kind: Kind
  public let end: Timestamp
  public let serial: Serial
  public let routeTag: UInt128
  /// All that is signed, with the domain in front; the host ends it.
  private let message: [UInt8]

  /// The longest text that can be a pass: the fixed part, the longest host and the code, in base64.
  public static let maxTextBytes = 4 + (fixedBytes + CanonicalHost.maxBytes + codeBytes) * 4 / 3 + 4

  private static let prefix: StaticString = "tp1."
  private static let domain = Array("turnpike pass 1".utf8)
  private static let fixedBytes = 45
  private static let codeBytes = 32

  /// The canonical host it holds on; empty where the proxy tells none.
  public var host: ArraySlice<UInt8> { self.message.dropFirst(Self.domain.count + Self.fixedBytes) }

  /// `host` is canonical; empty where the proxy tells none.
  func isOn(host: String) -> Bool {
    let text = host.utf8
    // Character by character a String takes ten times as long.
    return unsafe text.withContiguousStorageIfAvailable { unsafe self.host.elementsEqual($0) }
      ?? self.host.elementsEqual(text)
  }

  /// Whether a text is meant to be one, whoever signed it.
  public static func isForm(_ text: some Collection<UInt8>) -> Bool {
    Array(text.prefix(self.prefix.utf8CodeUnitCount)).startsIgnoringCase(with: self.prefix)
  }

  /// The bearer form of a grant.
  public static func token(
    kind: Kind, end: Timestamp, serial: Serial, routeTag: UInt128, host: String, signedWith key: PassKey
  ) -> String {
    var message = self.domain
    message.append(kind.rawValue)
    message += key.id.bigEndianBytes
    message += UInt64(bitPattern: end.seconds).bigEndianBytes
    message += serial.bytes
    message += routeTag.bigEndianBytes
    message += Array(host.utf8)
    let code = key.authenticator.code(for: message.span)
    return "\(self.prefix)" + Base64.encodeURL(message[self.domain.count...] + code)
  }

  /// Nil for everything but an authentic signature by one of `keys`.
  init?(_ text: ArraySlice<UInt8>, keys: PassKeys) {
    guard text.count <= Self.maxTextBytes, text.startsIgnoringCase(with: Self.prefix) else { return nil }
    var bytes = Self.domain
    bytes.reserveCapacity(Self.domain.count + text.count)
    let start = Self.domain.count
    guard Base64.decodeURL(text.dropFirst(Self.prefix.utf8CodeUnitCount), onto: &bytes),
      bytes.count >= start + Self.fixedBytes + Self.codeBytes,
      let kind = Kind(rawValue: bytes[start]),
      let key = keys.key(UInt32(bigEndianBytes: bytes[start + 1..<start + 5]))
    else { return nil }
    guard Self.isSigned(bytes, with: key) else { return nil }
    self.kind = kind
    self.end = Timestamp(seconds: Int64(bitPattern: UInt64(bigEndianBytes: bytes[start + 5..<start + 13])))
    self.serial = Serial(UInt128(bigEndianBytes: bytes[start + 13..<start + 29]))
    self.routeTag = UInt128(bigEndianBytes: bytes[start + 29..<start + 45])
    bytes.removeLast(Self.codeBytes)
    self.message = bytes
  }

  private static func isSigned(_ bytes: [UInt8], with key: PassKey) -> Bool {
    let signed = bytes.count - self.codeBytes
    return key.authenticator.isAuthentic(
      bytes.span.extracting(0..<signed), code: bytes.span.extracting(signed..<bytes.count))
  }
}
