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

  /// Each call has its own time-out, and the machine asks for a few calls only.
  func run(
    _ stored: SettlePlan, from start: SettleStateMachine.Start, under claim: borrowing Claim
  ) async -> Ending {
    var plan = stored
    var sent = start
    let means = SettleStateMachine.Means(
      facilitators: self.facilitators.count, hasChain: self.judge != nil, maxSends: self.limits.maxSends)
    let last = self.facilitators.firstIndex { $0.facilitator.url == plan.trace.facilitator } ?? 0
    var machine = SettleStateMachine(start, means: means, facilitator: last, trace: plan.trace)
    var action = machine.begin(isOld: self.isOld(plan), isTooLate: self.isTooLate(plan))
    while true {
      switch action {
      case .verify(let index): action = machine.handle(await self.verify(&plan, index))
      case .settle(let index), .settleLater(let index):
        if case .settleLater = action { try? await self.sleeper.sleep(for: self.limits.pendingPause) }
        plan.trace.facilitator = self.facilitators[index].facilitator.url
        plan.trace.sends = machine.sends
        plan.trace.sentAt = self.clock.now()
        plan.trace.firstSentAt = plan.trace.firstSentAt ?? plan.trace.sentAt
        // Until the answer is heard, which this process may not live to do.
        plan.trace.isUnheard = true
        do throws(Outage) {
          try await claim.progressed(to: plan.encoded())
          try await claim.willSend()
        } catch { return .notRecorded(error, sent) }
        let answer = await self.facilitators[index].settle(plan.body, networks: self.networks)
        if case .notActedOn = answer {} else { sent = .maybeSent }
        action = machine.handle(.settled(answer))
      case .askChain, .askChainLater:
        if case .askChainLater = action { try? await self.sleeper.sleep(for: self.limits.pendingPause) }
        plan.trace.transaction = machine.transaction
        let finding = await self.judge?.find(plan) ?? .silent
        action = machine.handle(
          .found(finding, isResendDue: self.isResendDue(plan), isOld: self.isOld(plan)))
      case .finish(let outcome):
        return await self.end(outcome, machine, plan, under: claim)
      }
    }
  }

  /// What was heard is worth remembering only of a settlement that stays open.
  private func end(
    _ outcome: SettleStateMachine.Outcome, _ machine: SettleStateMachine, _ plan: SettlePlan,
    under claim: borrowing Claim
  ) async -> Ending {
    guard case .unknown = outcome else { return .outcome(outcome) }
    var known = plan
    known.trace.transaction = machine.transaction
    known.trace.isUnheard = machine.isUnheard
    known.trace.isPending = machine.isPending
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

  private func isResendDue(_ plan: SettlePlan) -> Bool {
    guard let sentAt = plan.trace.sentAt else { return true }
    return self.clock.now() - sentAt >= self.limits.resendAfter && !self.isTooLate(plan)
  }

  /// Whether its transaction might come too late.
  private func isTooLate(_ plan: SettlePlan) -> Bool {
    guard let end = plan.mark.end?.seconds else { return false }
    return end < (self.clock.now() + self.limits.leastValidity).seconds
  }

  private func isOld(_ plan: SettlePlan) -> Bool {
    plan.trace.firstSentAt.map { self.clock.now() - $0 >= self.limits.stuckAfter } ?? false
  }
}
