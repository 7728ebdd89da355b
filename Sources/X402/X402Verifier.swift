internal import Digest
package import Gate
internal import Octets
package import Outbound

/// Judges x402 payments of both versions, and has them settled by a facilitator.
///
/// Money moves in `settle` and `recover` only, both under a claim whose plan is on disk; see
/// ``SettleStateMachine``.
package struct X402Verifier: PaymentVerifier {
  package let method = PaymentMethod.x402

  package let credentialFields: [StaticString] = ["payment-signature", "x-payment"]

  private let configuration: X402Configuration
  private let clock: any TimeSource
  private let sleeper: any Clock<Duration>
  private let book: FacilitatorBook
  private let chains: [Network: ChainClient]
  private let refusals = RefusalBudget()

  package init(
    configuration: X402Configuration, transport: any OutboundTransport, clock: any TimeSource,
    sleeper: any Clock<Duration> = ContinuousClock()
  ) {
    self.configuration = configuration
    self.clock = clock
    self.sleeper = sleeper
    self.book = FacilitatorBook(configuration, transport: transport)
    var chains: [Network: ChainClient] = [:]
    for accept in configuration.accepts {
      guard case .evm(let chainID) = accept.network.family, let rpc = accept.rpc else { continue }
      chains[accept.network] =
        chains[accept.network]
        ?? ChainClient(url: rpc, chainID: chainID, timeout: accept.rpcTimeout, transport: transport)
    }
    self.chains = chains
  }

  /// Keeps what the facilitators support fresh until cancelled. Until one is heard, it is believed to do all.
  package func run() async { await self.book.run(every: self.configuration.supportedRefresh) }

  /// Asks every facilitator once what it supports.
  package func refreshSupported() async {
    for index in self.book.clients.indices { await self.book.refresh(index) }
  }

  /// In their order.
  package var facilitatorsHeard: [FacilitatorReport] {
    self.book.clients.indices.map { self.book.report($0) }
  }

  /// Two lines of one field may come joined by a comma (RFC 9110 §5.3; Envoy does it); base64 holds none.
  package func offers(in request: AccessRequest) -> [PaymentOffer] {
    self.credentialFields.flatMap { request.fields.values(of: $0) }
      .flatMap { $0.split(separator: ASCII.comma).map(\.trimmed) }
      .filter { !$0.isEmpty }
      .map { PaymentOffer(method: self.method, bytes: Array($0)) }
  }

  package func challenge(for tariff: Tariff) -> Challenge? {
    let requirements = self.configuration.accepts.compactMap { accept in
      tariff.price(in: accept.unit).map {
        PaymentRequirements(accept: accept, amount: $0.value, flow: self.configuration.flow)
      }
    }
    guard !requirements.isEmpty else { return nil }
    let writer = ChallengeWriter(
      requirements: requirements, versions: self.configuration.versions, book: self.book)
    return Challenge(method: self.method) { writer.text(for: $0) }
  }

  /// Asks nobody, whatever the reach: what only a facilitator can tell, it is asked before it settles.
  package func verify(
    _ offer: PaymentOffer, against quote: Quote, reach: Reach
  ) async throws(Outage) -> Verdict {
    guard let payload = try? PaymentPayload.read(offer.bytes) else { return .rejected(.malformed) }
    let judge = PaymentJudge(configuration: self.configuration, now: self.clock.now()) {
      self.book.feePayer(on: $0)
    }
    switch judge.judge(payload, against: quote) {
    case .rejected(let rejection): return .rejected(rejection)
    case .good(let plan, let nullifier, let requirements):
      let accept = requirements.accept
      return .verified(
        VerifiedPayment(
          id: .x402(nullifier), method: self.method, nullifiers: [nullifier],
          value: Amount(plan.value, accept.unit),
          // CAIP-10: the account that the money is on afterwards.
          counterpart: "\(accept.network):\(accept.payTo)",
          plan: plan.encoded(), bearing: payload.bearing, payer: plan.payer,
          name: payload.name(by: plan.payer)))
    }
  }

  /// Somebody must be there to settle it, and its payer's address must not have brought too many that were refused.
  package func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {
    guard let plan = SettlePlan(decoding: payment.plan), let network = Network(plan.network) else {
      preconditionFailure("a verified payment has a plan of ours")
    }
    guard !self.book.candidates(for: network, plan.version).isEmpty else {
      throw Outage(
        .outage, "no facilitator supports exact on \(network) in x402 V\(plan.version.rawValue)",
        retryAfterSeconds: 30)
    }
    guard let client else { return }
    if let seconds = self.refusals.wait(of: client, at: self.clock.now()) {
      throw Outage(.outage, "too many payments of this client were refused", retryAfterSeconds: seconds)
    }
    self.refusals.note(payment.id, from: client)
  }

  /// A facilitator may be given two minutes for a call, and its late "success" is all that tells where there is no node.
  package var longestWork: Duration {
    let calls = self.configuration.facilitators.map { $0.verifyTimeout + $0.settleTimeout }
    let look = self.configuration.accepts.map(\.rpcTimeout).max() ?? .zero
    return calls.reduce(self.configuration.limits.patience, +) + look * 4
  }

  package func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    let settlement = await self.run(
      payment.plan, from: .fresh, patience: self.configuration.limits.patience, under: claim)
    self.refusals.end(payment.id, wasRefused: settlement.isRefusal, at: self.clock.now())
    return settlement
  }

  package func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    let start: SettleStateMachine.Start =
      switch plan.progress {
      case .notSent: .fresh
      case .maybeSent: .maybeSent
      }
    return await self.run(
      plan.plan, from: start, patience: self.configuration.limits.recoveryPatience, under: claim)
  }

  private func run(
    _ bytes: [UInt8], from start: SettleStateMachine.Start, patience: Duration, under claim: borrowing Claim
  ) async -> Settlement {
    guard let plan = SettlePlan(decoding: bytes), let network = Network(plan.network) else {
      return .stuck(note: "the stored plan cannot be read")
    }
    let limits = self.configuration.limits
    let runner = SettleRunner(
      facilitators: self.book.candidates(for: network, plan.version).map { self.book.clients[$0] },
      networks: [network.name, network.nameV1].compactMap { $0 },
      judge: self.chains[network].map { ChainJudge(chain: $0, expiryMargin: limits.expiryMargin) },
      limits: limits, clock: self.clock, sleeper: self.sleeper)
    switch await runner.run(plan, from: start, patience: patience, under: claim) {
    case .notRecorded(let outage, .fresh): return .notSent(outage)
    case .notRecorded(let outage, .maybeSent): return .unknown(outage)
    case .outcome(let outcome): return Self.settlement(outcome, of: plan)
    }
  }

  private static func settlement(_ outcome: SettleStateMachine.Outcome, of plan: SettlePlan) -> Settlement {
    switch outcome {
    case .settled(let transaction):
      .settled([], receipt: ReceiptWriter.receipt(of: plan, transaction: transaction))
    case .refused(let rejection): .rejected(rejection, spent: [])
    case .notSent(let why): .notSent(Outage(.outage, why))
    case .void(let why): .void(Outage(.outage, why))
    case .unknown(let why): .unknown(Outage(.unknown, why))
    case .held(let why): .stuck(note: why)
    }
  }
}

extension Settlement {
  fileprivate var isRefusal: Bool { if case .rejected = self { true } else { false } }
}

extension PaymentPayload {
  /// Once it is broadcast, anyone can read it on the chain (design §4).
  fileprivate var bearing: Bearing {
    guard case .v2(let payment) = self, let secret = payment.secret else { return .firstPresentation }
    return .secret(hash: SHA256.hash(Array(secret.utf8)))
  }

  fileprivate func name(by payer: String?) -> PaymentName? {
    guard case .v2(let payment) = self else { return nil }
    return payment.identifier?.name(by: payer)
  }
}
