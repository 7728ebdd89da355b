internal import Digest
internal import Octets
internal import Secp256k1

/// A key of ours that payers lock proofs to (NUT-11): who has it can spend them.
package struct LockKey: Sendable, CustomStringConvertible {
  package static let byteCount = 32

  private let secret: Scalar
  private let pair: Curve.KeyPair
  /// 33 bytes, as `nut10.d` and a secret's `data` write it in hexadecimal.
  package let compressed: [UInt8]

  package var description: String { "<redacted>" }

  /// Nil unless `bytes` are the 32 of a private key.
  package init?(_ bytes: [UInt8]) {
    guard let secret = Scalar(bytes) else { return nil }
    self.secret = secret
    self.pair = Curve.shared.keyPair(secret.bytes)
    self.compressed = Point(generatorTimes: secret).compressed
  }

  package static func random() -> LockKey {
    while true {
      // One try in 2¹²⁷ gives no key.
      if let key = LockKey(RandomBytes.make(count: self.byteCount)) { return key }
    }
  }

  /// What a mint compares keys by: BIP-340 signatures do not tell the two points of one x apart.
  package var xOnly: [UInt8] { Array(self.compressed.dropFirst()) }

  /// Tells two keys apart in a log or a list; the public key is no secret, so a part of it does.
  package var fingerprint: String { Hex.encode(self.xOnly.prefix(8)) }

  /// What the file in `keys:` holds.
  package func exportBytes() -> [UInt8] { self.secret.bytes }

  /// The witness of an input (NUT-11, SIG_INPUTS): BIP-340 over SHA-256 of the secret's exact bytes.
  ///
  /// The same secret always gives the same witness, so a call sent again is the same call (NUT-19).
  package func witness(for secret: Secret) -> String {
    let signature = Curve.shared.sign(SHA256.hash(secret.utf8), with: self.pair)
    return "{\"signatures\":[\"\(Hex.encode(signature))\"]}"
  }
}

/// The keys that proofs may be locked to.
package struct LockKeys: Sendable {
  /// The one that is asked for.
  package let newest: LockKey?
  private let keys: [[UInt8]: LockKey]

  /// - Parameter keys: the newest first; proofs locked to any of them are accepted.
  package init(_ keys: [LockKey]) {
    self.newest = keys.first
    self.keys = Dictionary(keys.map { ($0.xOnly, $0) }) { first, _ in first }
  }

  func key(for lock: PayeeLock) -> LockKey? { self.keys[lock.xOnly] }

  /// The same swap with our witness on each input that is locked to us; nil when one is locked to a key we do not have.
  func signed(_ plan: SwapPlan) -> SwapPlan? {
    var plan = plan
    for index in plan.inputs.indices {
      switch SpendingCondition(of: plan.inputs[index].secret) {
      case .none: continue
      case .unreadable: return nil
      case .lock(let lock):
        guard let key = self.key(for: lock) else { return nil }
        plan.inputs[index].witness = key.witness(for: plan.inputs[index].secret)
      }
    }
    return plan
  }
}
