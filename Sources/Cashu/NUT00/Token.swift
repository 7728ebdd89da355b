package import JSON

/// A token as a stranger sent it (NUT-00): decoded, and nothing of it believed.
package struct UnverifiedToken: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package var mint: String
    package var proofs: [UnverifiedProof]

    package init(mint: String, proofs: [UnverifiedProof]) {
      self.mint = mint
      self.proofs = proofs
    }
  }

  /// One in V4; V3 may hold proofs of several mints.
  package var entries: [Entry]
  package var unit: String?
  package var memo: String?

  package init(entries: [Entry], unit: String?, memo: String? = nil) {
    self.entries = entries
    self.unit = unit
    self.memo = memo
  }

  package var proofCount: Int { self.entries.reduce(0) { $0 + $1.proofs.count } }
}

/// A proof as a token names it: its keyset perhaps only by its first bytes, its signature not checked to be a
/// point.
package struct UnverifiedProof: Sendable, Equatable {
  package var amount: UInt64
  package var keyset: KeysetReference
  package var secret: Secret
  /// `C`, 33 bytes.
  package var signature: [UInt8]
  package var dleq: UnverifiedDLEQ?
  package var witness: String?

  package init(
    amount: UInt64, keyset: KeysetReference, secret: Secret, signature: [UInt8], dleq: UnverifiedDLEQ? = nil,
    witness: String? = nil
  ) {
    self.amount = amount
    self.keyset = keyset
    self.secret = secret
    self.signature = signature
    self.dleq = dleq
    self.witness = witness
  }
}

/// The three numbers of a DLEQ proof as sent, 32 bytes each; not yet checked to be scalars.
package struct UnverifiedDLEQ: Sendable, Equatable {
  package var e: [UInt8]
  package var s: [UInt8]
  package var r: [UInt8]

  package init(e: [UInt8], s: [UInt8], r: [UInt8]) {
    self.e = e
    self.s = s
    self.r = r
  }

  /// Nil when one of them is zero or not below the order: such a proof proves nothing.
  package var checked: ProofDLEQ? {
    guard let e = Scalar(self.e), let s = Scalar(self.s), let r = Scalar(self.r) else { return nil }
    return ProofDLEQ(proof: DLEQ(e: e, s: s), r: r)
  }
}

/// Why a token cannot be read.
package enum TokenFault: Error, Equatable, Sendable {
  case tooLong
  case notAToken
  case notBase64
  case notCBOR(CBORReader.Malformed.Reason)
  case notJSON(JSONReader.Malformed.Reason)
  /// A member of that name is absent or has another type.
  case member(String)
}
