package import Gate

/// Carries payments over Lightning through (NUT-05), and finds out what became of those whose answer was lost.
package struct Melts: PlanRecovery {
  package let kind = PlanKind.melt
  private let desk: MintDesk
  private let sleeper: any Clock<Duration>

  package init(desk: MintDesk, sleeper: any Clock<Duration> = ContinuousClock()) {
    self.desk = desk
    self.sleeper = sleeper
  }

  package func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    switch plan.progress {
    // Nothing left; whoever wanted it paid has been told so, or gave up.
    case .notSent: .void(Outage(.outage, "the payment was not begun"))
    case .maybeSent: await self.carry(plan.plan, plan.counterStarts, from: .maybeSent, under: claim)
    }
  }

  func begin(_ plan: MeltPlan, under claim: consuming Claim) async -> Settlement {
    await self.carry(plan.encoded(), claim.counterStarts, from: .fresh, under: claim)
  }

  private func carry(
    _ bytes: [UInt8], _ counterStarts: [UInt64], from start: MeltStateMachine.Start,
    under claim: borrowing Claim
  ) async -> Settlement {
    guard let plan = MeltPlan(decoding: bytes), let counterStart = counterStarts.first,
      let request = MeltRequest(plan, counterStart: counterStart, seed: self.desk.seed)
    else { return .stuck(note: "the stored plan cannot be read") }
    guard let mint = MintURL(plan.mint), let client = self.desk.clients[mint] else {
      return .stuck(note: "the mint of this transfer is not configured any more")
    }
    let reference = KeysetReference.full(plan.outputKeysetID)
    guard
      case .known(let keyset)? = try? await self.desk.keysets.resolve(reference, at: mint, reach: .network)
    else {
      return Self.untouched(Outage(.outage, "the keys of \(mint) are needed to take the change"), start)
    }
    let runner = MeltRunner(
      client: client, plan: plan, request: request, keyset: keyset, sleeper: self.sleeper)
    switch await runner.run(from: start, under: claim) {
    case .notRecorded(let outage, let start): return Self.untouched(outage, start)
    case .outcome(.held(let reason)): return await self.held(plan, reason, under: claim)
    case .outcome(.spent(let indices)):
      return await SpentElsewhere.settlement(of: plan.inputs, spent: indices, at: client, in: plan.unit)
    case .outcome(let outcome): return Self.settlement(outcome, of: plan)
    }
  }

  private static func untouched(_ outage: Outage, _ start: MeltStateMachine.Start) -> Settlement {
    switch start {
    case .fresh: .notSent(outage)
    case .maybeSent: .unknown(outage)
    }
  }

  private static func settlement(_ outcome: MeltStateMachine.Outcome, of plan: MeltPlan) -> Settlement {
    let mint = plan.mint
    switch outcome {
    case .paid(let change, let preimage): return .transferred(self.effect(of: plan, change, preimage))
    case .void(.unreachable): return .notSent(Outage(.outage, "the mint \(mint) cannot be reached"))
    case .void(.throttled(let seconds)):
      let wait = min(60, max(1, seconds ?? 10))
      return .notSent(
        Outage(.mintBudget, "the mint \(mint) allows no more calls now", retryAfterSeconds: wait))
    case .void(.refused(let refusal)):
      return .void(
        Outage(.outage, "the mint \(mint) did not pay the invoice\(refusal.map { ": \($0)" } ?? "")"))
    case .unknown, .held, .spent:
      return .unknown(Outage(.unknown, "the mint \(mint) has not said that the invoice is paid"))
    }
  }

  private static func effect(of plan: MeltPlan, _ change: [UnverifiedProof], _ preimage: String?)
    -> TransferEffect
  {
    let kept = change.map { Proceeds($0, of: plan.mint, in: Amount.Unit(plan.unit)) }
    let inputs = plan.inputs.reduce(0) { $0 + $1.amount }
    let back = change.reduce(0) { $0 + $1.amount }
    // The runner lets no more change through than was overpaid.
    return TransferEffect(
      kept: kept, left: plan.amount, fee: inputs - plan.amount - back, note: preimage.map { "preimage \($0)" }
    )
  }

  /// As of a swap: a mint that was killed at the wrong moment may hold inputs for ever.
  private func held(_ plan: MeltPlan, _ reason: String, under claim: borrowing Claim) async -> Settlement {
    let outage = Outage(.unknown, "the mint \(plan.mint) \(reason)")
    let now = self.desk.clock.now()
    guard let since = plan.heldSince else {
      var marked = plan
      marked.heldSince = now
      do throws(Outage) { try await claim.progressed(to: marked.encoded()) } catch { return .unknown(error) }
      return .unknown(outage)
    }
    guard now - since >= self.desk.configuration.stuckAfter else { return .unknown(outage) }
    return .stuck(note: "the mint \(reason), since \(since.seconds) (seconds since 1970)")
  }
}
