private import CSecp256k1
private import Digest

/// The one owner of libsecp256k1's context in this module.
///
/// libsecp256k1 takes the context as `const` in every call but `secp256k1_context_randomize`, which runs
/// once, before the value is shared; that is what makes sharing it sound (secp256k1.h, "Opaque data structure
/// that holds context"). Return codes below: 1 is success; 0 is a bad encoding or a signature of no key.
@safe final class Secp256k1: @unchecked Sendable {
  static let shared = Secp256k1()

  private let context: OpaquePointer

  private init() {
    guard let context = unsafe secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE)) else {
      preconditionFailure("out of memory for the curve's tables")
    }
    unsafe self.context = context
    // Blinds the arithmetic with secret scalars against timing.
    let done = unsafe secp256k1_context_randomize(context, RandomBytes.make(count: 32))
    precondition(done == 1, "the curve's context cannot be randomised")
  }

  deinit { unsafe secp256k1_context_destroy(self.context) }

  /// The key that made a signature of 64 bytes, as 65 bytes.
  func recover(_ compact: [UInt8], _ recoveryID: UInt8, digest: [UInt8]) -> [UInt8]? {
    precondition(compact.count == 64 && digest.count == 32, "a signature has 64 bytes, a digest 32")
    var signature = secp256k1_ecdsa_recoverable_signature()
    guard
      unsafe secp256k1_ecdsa_recoverable_signature_parse_compact(
        self.context, &signature, compact, Int32(recoveryID)) == 1
    else { return nil }
    var key = secp256k1_pubkey()
    guard unsafe secp256k1_ecdsa_recover(self.context, &key, &signature, digest) == 1 else { return nil }
    return self.serialize(key)
  }

  /// 65 bytes; nil for 32 bytes that are no key.
  func publicKey(of secret: [UInt8]) -> [UInt8]? {
    var key = secp256k1_pubkey()
    guard unsafe secret.count == 32 && secp256k1_ec_pubkey_create(self.context, &key, secret) == 1 else {
      return nil
    }
    return self.serialize(key)
  }

  /// With a nonce of RFC 6979 and the lower `s`.
  func sign(_ digest: [UInt8], with secret: [UInt8]) -> RecoverableSignature? {
    precondition(digest.count == 32, "a digest has 32 bytes")
    var signature = secp256k1_ecdsa_recoverable_signature()
    guard
      unsafe secret.count == 32
        && secp256k1_ecdsa_sign_recoverable(self.context, &signature, digest, secret, nil, nil) == 1
    else { return nil }
    var compact = [UInt8](repeating: 0, count: 64)
    var recoveryID: Int32 = 0
    let done = unsafe secp256k1_ecdsa_recoverable_signature_serialize_compact(
      self.context, &compact, &recoveryID, &signature)
    precondition(done == 1, "a signature has an encoding")
    // 2 and 3 need an `r` above the order: one in 2¹²⁷.
    return recoveryID < 2 ? RecoverableSignature(compact: compact, recoveryID: UInt8(recoveryID)) : nil
  }

  private func serialize(_ key: secp256k1_pubkey) -> [UInt8] {
    var key = key
    var count = 65
    var encoded = [UInt8](repeating: 0, count: count)
    let done = unsafe secp256k1_ec_pubkey_serialize(
      self.context, &encoded, &count, &key, UInt32(SECP256K1_EC_UNCOMPRESSED))
    precondition(done == 1, "a point has an encoding")
    return encoded
  }
}
