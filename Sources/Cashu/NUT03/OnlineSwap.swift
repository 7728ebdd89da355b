internal import Gate

/// One payment redeemed while its payer waits: a swap at his mint to outputs of our own seed.
struct OnlineSwap {
  let desk: MintDesk

  func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    await self.redeem(payment.plan, claim.counterStarts, from: .fresh, under: claim)
  }

  func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    let start = SwapStateMachine.Start(plan.progress)
    return await self.redeem(plan.plan, plan.counterStarts, from: start, under: claim)
  }

  private func redeem(
    _ bytes: [UInt8], _ counterStarts: [UInt64], from start: SwapStateMachine.Start,
    under claim: borrowing Claim
  ) async -> Settlement {
    guard let plan = SwapPlan(decoding: bytes) else {
      return .stuck(note: "the stored plan cannot be read")
    }
    let swap = StoredSwap(desk: self.desk, plan: plan, counterStarts: counterStarts, start: start)
    switch await swap.run(under: claim) {
    case .settlement(let settlement): return settlement
    case .outcome(.settled(let proofs)): return .settled(swap.proceeds(proofs))
    case .outcome(.spent(let indices)):
      let nullifiers = plan.nullifiers
      return .rejected(.spent, spent: indices.map { Nullifier(nullifiers[$0]) })
    case .outcome(.refused): return .rejected(.invalid, spent: [])
    case .outcome(.void(let void)): return swap.settlement(void)
    case .outcome(.held(let reason)): return await swap.held(reason, under: claim) { $0.encoded() }
    case .outcome(.unknown): return swap.unknown
    }
  }
}
