/// Signs and checks messages with one secret key; who uses it needs no cryptography of its own.
public protocol MessageAuthenticator: Sendable {
  /// 32 bytes.
  func code(for message: Span<UInt8>) -> [UInt8]
  /// Compares in constant time.
  func isAuthentic(_ message: Span<UInt8>, code: Span<UInt8>) -> Bool
}
