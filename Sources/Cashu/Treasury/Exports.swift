package import Gate

/// Carries exports through: a swap to the amounts asked for, or nothing at all where the pieces fit.
package struct Exports: PlanRecovery {
  package let kind = PlanKind.export
  private let desk: MintDesk

  package init(desk: MintDesk) { self.desk = desk }

  package func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    await self.carry(plan.plan, plan.counterStarts, from: SwapStateMachine.Start(plan.progress), under: claim)
  }

  func begin(_ plan: ExportPlan, under claim: consuming Claim) async -> Settlement {
    await self.carry(plan.encoded(), claim.counterStarts, from: .fresh, under: claim)
  }

  private func carry(
    _ bytes: [UInt8], _ counterStarts: [UInt64], from start: SwapStateMachine.Start,
    under claim: borrowing Claim
  ) async -> Settlement {
    guard let plan = ExportPlan(decoding: bytes) else {
      return .stuck(note: "the stored plan cannot be read")
    }
    if case .asHeld = plan.way { return .transferred(plan.effect(of: [])) }
    let swap = StoredSwap(desk: self.desk, plan: plan.swap, counterStarts: counterStarts, start: start)
    switch await swap.run(under: claim) {
    case .settlement(let settlement): return settlement
    case .outcome(.settled(let proofs)): return .transferred(plan.effect(of: swap.proceeds(proofs)))
    case .outcome(.spent(let indices)):
      guard let client = MintURL(plan.swap.mint).flatMap({ self.desk.clients[$0] }) else {
        return swap.unknown
      }
      return await SpentElsewhere.settlement(
        of: plan.swap.inputs, spent: indices, at: client, in: plan.swap.unit)
    case .outcome(.refused):
      return .void(
        Outage(.outage, "the mint \(plan.swap.mint) does not take the proofs, and has not spent them"))
    case .outcome(.void(let void)): return swap.settlement(void)
    case .outcome(.held(let reason)):
      return await swap.held(reason, under: claim) { marked in
        var plan = plan
        plan.swap = marked
        return plan.encoded()
      }
    case .outcome(.unknown): return swap.unknown
    }
  }
}
