internal import Gate

/// A swap that the ledger has stored, carried on from wherever it was left.
struct StoredSwap {
  /// How it ended, for those who know what it was for.
  enum Ending: Sendable {
    case outcome(SwapStateMachine.Outcome)
    /// The same whatever it was for.
    case settlement(Settlement)
  }

  let desk: MintDesk
  let plan: SwapPlan
  let counterStarts: [UInt64]
  let start: SwapStateMachine.Start

  init(desk: MintDesk, plan: SwapPlan, counterStarts: [UInt64], start: SwapStateMachine.Start) {
    self.desk = desk
    self.plan = plan
    self.counterStarts = counterStarts
    self.start = start
  }

  func run(under claim: borrowing Claim) async -> Ending {
    // A mint that was struck from the configuration is not dialled any more, whatever a row says.
    guard let mint = MintURL(self.plan.mint), let client = self.desk.clients[mint] else {
      return .settlement(.stuck(note: "the mint of this payment is not configured any more"))
    }
    guard let signed = self.desk.locks.signed(self.plan) else {
      return .settlement(
        self.untouched(Outage(.outage, "a key that proofs are locked to is not in the keys")))
    }
    guard let counterStart = self.counterStarts.first,
      let request = SwapRequest(signed, counterStart: counterStart, seed: self.desk.seed)
    else { return .settlement(.stuck(note: "the stored plan cannot be read")) }
    // After a restart the keyset of an old plan may not be on the shelf yet.
    let reference = KeysetReference.full(self.plan.outputKeysetID)
    guard
      case .known(let keyset)? = try? await self.desk.keysets.resolve(reference, at: mint, reach: .network)
    else {
      return .settlement(
        self.untouched(Outage(.outage, "the keys of \(mint) are needed to take the money")))
    }
    let runner = SwapRunner(client: client, plan: signed, request: request, keyset: keyset)
    switch await runner.run(from: self.start, under: claim) {
    case .notRecorded(let outage, let start): return .settlement(Self.untouched(outage, start))
    case .outcome(let outcome):
      self.note(outcome, of: mint)
      return .outcome(outcome)
    }
  }

  /// What the answer says about the mint.
  private func note(_ outcome: SwapStateMachine.Outcome, of mint: MintURL) {
    switch outcome {
    case .settled, .spent: self.desk.breakers.heard(mint)
    case .refused, .void(.keysetChanged):
      self.desk.breakers.heard(mint)
      self.desk.keysets.noteChange(at: mint)
    case .void(.unreachable): self.desk.breakers.missed(mint, at: self.desk.clock.now())
    case .void, .held, .unknown: return
    }
  }

  private func untouched(_ outage: Outage) -> Settlement { Self.untouched(outage, self.start) }

  /// Nothing more was done than had been at `start`.
  private static func untouched(_ outage: Outage, _ start: SwapStateMachine.Start) -> Settlement {
    switch start {
    case .fresh: .notSent(outage)
    case .maybeSent: .unknown(outage)
    }
  }

  /// How a swap that moved nothing ended.
  func settlement(_ void: SwapStateMachine.Void) -> Settlement {
    let mint = self.plan.mint
    switch void {
    case .unreachable: return .notSent(Outage(.outage, "the mint \(mint) cannot be reached"))
    case .throttled(let seconds):
      let wait = min(60, max(1, seconds ?? 10))
      return .notSent(
        Outage(.mintBudget, "the mint \(mint) allows no more calls now", retryAfterSeconds: wait))
    case .inUse: return .notSent(Outage(.outage, "the mint \(mint) calls an input pending"))
    case .outputsUsed: return .void(Outage(.outage, "outputs at \(mint) were used before"))
    case .keysetChanged: return .void(Outage(.outage, "the mint \(mint) changed its keysets"))
    }
  }

  var unknown: Settlement {
    .unknown(Outage(.unknown, "the mint \(self.plan.mint) gave no answer to a swap"))
  }

  /// The money, as the treasury keeps it.
  func proceeds(_ proofs: [UnverifiedProof]) -> [Proceeds] {
    proofs.map { Proceeds($0, of: self.plan.mint, in: Amount.Unit(self.plan.unit)) }
  }

  /// An input that the mint calls pending is in our own lost call, or in one of the payer's; or it stays so
  /// for ever because the mint was killed at the wrong moment (nutshell#995). Signatures that are not valid
  /// may be of somebody between us and the mint.
  ///
  /// - Parameter encode: the stored plan with the moment since when it is held.
  func held(
    _ reason: String, under claim: borrowing Claim, encode: (SwapPlan) -> [UInt8]
  ) async -> Settlement {
    let outage = Outage(.unknown, "the mint \(self.plan.mint) \(reason)")
    let now = self.desk.clock.now()
    guard let since = self.plan.heldSince else {
      var marked = self.plan
      marked.heldSince = now
      do throws(Outage) { try await claim.progressed(to: encode(marked)) } catch { return .unknown(error) }
      return .unknown(outage)
    }
    guard now - since >= self.desk.configuration.stuckAfter else { return .unknown(outage) }
    return .stuck(note: "the mint \(reason), since \(since.seconds) (seconds since 1970)")
  }
}

extension SwapStateMachine.Start {
  init(_ progress: SettlementPlan.Progress) {
    switch progress {
    case .notSent: self = .fresh
    case .maybeSent: self = .maybeSent
    }
  }
}
