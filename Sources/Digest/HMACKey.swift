internal import COpenSSL

/// A key for HMAC-SHA-256 (RFC 2104), with the two padded blocks hashed once.
///
/// Every pass on every request is checked with one of these, so a check allocates nothing and hashes only the
/// message. The key itself is not kept; the description shows nothing of it.
package struct HMACKey: Sendable, CustomStringConvertible {
  private static let blockByteCount = 64

  private let inner: SHA256
  private let outer: SHA256

  package var description: String { "<redacted>" }

  package init(_ key: [UInt8]) {
    var block = key.count > Self.blockByteCount ? SHA256.hash(key) : key
    block.append(contentsOf: repeatElement(0, count: Self.blockByteCount - block.count))
    var inner = SHA256()
    inner.update(block.map { $0 ^ 0x36 })
    var outer = SHA256()
    outer.update(block.map { $0 ^ 0x5C })
    self.inner = inner
    self.outer = outer
  }

  /// The authenticator without an allocation.
  package func authenticate(_ message: Span<UInt8>) -> InlineArray<32, UInt8> {
    var inner = self.inner
    inner.update(message)
    let digest = inner.finish()
    var outer = self.outer
    outer.update(digest.span)
    return outer.finish()
  }

  package func authenticate(_ message: [UInt8]) -> [UInt8] { Array(self.authenticate(message.span)) }

  /// Whether `authenticator` is that of `message`, all 32 bytes of it.
  /// The time taken depends on the lengths only; no allocation.
  package func verify(message: Span<UInt8>, authenticator: Span<UInt8>) -> Bool {
    guard authenticator.count == SHA256.byteCount else { return false }
    let expected = self.authenticate(message)
    var difference: UInt8 = 0
    for index in authenticator.indices { difference |= expected[index] ^ authenticator[index] }
    return difference == 0
  }

  package func verify(message: [UInt8], authenticator: [UInt8]) -> Bool {
    self.verify(message: message.span, authenticator: authenticator.span)
  }
}
