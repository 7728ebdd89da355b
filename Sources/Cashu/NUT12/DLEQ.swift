internal import Digest
internal import Octets

/// The mint's proof that it signed with the key it published (NUT-12): `C_ = aB_` for the `a` of `A = aG`.
package struct DLEQ: Sendable, Equatable {
  package var e: Scalar
  package var s: Scalar

  package init(e: Scalar, s: Scalar) {
    self.e = e
    self.s = s
  }

  /// What the owner of a blinded message checks.
  package func isValid(blinded B_: Point, signature C_: Point, mintKey A: Point) -> Bool {
    self.isValid(sB_: B_.times(self.s), signature: C_, mintKey: A)
  }

  /// The same for who knows `sB_` without `B_`, which the hash does not cover.
  func isValid(sB_: Point, signature C_: Point, mintKey A: Point) -> Bool {
    // R1 = sG − eA, R2 = sB_ − eC_; at infinity the proof would not be one.
    let minusE = self.e.negated
    guard let R1 = A.times(minusE, addingGeneratorTimes: self.s), let R2 = sB_.adding(C_.times(minusE))
    else { return false }
    return Self.hash([R1, R2, A, C_]) == self.e.bytes
  }

  /// `hash_e`: over the lower-case hexadecimal text of the uncompressed points.
  package static func hash(_ points: [Point]) -> [UInt8] {
    var hasher = SHA256()
    for point in points { hasher.update(Hex.bytes(point.uncompressed)) }
    return Array(hasher.finish())
  }
}

/// A proof of equal logarithms that travels with a proof of money: with the blinding factor anyone can check
/// it (NUT-12).
package struct ProofDLEQ: Sendable, Equatable {
  package var proof: DLEQ
  package var r: Scalar

  package init(proof: DLEQ, r: Scalar) {
    self.proof = proof
    self.r = r
  }

  /// What a receiver checks: it makes `C_ = C + rA` and `sB_ = s(Y + rG)` again from the unblinded pair.
  package func isValid(nullifier Y: Point, signature C: Point, mintKey A: Point) -> Bool {
    let s = self.proof.s
    guard let C_ = C.adding(A.times(self.r)),
      let sB_ = Y.times(s, addingGeneratorTimes: s.times(self.r))
    else { return false }
    return self.proof.isValid(sB_: sB_, signature: C_, mintKey: A)
  }
}
