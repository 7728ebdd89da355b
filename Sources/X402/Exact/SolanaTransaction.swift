internal import Octets

/// A partly signed Solana transaction: signatures, then the message that they sign. Only the message is the
/// payment: the facilitator fills in a signature, so the whole differs before and after.
struct SolanaTransaction: Hashable, Sendable {
  /// A packet of Solana holds no more.
  static let maxByteCount = 1232
  private static let signatureByteCount = 64
  /// A packet has no room for more signatures.
  private static let maxSignatures: UInt8 = 19

  let message: [UInt8]

  /// Standard base64 of the whole.
  init?(base64 text: String) {
    guard text.utf8.count <= Self.maxByteCount * 4 / 3 + 4, let bytes = Base64.decode(text.utf8),
      bytes.count <= Self.maxByteCount,
      // `compact-u16`: one byte below 128.
      let count = bytes.first, (1...Self.maxSignatures).contains(count)
    else { return nil }
    let message = bytes.dropFirst(1 + Int(count) * Self.signatureByteCount)
    guard !message.isEmpty else { return nil }
    self.message = Array(message)
  }
}
