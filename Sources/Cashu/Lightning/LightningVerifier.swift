package import Gate

/// Redeems paid Lightning invoices: the mint that made the invoice signs ecash for it (NUT-04).
///
/// Nothing that a client sends is an offer of this scheme: ``InvoiceWatch`` finds invoices paid and hands them to the gate.
package struct LightningVerifier: PaymentVerifier {
  package let method = PaymentMethod.lightning
  package let credentialFields: [StaticString] = []

  private let desk: MintDesk

  package init(desk: MintDesk) { self.desk = desk }

  package func offers(in request: AccessRequest) -> [PaymentOffer] { [] }

  /// A 402 names the place where invoices are made, and the gate writes that.
  package func challenge(for tariff: Tariff) -> Challenge? { nil }

  package func verify(
    _ offer: PaymentOffer, against quote: Quote, reach: Reach
  ) async throws(Outage) -> Verdict { .rejected(.wrongScheme) }

  package func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {}

  package func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    await self.take(payment.plan, claim.counterStarts, from: .fresh, under: claim)
  }

  package func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    let start: MintStateMachine.Start =
      switch plan.progress {
      case .notSent: .fresh
      case .maybeSent: .maybeSent
      }
    return await self.take(plan.plan, plan.counterStarts, from: start, under: claim)
  }

  private func take(
    _ bytes: [UInt8], _ counterStarts: [UInt64], from start: MintStateMachine.Start,
    under claim: borrowing Claim
  ) async -> Settlement {
    guard let plan = MintPlan(decoding: bytes), let counterStart = counterStarts.first,
      let outputs = SwapRequest.outputs(
        plan.outputAmounts, keysetID: plan.outputKeysetID, counterStart: counterStart, seed: self.desk.seed)
    else { return .stuck(note: "the stored plan cannot be read") }
    guard let mint = MintURL(plan.mint), let client = self.desk.clients[mint] else {
      return .stuck(note: "the mint of this invoice is not configured any more")
    }
    let reference = KeysetReference.full(plan.outputKeysetID)
    guard
      case .known(let keyset)? = try? await self.desk.keysets.resolve(reference, at: mint, reach: .network)
    else { return Self.untouched(Outage(.outage, "the keys of \(mint) are needed to take the money"), start) }
    let runner = MintRunner(
      client: client, plan: plan, outputs: outputs, keyset: keyset, seed: self.desk.seed)
    switch await runner.run(from: start, under: claim) {
    case .notRecorded(let outage, let start): return Self.untouched(outage, start)
    case .outcome(let outcome): return self.settlement(outcome, of: plan)
    }
  }

  private static func untouched(_ outage: Outage, _ start: MintStateMachine.Start) -> Settlement {
    switch start {
    case .fresh: .notSent(outage)
    case .maybeSent: .unknown(outage)
    }
  }

  private func settlement(_ outcome: MintStateMachine.Outcome, of plan: MintPlan) -> Settlement {
    let mint = plan.mint
    switch outcome {
    case .minted(let proofs):
      return .settled(proofs.map { Proceeds($0, of: mint, in: Amount.Unit(plan.unit)) })
    case .taken: return .rejected(.spent, spent: [])
    case .void:
      if let url = MintURL(mint) { self.desk.keysets.noteChange(at: url) }
      return .void(Outage(.outage, "the mint \(mint) did not sign for a paid invoice"))
    case .notSent: return .notSent(Outage(.outage, "the mint \(mint) cannot be reached"))
    case .held(let reason): return .stuck(note: "the mint \(reason)")
    case .unknown: return .unknown(Outage(.unknown, "the mint \(mint) gave no answer about a paid invoice"))
    }
  }
}
