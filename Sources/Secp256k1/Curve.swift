internal import CSecp256k1
private import Digest

/// The one owner of libsecp256k1's context: points, scalars, and the signatures of BIP-340 and Ethereum on them.
///
/// libsecp256k1 takes the context as `const` in every call but `secp256k1_context_randomize`, which runs
/// once, before the value is shared; that is what makes sharing it sound (secp256k1.h, "Opaque data structure
/// that holds context"). Return codes of the calls below: 1 is success; 0 is a bad encoding, or a sum at
/// infinity.
@safe package final class Curve: @unchecked Sendable {
  package static let shared = Curve()

  let context: OpaquePointer

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

  /// A whole coordinate pair as the library keeps it; opaque outside this module.
  package struct Key: Sendable {
    var raw = secp256k1_pubkey()
  }

  /// A private key and its public one; opaque outside this module, and secret.
  package struct KeyPair: Sendable {
    var raw = secp256k1_keypair()
  }

  package func parse(_ encoded: [UInt8]) -> Key? {
    var key = Key()
    return unsafe secp256k1_ec_pubkey_parse(self.context, &key.raw, encoded, encoded.count) == 1 ? key : nil
  }

  package func serialize(_ key: Key, compressed: Bool) -> [UInt8] {
    var key = key
    var count = compressed ? 33 : 65
    let flags = UInt32(compressed ? SECP256K1_EC_COMPRESSED : SECP256K1_EC_UNCOMPRESSED)
    var encoded = [UInt8](repeating: 0, count: count)
    let done = unsafe secp256k1_ec_pubkey_serialize(self.context, &encoded, &count, &key.raw, flags)
    precondition(done == 1, "a parsed point has an encoding")
    return encoded
  }

  package func areEqual(_ a: Key, _ b: Key) -> Bool {
    var (a, b) = (a, b)
    return unsafe secp256k1_ec_pubkey_cmp(self.context, &a.raw, &b.raw) == 0
  }

  package func isScalar(_ bytes: [UInt8]) -> Bool {
    unsafe bytes.count == 32 && secp256k1_ec_seckey_verify(self.context, bytes) == 1
  }

  package func generator(times scalar: [UInt8]) -> Key {
    var key = Key()
    let done = unsafe secp256k1_ec_pubkey_create(self.context, &key.raw, scalar)
    precondition(done == 1, "a scalar is below the order and not zero")
    return key
  }

  package func multiply(_ key: Key, by scalar: [UInt8]) -> Key {
    var key = key
    let done = unsafe secp256k1_ec_pubkey_tweak_mul(self.context, &key.raw, scalar)
    precondition(done == 1, "a scalar is below the order and not zero")
    return key
  }

  /// `key + scalar·G`; nil at infinity.
  package func add(generatorTimes scalar: [UInt8], to key: Key) -> Key? {
    var key = key
    return unsafe secp256k1_ec_pubkey_tweak_add(self.context, &key.raw, scalar) == 1 ? key : nil
  }

  /// The sum; nil at infinity.
  package func add(_ a: Key, _ b: Key) -> Key? {
    var (a, b, sum) = (a, b, Key())
    return unsafe withUnsafePointer(to: &a.raw) { first in
      unsafe withUnsafePointer(to: &b.raw) { second in
        let terms: [UnsafePointer<secp256k1_pubkey>?] = unsafe [first, second]
        return unsafe secp256k1_ec_pubkey_combine(self.context, &sum.raw, terms, 2) == 1 ? sum : nil
      }
    }
  }

  package func negate(_ key: Key) -> Key {
    var key = key
    let done = unsafe secp256k1_ec_pubkey_negate(self.context, &key.raw)
    precondition(done == 1, "every point has an opposite")
    return key
  }

  package func negate(scalar: [UInt8]) -> [UInt8] {
    var scalar = scalar
    let done = unsafe secp256k1_ec_seckey_negate(self.context, &scalar)
    precondition(done == 1, "every scalar has an opposite")
    return scalar
  }

  /// The product modulo the order.
  package func multiply(scalar: [UInt8], by factor: [UInt8]) -> [UInt8] {
    var scalar = scalar
    let done = unsafe secp256k1_ec_seckey_tweak_mul(self.context, &scalar, factor)
    precondition(done == 1, "scalars are below the order and not zero")
    return scalar
  }

  /// The sum modulo the order; nil when it is zero or `tweak` is not below the order.
  package func add(scalar: [UInt8], _ tweak: [UInt8]) -> [UInt8]? {
    var scalar = scalar
    return unsafe secp256k1_ec_seckey_tweak_add(self.context, &scalar, tweak) == 1 ? scalar : nil
  }
}
