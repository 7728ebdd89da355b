internal import Digest
package import Gate
internal import Octets
package import Outbound

/// Judges Cashu tokens, and has them redeemed: now, by a swap at the payer's mint, or later with others where they are
/// locked to our key and proved.
///
/// Money moves in `settle` and `recover` only, both under a claim whose plan is on disk; see
/// ``SwapStateMachine``.
package struct CashuVerifier: PaymentVerifier {
  package let method = PaymentMethod.cashu

  package let credentialFields: [StaticString] = ["x-cashu", "authorization"]

  package let desk: MintDesk
  private let recoveries: [PlanKind: any PlanRecovery]

  private var configuration: CashuConfiguration { self.desk.configuration }

  /// - Parameter recoveries: the treasury's own, for plans that are no payment's; one for each kind.
  package init(desk: MintDesk, recoveries: [any PlanRecovery] = []) {
    self.desk = desk
    self.recoveries = Dictionary(
      uniqueKeysWithValues: (recoveries + [Redemption(desk: desk)]).map { ($0.kind, $0) })
  }

  package init(
    configuration: CashuConfiguration,
    seed: TreasurySeed,
    locks: LockKeys = LockKeys([]),
    transport: any OutboundTransport,
    clock: any TimeSource
  ) {
    self.init(
      desk: MintDesk(
        configuration: configuration, seed: seed, locks: locks, transport: transport, clock: clock))
  }

  /// Keeps the keysets fresh until cancelled. Without it they are fetched by the first token that needs them.
  package func run() async { await self.desk.keysets.run(every: self.configuration.keysetRefresh) }

  /// Which mints have told their keysets, by configured address: what health and metrics show.
  package var mintsHeard: [(mint: String, hasKeysets: Bool)] {
    self.configuration.mints.map { ($0.url.text, self.desk.keysets.active(at: $0.url) != nil) }
  }

  /// How far each mint is trusted now.
  package var mintGrades: [(mint: String, grade: MintBreaker.Grade)] {
    let now = self.desk.clock.now()
    return self.configuration.mints.map { ($0.url.text, self.desk.breakers.grade(of: $0.url, at: now)) }
  }

  package func offers(in request: AccessRequest) -> [PaymentOffer] {
    OfferReader.tokens(in: request).map { PaymentOffer(method: self.method, bytes: Array($0)) }
  }

  package func challenge(for tariff: Tariff) -> Challenge? {
    guard let price = tariff.price(in: self.configuration.unit) else { return nil }
    let request = PaymentRequest(
      amount: price.value, unit: price.unit.name, mints: self.configuration.mints.map(\.url.text),
      lock: self.lockAskedFor
    )
    let code = request.encoded()
    return Challenge(
      method: self.method,
      text: Challenge.Text(
        fields: [
          Challenge.Field("x-cashu", code),
          Challenge.Field("www-authenticate", "Cashu realm=\"\(self.configuration.realm)\""),
        ],
        ways: [Challenge.Way(title: "Cashu ecash", price: price.description, code: code)]
      )
    )
  }

  /// Without tags: Nutshell's wallet does not pay a request with any, and `SIG_INPUTS` is what no tag means (NUT-11).
  /// Where unlocked tokens are taken too, a wallet that knows no locks leaves this out and still pays.
  private var lockAskedFor: PaymentRequest.Lock? {
    switch self.configuration.offline {
    case .off: nil
    case .preferred, .required:
      self.desk.locks.newest.map { PaymentRequest.Lock(kind: "P2PK", data: Hex.encode($0.compressed)) }
    }
  }

  package func verify(
    _ offer: PaymentOffer, against quote: Quote, reach: Reach
  ) async throws(Outage) -> Verdict {
    let judge = TokenJudge(desk: self.desk, now: self.desk.clock.now(), reach: reach)
    switch try await judge.judge(offer.bytes, against: quote) {
    case .rejected(let rejection): return .rejected(rejection)
    case .good(let plan, let nullifiers, let value, let trust):
      let sorted = nullifiers.sorted { $0.lexicographicallyPrecedes($1) }
      let payment = VerifiedPayment(
        id: PaymentID.cashu(sorted),
        method: self.method,
        nullifiers: sorted.map { Nullifier($0) },
        value: value,
        counterpart: plan.mint,
        plan: plan.encoded(),
        counters: [CounterRequest(name: plan.counterName, count: UInt32(plan.outputAmounts.count))],
        trust: trust
      )
      return .verified(payment)
    }
  }

  package func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {
    // What is granted on trust asks nobody now; what is found to be beyond the limit asks for its swap in `settle`.
    guard payment.trust == .settlement, self.refusal(of: payment) == nil else { return }
    try self.admitSwap(of: payment, from: client)
  }

  /// Why a payment that the book has never seen is refused without a call; nil where it is to be swapped.
  func refusal(of payment: VerifiedPayment) -> Rejection? {
    guard payment.trust == .settlement, let plan = SwapPlan(decoding: payment.plan) else { return nil }
    return TrustRule.refusal(of: plan, self.configuration.offline, now: self.desk.clock.now())
  }

  private func admitSwap(of payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {
    guard let plan = SwapPlan(decoding: payment.plan), let mint = MintURL(plan.mint) else {
      preconditionFailure("a verified payment has a plan of ours")
    }
    switch self.desk.budgets.admit(plan.proof, at: mint, from: client, now: self.desk.clock.now()) {
    case .admitted: return
    case .wait(let seconds):
      throw Outage(.mintBudget, "the budget of swaps at \(mint) is used up", retryAfterSeconds: seconds)
    }
  }

  package func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    if let rejection = self.refusal(of: payment) { return .rejected(rejection, spent: []) }
    if payment.trust != .settlement {
      do throws(Outage) { try self.admitSwap(of: payment, from: nil) } catch { return .notSent(error) }
    }
    return await OnlineSwap(desk: self.desk).settle(payment, under: claim)
  }

  package func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    guard let kind = PlanKind(of: plan.plan) else { return .stuck(note: "the stored plan cannot be read") }
    if kind == .swap { return await OnlineSwap(desk: self.desk).recover(plan, under: claim) }
    guard let recovery = self.recoveries[kind] else {
      return .stuck(note: "a plan of the kind \(kind.rawValue) is nobody's to recover")
    }
    return await recovery.recover(plan, under: claim)
  }
}

extension PaymentID {
  /// The sorted set of nullifiers, so that one set of proofs is one payment in whatever token it comes.
  static func cashu(_ sorted: [[UInt8]]) -> PaymentID {
    PaymentID(Hex.encode(SHA256.hash(sorted.flatMap { $0 }).prefix(16)))
  }
}
