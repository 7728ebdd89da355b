internal import Digest
package import Gate
internal import Octets

/// Judges Cashu tokens and redeems them online: a swap at the payer's mint to outputs of our own seed.
///
/// Money moves in `settle` and `recover` only, both under a claim whose plan is on disk; see
/// ``SwapStateMachine``.
package struct CashuVerifier: PaymentVerifier {
  package let method = PaymentMethod.cashu

  package let credentialFields: [StaticString] = ["x-cashu", "authorization"]

  private let configuration: CashuConfiguration
  private let seed: TreasurySeed
  private let clock: any TimeSource
  private let clients: [MintURL: MintClient]
  private let keysets: KeysetCache
  private let budgets: Budgets

  /// - Parameter seed: every output ever made comes from it; a store belongs to one seed (its `fingerprint`).
  package init(
    configuration: CashuConfiguration,
    seed: TreasurySeed,
    transport: any MintTransport,
    clock: any TimeSource
  ) {
    self.configuration = configuration
    self.seed = seed
    self.clock = clock
    let clients = configuration.mints.map { mint in
      (mint.url, MintClient(url: mint.url, transport: transport, timeouts: configuration.timeouts))
    }
    self.clients = Dictionary(clients) { first, _ in first }
    self.keysets = KeysetCache(clients: self.clients, unit: configuration.unit, clock: clock)
    self.budgets = Budgets(configuration.mints, now: clock.now())
  }

  /// Keeps the keysets fresh until cancelled. Without it they are fetched by the first token that needs them.
  package func run() async { await self.keysets.run(every: self.configuration.keysetRefresh) }

  /// Which mints have told their keysets, by configured address: what health and metrics show.
  package var mintsHeard: [(mint: String, hasKeysets: Bool)] {
    self.configuration.mints.map { ($0.url.text, self.keysets.active(at: $0.url) != nil) }
  }

  package func offers(in request: AccessRequest) -> [PaymentOffer] {
    OfferReader.tokens(in: request).map { PaymentOffer(method: self.method, bytes: Array($0)) }
  }

  package func challenge(for tariff: Tariff) -> Challenge? {
    guard let price = tariff.price(in: self.configuration.unit) else { return nil }
    let request = PaymentRequest(
      amount: price.value, unit: price.unit.name, mints: self.configuration.mints.map(\.url.text)
    )
    return Challenge(
      method: self.method,
      fields: [
        Challenge.Field("x-cashu", request.encoded()),
        Challenge.Field("www-authenticate", "Cashu realm=\"\(self.configuration.realm)\""),
      ]
    )
  }

  package func verify(
    _ offer: PaymentOffer, against quote: Quote, reach: Reach
  ) async throws(Outage) -> Verdict {
    let judge = TokenJudge(
      configuration: self.configuration, keysets: self.keysets, now: self.clock.now(), reach: reach
    )
    switch try await judge.judge(offer.bytes, against: quote) {
    case .rejected(let rejection): return .rejected(rejection)
    case .good(let plan, let nullifiers, let value):
      let sorted = nullifiers.sorted { $0.lexicographicallyPrecedes($1) }
      let payment = VerifiedPayment(
        id: PaymentID.cashu(sorted),
        method: self.method,
        nullifiers: sorted.map { Nullifier($0) },
        value: value,
        counterpart: plan.mint,
        plan: plan.encoded(),
        counters: [CounterRequest(name: plan.counterName, count: UInt32(plan.outputAmounts.count))]
      )
      return .verified(payment)
    }
  }

  package func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {
    guard let plan = SwapPlan(decoding: payment.plan), let mint = MintURL(plan.mint) else {
      preconditionFailure("a verified payment has a plan of ours")
    }
    switch self.budgets.admit(plan.proof, at: mint, from: client, now: self.clock.now()) {
    case .admitted: return
    case .wait(let seconds):
      throw Outage(.mintBudget, "the budget of swaps at \(mint) is used up", retryAfterSeconds: seconds)
    }
  }

  package func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    await self.redeem(payment.plan, counterStarts: claim.counterStarts, from: .fresh, under: claim)
  }

  package func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    let start: SwapStateMachine.Start =
      switch plan.progress {
      case .notSent: .fresh
      case .maybeSent: .maybeSent
      }
    return await self.redeem(plan.plan, counterStarts: plan.counterStarts, from: start, under: claim)
  }

  private func redeem(
    _ bytes: [UInt8], counterStarts: [UInt64], from start: SwapStateMachine.Start,
    under claim: borrowing Claim
  ) async -> Settlement {
    guard let plan = SwapPlan(decoding: bytes), let counterStart = counterStarts.first,
      let request = SwapRequest(plan, counterStart: counterStart, seed: self.seed)
    else { return .stuck(note: "the stored plan cannot be read") }
    // A mint that was struck from the configuration is not dialled any more, whatever a row says.
    guard let mint = MintURL(plan.mint), let client = self.clients[mint] else {
      return .stuck(note: "the mint of this payment is not configured any more")
    }
    // After a restart the keyset of an old plan may not be on the shelf yet.
    let reference = KeysetReference.full(plan.outputKeysetID)
    guard case .known(let keyset)? = try? await self.keysets.resolve(reference, at: mint, reach: .network)
    else {
      return Self.untouched(Outage(.outage, "the keys of \(mint) are needed to take the money"), start)
    }
    let runner = SwapRunner(client: client, plan: plan, request: request, keyset: keyset)
    switch await runner.run(from: start, under: claim) {
    case .notRecorded(let outage, let start): return Self.untouched(outage, start)
    case .outcome(.held(let reason)): return await self.held(plan, reason, under: claim)
    case .outcome(let outcome): return self.settlement(outcome, of: plan, at: mint)
    }
  }

  /// Nothing more was done than had been at `start`.
  private static func untouched(_ outage: Outage, _ start: SwapStateMachine.Start) -> Settlement {
    switch start {
    case .fresh: .notSent(outage)
    case .maybeSent: .unknown(outage)
    }
  }

  private func settlement(_ outcome: SwapStateMachine.Outcome, of plan: SwapPlan, at mint: MintURL)
    -> Settlement
  {
    switch outcome {
    case .settled(let proofs): return .settled(Self.proceeds(proofs, of: plan))
    case .spent(let indices):
      let nullifiers = plan.nullifiers
      return .rejected(.spent, spent: indices.map { Nullifier(nullifiers[$0]) })
    case .refused:
      self.keysets.noteChange(at: mint)
      return .rejected(.invalid, spent: [])
    case .void(.unreachable): return .notSent(Outage(.outage, "the mint \(mint) cannot be reached"))
    case .void(.throttled(let seconds)):
      let wait = min(60, max(1, seconds ?? 10))
      return .notSent(
        Outage(.mintBudget, "the mint \(mint) allows no more calls now", retryAfterSeconds: wait))
    case .void(.inUse): return .notSent(Outage(.outage, "the mint \(mint) calls an input pending"))
    case .void(.outputsUsed): return .notSent(Outage(.outage, "outputs at \(mint) were used before"))
    case .void(.keysetChanged):
      self.keysets.noteChange(at: mint)
      return .void(Outage(.outage, "the mint \(mint) changed its keysets"))
    case .unknown, .held: return .unknown(Outage(.unknown, "the mint \(mint) gave no answer to a swap"))
    }
  }

  private static func proceeds(_ proofs: [UnverifiedProof], of plan: SwapPlan) -> [Proceeds] {
    proofs.map { proof in
      Proceeds(
        counterpart: plan.mint,
        series: plan.outputKeysetID.description,
        value: Amount(proof.amount, Amount.Unit(plan.unit)),
        nullifier: Nullifier(Point.hashToCurve(proof.secret.utf8).compressed),
        bearer: JSONWriter.write(ProofJSON.write(proof))
      )
    }
  }

  /// An input that the mint calls pending is in our own lost call, or in one of the payer's; or it stays so
  /// for ever because the mint was killed at the wrong moment (nutshell#995). Signatures that are not valid
  /// may be of somebody between us and the mint.
  private func held(_ plan: SwapPlan, _ reason: String, under claim: borrowing Claim) async -> Settlement {
    let outage = Outage(.unknown, "the mint \(plan.mint) \(reason)")
    guard let since = plan.heldSince else {
      var marked = plan
      marked.heldSince = self.clock.now()
      do throws(Outage) { try await claim.progressed(to: marked.encoded()) } catch { return .unknown(error) }
      return .unknown(outage)
    }
    guard self.clock.now() - since >= self.configuration.stuckAfter else { return .unknown(outage) }
    return .stuck(note: "the mint \(reason), since \(since.seconds) (seconds since 1970)")
  }
}

extension PaymentID {
  /// The sorted set of nullifiers, so that one set of proofs is one payment in whatever token it comes.
  static func cashu(_ sorted: [[UInt8]]) -> PaymentID {
    PaymentID(Hex.encode(SHA256.hash(sorted.flatMap { $0 }).prefix(16)))
  }
}
