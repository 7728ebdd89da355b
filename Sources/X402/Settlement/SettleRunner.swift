internal import Gate

/// Carries out what the ``SettleStateMachine`` says, for one plan.
struct SettleRunner: Sendable {
  enum Ending: Sendable {
    case outcome(SettleStateMachine.Outcome)
    /// The step before an irreversible call could not be made durable, so the call was not made.
    case notRecorded(Outage, SettleStateMachine.Start)
  }

  /// Whom to ask, in order.
  let facilitators: [FacilitatorClient]
  /// What the facilitators may call the network.
  let networks: [String]
  let judge: ChainJudge?
  let limits: X402Configuration.Limits
  let clock: any TimeSource
  let sleeper: any Clock<Duration>

  /// Each call has its own time-out; `patience` begins with the first call of this run.
  func run(
    _ stored: SettlePlan, from start: SettleStateMachine.Start, patience: Duration,
    under claim: borrowing Claim
  ) async -> Ending {
    var plan = stored
    var sent = start
    // What is taken over has been sent already.
    var stay = start == .maybeSent ? self.clock.now() + patience : nil
    let means = SettleStateMachine.Means(
      facilitators: self.facilitators.count, hasChain: self.judge != nil, maxSends: self.limits.maxSends)
    let last = self.facilitators.firstIndex { $0.facilitator.url == plan.trace.facilitator } ?? 0
    var machine = SettleStateMachine(start, means: means, facilitator: last, trace: plan.trace)
    var action = machine.begin(at: self.hour(plan, until: stay))
    while true {
      let event: SettleStateMachine.Event
      switch action {
      case .verify(let index): event = await self.verify(&plan, index)
      case .settle(let index):
        plan.trace.facilitator = self.facilitators[index].facilitator.url
        plan.trace.sends = machine.sends
        plan.trace.transactions = machine.transactions
        plan.trace.sentAt = self.clock.now()
        plan.trace.firstSentAt = plan.trace.firstSentAt ?? plan.trace.sentAt
        // Until the answer is heard, which this process may not live to do.
        plan.trace.isUnheard = true
        do throws(Outage) {
          try await claim.progressed(to: plan.encoded())
          try await claim.willSend()
        } catch { return .notRecorded(error, sent) }
        stay = stay ?? self.clock.now() + patience
        let answer = await self.facilitators[index].settle(plan.body, networks: self.networks)
        if case .notActedOn = answer {} else { sent = .maybeSent }
        event = .settled(answer)
      case .askChain:
        plan.trace.transactions = machine.transactions
        event = .found(await self.judge?.find(plan) ?? .silent)
      case .pause:
        try? await self.sleeper.sleep(for: self.limits.pause)
        event = .paused
      case .finish(let outcome):
        return await self.end(outcome, machine, plan, under: claim)
      }
      action = machine.handle(event, at: self.hour(plan, until: stay))
    }
  }

  /// What was heard is worth remembering only of a settlement that stays open.
  private func end(
    _ outcome: SettleStateMachine.Outcome, _ machine: SettleStateMachine, _ plan: SettlePlan,
    under claim: borrowing Claim
  ) async -> Ending {
    guard case .unknown = outcome else { return .outcome(outcome) }
    var known = plan
    known.trace.transactions = machine.transactions
    known.trace.isUnheard = machine.isUnheard
    if known != plan {
      do throws(Outage) { try await claim.progressed(to: known.encoded()) } catch {
        // The older plan knows less and is as true.
        return .outcome(outcome)
      }
    }
    return .outcome(outcome)
  }

  /// Asks the facilitator, and meanwhile the chain as it is before anything of ours: the first time only.
  private func verify(_ plan: inout SettlePlan, _ index: Int) async -> SettleStateMachine.Event {
    let body = plan.body
    guard plan.trace.block == nil, let judge = self.judge else {
      return .verified(await self.facilitators[index].verify(body), isUsed: false)
    }
    let unsent = plan
    async let noted = judge.note(unsent)
    let answer = await self.facilitators[index].verify(body)
    let note = await noted
    plan.trace.block = note?.block
    return .verified(answer, isUsed: note?.isUsed ?? false)
  }

  private func hour(_ plan: SettlePlan, until end: Timestamp?) -> SettleStateMachine.Hour {
    let now = self.clock.now()
    return SettleStateMachine.Hour(
      isResendDue: plan.trace.sentAt.map { now - $0 >= self.limits.wait(after: plan.trace.sends) } ?? true,
      isTooLate: plan.mark.end.map { $0.seconds < (now + self.limits.leastValidity).seconds } ?? false,
      isPatienceOver: end.map { now >= $0 } ?? false,
      isOld: plan.trace.firstSentAt.map { now - $0 >= self.limits.stuckAfter } ?? false)
  }
}
