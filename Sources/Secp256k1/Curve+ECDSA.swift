internal import CSecp256k1

/// Signatures whose key is found from them, as Ethereum's accounts make them.
extension Curve {
  /// The key that made a signature of 64 bytes; nil for a signature of no key.
  package func recover(_ compact: [UInt8], _ recoveryID: UInt8, digest: [UInt8]) -> Key? {
    precondition(compact.count == 64 && digest.count == 32, "a signature has 64 bytes, a digest 32")
    var signature = secp256k1_ecdsa_recoverable_signature()
    guard
      unsafe secp256k1_ecdsa_recoverable_signature_parse_compact(
        self.context, &signature, compact, Int32(recoveryID)) == 1
    else { return nil }
    var key = Key()
    return unsafe secp256k1_ecdsa_recover(self.context, &key.raw, &signature, digest) == 1 ? key : nil
  }

  /// `a·key + b·G`, in one pass where a product and a sum would be two; nil at infinity. For public numbers: its time
  /// tells of them.
  ///
  /// Recovering a key computes `r⁻¹(sR − zG)` for the point `R` whose x is `r` (SEC 1 §4.1.6), which is our sum when
  /// `s = ar` and `z = −br`.
  package func sum(of key: Key, times a: [UInt8], andGeneratorTimes b: [UInt8]) -> Key? {
    let encoded = self.serialize(key, compressed: true)
    let x = Array(encoded[1...])
    // One x in 2¹²⁸ is not below the order, and no `r`.
    guard self.isScalar(x) else { return self.add(generatorTimes: b, to: self.multiply(key, by: a)) }
    let s = self.multiply(scalar: a, by: x)
    return self.recover(
      x + s, encoded[0] & 1, digest: self.negate(scalar: self.multiply(scalar: b, by: x)))
  }

  /// 64 bytes and the number of the key among those that could have made them, with a nonce of RFC 6979 and
  /// the lower `s`. Nil for 32 bytes that are no key.
  package func signRecoverably(
    _ digest: [UInt8], with secret: [UInt8]
  ) -> (compact: [UInt8], recoveryID: UInt8)? {
    precondition(digest.count == 32, "a digest has 32 bytes")
    guard self.isScalar(secret) else { return nil }
    var signature = secp256k1_ecdsa_recoverable_signature()
    var done = unsafe secp256k1_ecdsa_sign_recoverable(self.context, &signature, digest, secret, nil, nil)
    precondition(done == 1, "a key signs")
    var compact = [UInt8](repeating: 0, count: 64)
    var recoveryID: Int32 = 0
    done = unsafe secp256k1_ecdsa_recoverable_signature_serialize_compact(
      self.context, &compact, &recoveryID, &signature)
    precondition(done == 1, "a signature has an encoding")
    return (compact, UInt8(recoveryID))
  }
}
