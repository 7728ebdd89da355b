internal import CSecp256k1

extension Curve {
  package func keyPair(_ secret: [UInt8]) -> KeyPair {
    var pair = KeyPair()
    let done = unsafe secp256k1_keypair_create(self.context, &pair.raw, secret)
    precondition(done == 1, "a scalar is below the order and not zero")
    return pair
  }

  /// BIP-340 without auxiliary randomness: the same message always gets the same signature.
  package func sign(_ hash: [UInt8], with pair: KeyPair) -> [UInt8] {
    precondition(hash.count == 32, "a message is signed by its hash")
    var pair = pair
    var signature = [UInt8](repeating: 0, count: 64)
    let done = unsafe secp256k1_schnorrsig_sign32(self.context, &signature, hash, &pair.raw, nil)
    precondition(done == 1, "a key pair signs")
    return signature
  }

  /// BIP-340. `key` is an x coordinate.
  package func isSignature(_ signature: [UInt8], of hash: [UInt8], by key: [UInt8]) -> Bool {
    guard signature.count == 64, hash.count == 32, key.count == 32 else { return false }
    var point = secp256k1_xonly_pubkey()
    guard unsafe secp256k1_xonly_pubkey_parse(self.context, &point, key) == 1 else { return false }
    return unsafe secp256k1_schnorrsig_verify(self.context, signature, hash, hash.count, &point) == 1
  }
}
