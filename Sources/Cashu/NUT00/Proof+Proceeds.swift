internal import Gate
internal import JSON

extension Proceeds {
  /// A proof of ours as the book keeps it: its `Y` as the nullifier, its JSON (NUT-00) as the bearer. The keyset must be
  /// named in full.
  init(_ proof: UnverifiedProof, of mint: String, in unit: Amount.Unit) {
    guard case .full(let keysetID) = proof.keyset else {
      preconditionFailure("a proof that we made names its keyset in full")
    }
    self.init(
      counterpart: mint,
      series: keysetID.description,
      value: Amount(proof.amount, unit),
      nullifier: Nullifier(Point.hashToCurve(proof.secret.utf8).compressed),
      bearer: JSONWriter.write(ProofJSON.write(proof))
    )
  }
}
