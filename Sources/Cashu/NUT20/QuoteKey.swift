internal import Digest
internal import Octets
internal import Secp256k1

/// The key that one mint quote is locked to (NUT-20), so that its name alone does not give the money away.
struct QuoteKey: Sendable {
  /// What a mint accepts as the message; the text changed after quotes had been made with the first.
  enum Form: Sendable, CaseIterable {
    /// NUT-20 and its vectors: the quote's name and the hexadecimal text of each `B_`.
    case joined
    /// Nutshell since 0.20.2: a domain, and each part with its length.
    case framed
  }

  private let pair: Curve.KeyPair
  /// 33 bytes in hexadecimal, as `pubkey` writes it.
  let publicKey: String

  init(_ secret: Scalar) {
    self.pair = Curve.shared.keyPair(secret.bytes)
    self.publicKey = Hex.encode(Point(generatorTimes: secret).compressed)
  }

  /// The same seed and name always give the same key. Nil for the one name in 2¹²⁷ that gives none.
  init?(seed: TreasurySeed, name: String) {
    let key = HMACKey(seed.exportBytes())
    guard let secret = Scalar(reducing: key.authenticate(Array("Turnpike mint quote \(name)".utf8))) else {
      return nil
    }
    self.init(secret)
  }

  /// BIP-340 over the message's SHA-256, in hexadecimal.
  func signature(for quote: String, _ outputs: [BlindedMessage], _ form: Form) -> String {
    Hex.encode(Curve.shared.sign(SHA256.hash(Self.message(quote, outputs, form)), with: self.pair))
  }

  static func message(_ quote: String, _ outputs: [BlindedMessage], _ form: Form) -> [UInt8] {
    switch form {
    case .joined:
      return Array(quote.utf8) + outputs.flatMap { Hex.bytes($0.B_.compressed) }
    case .framed:
      var message = Array("Cashu_MintQuoteSig_v1".utf8)
      self.append(Array(quote.utf8), to: &message)
      for output in outputs {
        self.append(Array(self.bytes(output.amount).drop { $0 == 0 }), to: &message)
        self.append(output.B_.compressed, to: &message)
      }
      return message
    }
  }

  private static func append(_ part: [UInt8], to message: inout [UInt8]) {
    message += self.bytes(UInt32(part.count)) + part
  }

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    stride(from: number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
  }
}
