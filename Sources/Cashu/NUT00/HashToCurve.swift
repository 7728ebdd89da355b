internal import Digest

extension Point {
  /// NUT-00, "hash_to_curve": each try fails for half of all hashes, so the bound of the specification is
  /// never met.
  private static let maxTries: UInt32 = 1 << 16

  /// The point `Y` of a secret, which is also its nullifier (NUT-00 and NUT-07).
  ///
  /// The message is the secret's UTF-8 text: 64 hexadecimal characters are 64 bytes here, not 32.
  package static func hashToCurve(_ message: [UInt8]) -> Point {
    var hasher = SHA256()
    hasher.update("Secp256k1_HashToCurve_Cashu_")
    hasher.update(message)
    let digest = hasher.finish()
    for counter in 0..<self.maxTries {
      var candidate = SHA256()
      candidate.update(digest.span)
      candidate.update([0, 8, 16, 24].map { UInt8(truncatingIfNeeded: counter >> $0) })
      if let point = Point(compressed: [0x02] + Array(candidate.finish())) { return point }
    }
    preconditionFailure("no point among 65536 hashes")
  }
}
