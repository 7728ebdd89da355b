internal import Gate
internal import Outbound

/// Carries out what the ``SwapStateMachine`` says, at one mint, for one plan.
struct SwapRunner {
  /// What an end means for the ledger.
  enum Ending: Sendable {
    case outcome(SwapStateMachine.Outcome)
    /// The step before an irreversible call could not be made durable, so the call was not made.
    case notRecorded(Outage, SwapStateMachine.Start)
  }

  let client: MintClient
  let plan: SwapPlan
  let request: SwapRequest
  /// Of the outputs.
  let keyset: Keyset

  /// Each call has its own time-out, and the machine asks for at most two swaps, two restores and two states.
  func run(from start: SwapStateMachine.Start, under claim: borrowing Claim) async -> Ending {
    var machine = SwapStateMachine(start, inputCount: self.plan.inputs.count)
    var sent = start
    var action = machine.begin()
    while true {
      switch action {
      case .finish(let outcome): return .outcome(outcome)
      case .postSwap:
        do throws(Outage) { try await claim.willSend() } catch { return .notRecorded(error, sent) }
        let event = await self.swap()
        // A call that never left, or was refused unread, leaves the start as it was.
        if case .swapSilent(let silence) = event, silence != .notSent { sent = .maybeSent }
        action = machine.handle(event)
      case .askRestore: action = machine.handle(await self.restore())
      case .askStates: action = machine.handle(await self.states())
      }
    }
  }

  private func swap() async -> SwapStateMachine.Event {
    switch await self.client.swap(self.request.body) {
    case .value(let signatures):
      // A mint that proved the inputs can prove its answer.
      if let proofs = self.request.proofs(
        from: signatures, under: self.keyset, mustBeProved: self.plan.proof == .provable)
      {
        .swapped(proofs)
      } else {
        .swapSilent(.garbage(status: 200))
      }
    case .refused(let refusal): .swapRefused(refusal)
    case .throttled(let seconds): .throttled(retryAfterSeconds: seconds)
    case .silent(let silence): .swapSilent(silence)
    }
  }

  private func restore() async -> SwapStateMachine.Event {
    switch await self.client.restore(self.request.outputs.map(\.message)) {
    case .value(let signatures): .restored(self.restored(signatures))
    case .refused, .throttled, .silent: .restoreFailed
    }
  }

  private func restored(_ signatures: [BlindSignature?]) -> SwapStateMachine.Restored {
    let given = signatures.compactMap { $0 }
    guard !given.isEmpty else { return .nothing }
    guard given.count == signatures.count else { return .part }
    // Mints need not keep their proofs for a restore.
    let proofs = self.request.proofs(from: given, under: self.keyset, mustBeProved: false)
    return proofs.map { .all($0) } ?? .invalid
  }

  private func states() async -> SwapStateMachine.Event {
    switch await self.client.states(of: self.plan.nullifiers) {
    case .value(let states): .states(states)
    case .refused, .throttled, .silent: .statesFailed
    }
  }
}
