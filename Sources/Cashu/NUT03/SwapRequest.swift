internal import Gate
internal import JSON
internal import Octets

/// A plan with its outputs made: the bytes of the call, and what is needed to take the money out of the
/// answer.
///
/// The same plan, seed and number always give the same bytes (NUT-13), so a repetition can never pay twice.
struct SwapRequest: Sendable {
  struct Output: Sendable {
    var message: BlindedMessage
    var secret: Secret
    var r: Scalar
  }

  let body: [UInt8]
  let outputs: [Output]

  /// Nil when a counter gives no scalar or no point, which happens once in 2¹²⁷.
  init?(_ plan: SwapPlan, counterStart: UInt64, seed: TreasurySeed) {
    guard
      let outputs = Self.outputs(
        plan.outputAmounts, keysetID: plan.outputKeysetID, counterStart: counterStart, seed: seed)
    else { return nil }
    let inputs = plan.inputs.map { ProofJSON.write($0.proof) }
    self.outputs = outputs
    self.body = JSONWriter.write(
      .record(["inputs": .array(inputs), "outputs": .array(outputs.map(\.message.json))])
    )
  }

  /// Outputs of consecutive numbers.
  static func outputs(
    _ amounts: [UInt64], keysetID: KeysetID, counterStart: UInt64, seed: TreasurySeed
  ) -> [Output]? {
    var outputs: [Output] = []
    for (index, amount) in amounts.enumerated() {
      guard let (secret, r) = seed.derive(keysetID, counter: counterStart + UInt64(index)),
        let B_ = Blinding.blind(secret, factor: r)
      else { return nil }
      let message = BlindedMessage(amount: amount, keysetID: keysetID, B_: B_)
      outputs.append(Output(message: message, secret: secret, r: r))
    }
    return outputs
  }

  /// The money, if each signature is for what was asked, under the keyset's key, and proved (NUT-12) where a
  /// proof must come with it or did. Nil when one is not.
  func proofs(
    from signatures: [BlindSignature], under keyset: Keyset, mustBeProved: Bool
  ) -> [UnverifiedProof]? {
    guard signatures.count == self.outputs.count else { return nil }
    var proofs: [UnverifiedProof] = []
    for (output, signature) in zip(self.outputs, signatures) {
      guard signature.amount == output.message.amount, signature.keysetID == output.message.keysetID,
        let proof = output.proof(from: signature, under: keyset, mustBeProved: mustBeProved)
      else { return nil }
      proofs.append(proof)
    }
    return proofs
  }
}

extension SwapRequest.Output {
  /// The proof that the mint's signature makes of this output, for the amount that the mint names; nil when the
  /// signature is not by the keyset's key for it.
  func proof(from signature: BlindSignature, under keyset: Keyset, mustBeProved: Bool) -> UnverifiedProof? {
    guard let key = keyset.keys[signature.amount],
      signature.dleq?.isValid(blinded: self.message.B_, signature: signature.C_, mintKey: key)
        ?? !mustBeProved,
      let C = Blinding.unblind(signature.C_, factor: self.r, mintKey: key)
    else { return nil }
    let dleq = signature.dleq.map { UnverifiedDLEQ(e: $0.e.bytes, s: $0.s.bytes, r: self.r.bytes) }
    return UnverifiedProof(
      amount: signature.amount, keyset: .full(signature.keysetID), secret: self.secret,
      signature: C.compressed, dleq: dleq)
  }
}
