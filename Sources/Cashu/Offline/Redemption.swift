internal import Gate

/// Fetches the money of payments that were accepted on trust: one swap, under a transfer that the book has stored.
struct Redemption: PlanRecovery {
  let kind = PlanKind.redemption
  let desk: MintDesk

  /// What the book is told, and what it means for the next batch.
  struct End: Sendable {
    var settlement: Settlement
    var result: RedemptionLane.Result

    init(_ settlement: Settlement, _ result: RedemptionLane.Result) {
      self.settlement = settlement
      self.result = result
    }
  }

  func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    guard let redemption = RedemptionPlan(decoding: plan.plan) else {
      return .stuck(note: "the stored plan cannot be read")
    }
    let swap = StoredSwap(
      desk: self.desk, plan: redemption.swap, counterStarts: plan.counterStarts,
      start: SwapStateMachine.Start(plan.progress))
    return await self.carryOut(redemption, swap, givesUp: false, under: claim).settlement
  }

  func begin(_ plan: RedemptionPlan, givesUp: Bool, under claim: consuming Claim) async -> End {
    let swap = StoredSwap(
      desk: self.desk, plan: plan.swap, counterStarts: claim.counterStarts, start: .fresh)
    return await self.carryOut(plan, swap, givesUp: givesUp, under: claim)
  }

  /// - Parameter givesUp: a payment that the mint refuses alone, and does not call spent, is lost.
  private func carryOut(
    _ plan: RedemptionPlan, _ swap: StoredSwap, givesUp: Bool, under claim: borrowing Claim
  ) async -> End {
    let outcome: SwapStateMachine.Outcome
    switch await swap.run(under: claim) {
    case .settlement(let settlement): return End(settlement, .outage(retryAfter: .zero))
    case .outcome(let ended): outcome = ended
    }
    self.note(outcome, of: plan)
    switch outcome {
    case .settled(let proofs):
      let kept = swap.proceeds(proofs)
      let fee = plan.value - kept.reduce(0) { $0 + $1.value.value }
      return End(.transferred(TransferEffect(kept: kept, fee: fee)), .redeemed)
    case .spent(let indices): return await self.spent(indices, plan)
    case .refused:
      if givesUp, let lost = self.lost(plan, "the mint refuses its proofs") { return lost }
      return End(self.void(plan), .refused)
    case .void(.inUse):
      if givesUp, let lost = self.lost(plan, "the mint keeps its proofs pending") { return lost }
      return End(swap.settlement(.inUse), .refused)
    case .void(let void): return End(swap.settlement(void), .outage(retryAfter: Self.retryAfter(void)))
    case .held(let reason):
      let settlement = await swap.held(reason, under: claim) { marked in
        var held = plan
        held.swap = marked
        return held.encoded()
      }
      return End(settlement, .outage(retryAfter: .zero))
    case .unknown: return End(swap.unknown, .outage(retryAfter: .zero))
    }
  }

  private func note(_ outcome: SwapStateMachine.Outcome, of plan: RedemptionPlan) {
    guard let mint = MintURL(plan.swap.mint) else { return }
    let now = self.desk.clock.now()
    switch outcome {
    case .settled: self.desk.breakers.redeemed(mint, at: now)
    case .spent, .refused, .void(.inUse), .held: self.desk.breakers.failed(mint, at: now)
    case .void, .unknown: return
    }
  }

  /// Only we could spend these, and we have nothing for them: the mint lies, or our key was used elsewhere.
  private func spent(_ indices: [Int], _ plan: RedemptionPlan) async -> End {
    if let lost = self.lost(plan, "the mint calls its proofs spent, and not by us") { return lost }
    let known = indices.isEmpty ? await self.spentInputs(of: plan) : indices
    let culprits = plan.payments(at: known)
    return End(self.void(plan), culprits.isEmpty ? .refused : .spent(culprits))
  }

  private func spentInputs(of plan: RedemptionPlan) async -> [Int] {
    guard let client = MintURL(plan.swap.mint).flatMap({ self.desk.clients[$0] }),
      case .value(let states) = await client.states(of: plan.swap.nullifiers)
    else { return [] }
    return states.indices.filter { states[$0] == .spent }
  }

  /// Nil for more than one payment: which of them is lost is not known then.
  private func lost(_ plan: RedemptionPlan, _ note: String) -> End? {
    guard plan.members.count == 1 else { return nil }
    let lost = [plan.members[0].payment: note]
    return End(.transferred(TransferEffect(kept: [], fee: 0, lost: lost)), .lost)
  }

  private func void(_ plan: RedemptionPlan) -> Settlement {
    .void(Outage(.outage, "the mint \(plan.swap.mint) refuses a batch of accepted proofs"))
  }

  private static func retryAfter(_ void: SwapStateMachine.Void) -> Duration {
    if case .throttled(let seconds) = void { .seconds(min(60, seconds ?? 10)) } else { .zero }
  }
}
