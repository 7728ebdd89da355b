internal import Gate
internal import Outbound

/// Carries out what the ``MeltStateMachine`` says, at one mint, for one plan.
struct MeltRunner {
  /// What an end means for the book.
  enum Ending: Sendable {
    case outcome(MeltStateMachine.Outcome)
    /// The step before the irreversible call could not be made durable, so the call was not made.
    case notRecorded(Outage, MeltStateMachine.Start)
  }

  /// Between two looks at a payment on its way.
  static let pause: Duration = .seconds(1)

  let client: MintClient
  let plan: MeltPlan
  let request: MeltRequest
  /// Of the change.
  let keyset: Keyset
  let sleeper: any Clock<Duration>

  func run(from start: MeltStateMachine.Start, under claim: borrowing Claim) async -> Ending {
    var machine = MeltStateMachine(
      start, inputCount: self.plan.inputs.count, blankCount: self.plan.blanks)
    var sent = start
    var action = machine.begin()
    while true {
      switch action {
      case .finish(let outcome): return .outcome(outcome)
      case .postMelt:
        do throws(Outage) { try await claim.willSend() } catch { return .notRecorded(error, sent) }
        let event = await self.melt()
        if case .meltSilent(let silence) = event, silence != .notSent { sent = .maybeSent }
        action = machine.handle(event)
      case .askQuote: action = machine.handle(await self.quote())
      case .askRestore: action = machine.handle(await self.restore())
      case .askStates: action = machine.handle(await self.states())
      case .wait:
        try? await self.sleeper.sleep(for: Self.pause)
        action = machine.handle(.waited)
      }
    }
  }

  private func melt() async -> MeltStateMachine.Event {
    switch await self.client.melt(self.request.body) {
    case .value(let reply) where reply.state == .paid:
      // Change that is not good is asked for again before it is believed.
      if let change = self.request.change(from: reply.change, under: self.keyset), self.isBounded(change) {
        .paid(change: change, preimage: reply.preimage)
      } else {
        .meltSilent(.garbage(status: 200))
      }
    case .value: .accepted
    case .refused(let refusal): .meltRefused(refusal)
    case .throttled(let seconds): .throttled(retryAfterSeconds: seconds)
    case .silent(let silence): .meltSilent(silence)
    }
  }

  private func quote() async -> MeltStateMachine.Event {
    switch await self.client.meltQuote(self.plan.quote) {
    case .value(let quote): .quote(quote.state, preimage: quote.preimage)
    case .refused: .quoteMissing
    case .throttled, .silent: .quoteFailed
    }
  }

  private func restore() async -> MeltStateMachine.Event {
    // NUT-09 has no answer to an empty question.
    guard !self.request.blanks.isEmpty else { return .restored(change: []) }
    switch await self.client.restore(self.request.blanks.map(\.message)) {
    case .value(let signatures):
      if let change = self.request.change(from: signatures, under: self.keyset), self.isBounded(change) {
        return .restored(change: change)
      }
      return .restoreInvalid
    case .refused, .throttled, .silent: return .restoreFailed
    }
  }

  private func states() async -> MeltStateMachine.Event {
    switch await self.client.states(of: self.plan.nullifiers) {
    case .value(let states): .states(states)
    case .refused, .throttled, .silent: .statesFailed
    }
  }

  /// More change than was overpaid would be money from nowhere.
  private func isBounded(_ change: [UnverifiedProof]) -> Bool {
    guard let inputs = Money.sum(self.plan.inputs.map(\.amount)), let back = Money.sum(change.map(\.amount))
    else {
      return false
    }
    let (rest, isShort) = inputs.subtractingReportingOverflow(self.plan.amount)
    return !isShort && back <= rest
  }
}
