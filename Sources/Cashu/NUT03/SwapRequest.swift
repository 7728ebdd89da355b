internal import Gate
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
    var outputs: [Output] = []
    for (index, amount) in plan.outputAmounts.enumerated() {
      guard let (secret, r) = seed.derive(plan.outputKeysetID, counter: counterStart + UInt64(index)),
        let B_ = Blinding.blind(secret, factor: r)
      else { return nil }
      let message = BlindedMessage(amount: amount, keysetID: plan.outputKeysetID, B_: B_)
      outputs.append(Output(message: message, secret: secret, r: r))
    }
    let inputs = plan.inputs.map { input in
      ProofJSON.write(
        UnverifiedProof(
          amount: input.amount, keyset: .full(input.keysetID), secret: input.secret,
          signature: input.signature,
          witness: input.witness
        )
      )
    }
    self.outputs = outputs
    self.body = JSONWriter.write(
      .record(["inputs": .array(inputs), "outputs": .array(outputs.map(\.message.json))])
    )
  }

  /// The money, if each signature is for what was asked, under the keyset's key, and proved (NUT-12) where a
  /// proof must come with it or did. Nil when one is not.
  func proofs(
    from signatures: [BlindSignature], under keyset: Keyset, mustBeProved: Bool
  ) -> [UnverifiedProof]? {
    guard signatures.count == self.outputs.count else { return nil }
    var proofs: [UnverifiedProof] = []
    for (output, signature) in zip(self.outputs, signatures) {
      let message = output.message
      guard signature.amount == message.amount, signature.keysetID == message.keysetID,
        let key = keyset.keys[message.amount],
        signature.dleq?.isValid(blinded: message.B_, signature: signature.C_, mintKey: key)
          ?? !mustBeProved,
        let C = Blinding.unblind(signature.C_, factor: output.r, mintKey: key)
      else { return nil }
      let dleq = signature.dleq.map { UnverifiedDLEQ(e: $0.e.bytes, s: $0.s.bytes, r: output.r.bytes) }
      proofs.append(
        UnverifiedProof(
          amount: message.amount, keyset: .full(message.keysetID), secret: output.secret,
          signature: C.compressed,
          dleq: dleq
        )
      )
    }
    return proofs
  }
}
