internal import JSON

/// A melt with its blank outputs made: the bytes of the call, and what takes the change out of the answer.
struct MeltRequest: Sendable {
  let body: [UInt8]
  let blanks: [SwapRequest.Output]

  /// Nil when a counter gives no scalar or no point, which happens once in 2¹²⁷.
  init?(_ plan: MeltPlan, counterStart: UInt64, seed: TreasurySeed) {
    // NUT-08 leaves the amount of a blank output to the wallet; mints look for one, so it is 1.
    let amounts = [UInt64](repeating: 1, count: Int(plan.blanks))
    guard
      let blanks = SwapRequest.outputs(
        amounts, keysetID: plan.outputKeysetID, counterStart: counterStart, seed: seed)
    else { return nil }
    self.blanks = blanks
    self.body = JSONWriter.write(
      .record([
        "quote": .string(plan.quote),
        "inputs": .array(plan.inputs.map { ProofJSON.write($0.proof) }),
        "outputs": blanks.isEmpty ? nil : .array(blanks.map(\.message.json)),
      ])
    )
  }

  /// The change, if each signature is by the keyset's key for its amount; `signatures` are in the order of the outputs,
  /// nil where one has none. Nil when one is not good.
  func change(from signatures: [BlindSignature?], under keyset: Keyset) -> [UnverifiedProof]? {
    guard signatures.count <= self.blanks.count else { return nil }
    var proofs: [UnverifiedProof] = []
    for (output, signature) in zip(self.blanks, signatures) {
      guard let signature else { continue }
      guard signature.keysetID == keyset.id,
        let proof = output.proof(from: signature, under: keyset, mustBeProved: false)
      else { return nil }
      proofs.append(proof)
    }
    return proofs
  }
}
