internal import Gate
internal import Outbound

/// Carries out what the ``MintStateMachine`` says, at one mint, for one plan.
struct MintRunner {
  enum Ending: Sendable {
    case outcome(MintStateMachine.Outcome)
    /// The step before the irreversible call could not be made durable, so the call was not made.
    case notRecorded(Outage, MintStateMachine.Start)
  }

  let client: MintClient
  let plan: MintPlan
  let outputs: [SwapRequest.Output]
  let keyset: Keyset
  let seed: TreasurySeed

  func run(from start: MintStateMachine.Start, under claim: borrowing Claim) async -> Ending {
    var machine = MintStateMachine(start)
    var sent = start
    var action = machine.begin()
    while true {
      switch action {
      case .finish(let outcome): return .outcome(outcome)
      case .post(let form):
        do throws(Outage) { try await claim.willSend() } catch { return .notRecorded(error, sent) }
        let event = await self.mint(form)
        if case .silent(let silence) = event, silence != .notSent { sent = .maybeSent }
        action = machine.handle(event)
      case .askQuote:
        switch await self.client.mintQuote(self.plan.quote) {
        case .value(let quote): action = machine.handle(.quote(quote.state))
        case .refused, .throttled, .silent: action = machine.handle(.quoteFailed)
        }
      case .askRestore: action = machine.handle(await self.restore())
      }
    }
  }

  private func mint(_ form: QuoteKey.Form) async -> MintStateMachine.Event {
    guard let body = self.plan.body(self.outputs.map(\.message), seed: self.seed, form) else {
      return .silent(.notSent)
    }
    switch await self.client.mint(body) {
    case .value(let signatures):
      return self.proofs(from: signatures).map { .minted($0) } ?? .silent(.garbage(status: 200))
    case .refused(let refusal): return .refused(refusal)
    case .throttled(let seconds): return .throttled(retryAfterSeconds: seconds)
    case .silent(let silence): return .silent(silence)
    }
  }

  private func restore() async -> MintStateMachine.Event {
    switch await self.client.restore(self.outputs.map(\.message)) {
    case .value(let signatures):
      let given = signatures.compactMap { $0 }
      guard !given.isEmpty else { return .restored(.nothing) }
      guard given.count == signatures.count else { return .restored(.part) }
      return .restored(self.proofs(from: given).map { .all($0) } ?? .invalid)
    case .refused, .throttled, .silent: return .restoreFailed
    }
  }

  private func proofs(from signatures: [BlindSignature]) -> [UnverifiedProof]? {
    guard signatures.count == self.outputs.count else { return nil }
    var proofs: [UnverifiedProof] = []
    for (output, signature) in zip(self.outputs, signatures) {
      guard signature.amount == output.message.amount, signature.keysetID == output.message.keysetID,
        let proof = output.proof(from: signature, under: self.keyset, mustBeProved: false)
      else { return nil }
      proofs.append(proof)
    }
    return proofs
  }
}
