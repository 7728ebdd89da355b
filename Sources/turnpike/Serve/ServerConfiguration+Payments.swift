internal import Cashu
internal import ExtAuthz
internal import Gate
internal import Octets
internal import Outbound
internal import PublicAPI
internal import Settings
internal import Store
internal import X402

/// What the configuration says of payments, in the words of the parts that take them.
extension ServerConfiguration {
  /// What every way to pay is built on.
  struct PaymentParts {
    var keys: KeysDirectory.Opened
    var ledger: TransactionalLedger
    var transport: any OutboundTransport
    var clock: any TimeSource
    var treasury: TreasuryReporter
  }

  /// Whether there must be a key that ecash is locked to.
  var locking: KeysDirectory.Locking {
    switch self.cashu?.offline {
    case .preferred, .required: .needed
    case .off, nil: .ifPresent
    }
  }

  func makePaymentMethods(_ parts: PaymentParts) throws -> PaymentMethods {
    let x402 = try self.x402.map {
      var configuration = try $0.makeConfiguration()
      // A settlement without an answer is worked on for as long as its payer waits.
      configuration.limits = X402Configuration.Limits(deadline: self.deadline)
      return X402Verifier(configuration: configuration, transport: parts.transport, clock: parts.clock)
    }
    return PaymentMethods(cash: try self.cashu.map { try Self.makeCash($0, parts) }, x402: x402)
  }

  private static func makeCash(_ cashu: CashuPayments, _ parts: PaymentParts) throws -> PaymentMethods.Cash {
    let desk = MintDesk(
      configuration: try cashu.makeConfiguration(), seed: parts.keys.seed, locks: parts.keys.locks,
      transport: parts.transport, clock: parts.clock)
    let (ledger, reporter) = (parts.ledger, parts.treasury)
    return PaymentMethods.Cash(
      verifier: CashuVerifier(desk: desk, recoveries: Treasury.recoveries(desk: desk)),
      lightning: LightningVerifier(desk: desk),
      invoices: cashu.lightning.flatMap { MintURL($0.text) }
        .flatMap { Invoices(desk: desk, mint: $0, book: ledger) },
      redeemer: Redeemer(desk: desk, book: ledger) { reporter.report($0) },
      payout: cashu.payout?.settings.map {
        Payout(
          treasury: Treasury(desk: desk, book: ledger), settings: $0, transport: parts.transport
        ) { reporter.report($0) }
      },
      makeWatch: { gate in
        InvoiceWatch(
          desk: desk, book: ledger,
          redeem: { payment, quote throws(Outage) in try await gate.redeem(paid: payment, for: quote) },
          report: { reporter.report($0) })
      })
  }

  /// The routes whose 402s do not fit into what a proxy reads, judged with keys and connections that nobody uses.
  var challengeOverflows: [ChallengeBudget.Overflow] {
    let transport = NoTransport()
    let seed = TreasurySeed.random()
    let locks = LockKeys([LockKey.random()])
    var verifiers: [any PaymentVerifier] = []
    if let cashu = try? self.cashu?.makeConfiguration() {
      verifiers.append(
        CashuVerifier(
          configuration: cashu, seed: seed, locks: locks, transport: transport, clock: SystemClock()))
    }
    if let x402 = try? self.x402?.makeConfiguration() {
      verifiers.append(X402Verifier(configuration: x402, transport: transport, clock: SystemClock()))
    }
    guard let policy = try? self.makePolicy(verifiers) else { return [] }
    return ChallengeBudget.overflows(of: policy)
  }

  /// Nobody is asked while a configuration is checked.
  private struct NoTransport: OutboundTransport {
    func send(_ call: OutboundCall) async -> OutboundReply { .silent(.notSent) }
  }

  func publicSettings(_ keys: KeysDirectory.Opened) -> PublicSettings {
    var settings = PublicSettings(version: Version.text)
    settings.publicURL = self.publicAPI.url?.text
    settings.clientSource =
      switch self.publicAPI.clientAddress {
      case .connection: .peer
      case .realIP: .realIP
      }
    settings.methods = self.methodFacts(keys)
    settings.workloads = self.workloadSettings()
    return settings
  }

  /// What holds of each way to pay whatever the price, for `/v1/offers`.
  private func methodFacts(_ keys: KeysDirectory.Opened) -> [Challenge.Member] {
    var facts: [Challenge.Member] = []
    if let cashu = self.cashu {
      let mints = JSONText.array(cashu.mints.map { .string($0.url.text) })
      let lock = cashu.offline == .off ? nil : keys.locks.newest.map { Hex.encode($0.compressed) }
      facts.append(
        .init(
          "cashu",
          json: JSONText.object([
            ("unit", .string(cashu.unit.rawValue)), ("mints", mints),
            ("offline", .string(cashu.offline.rawValue)),
            ("lockKey", .optional(lock)),
          ]).text))
      if let mint = cashu.lightning {
        facts.append(.init("lightning", json: JSONText.object([("mint", .string(mint.text))]).text))
      }
    }
    if let x402 = self.x402 {
      let accepts = x402.accepts.map { accept in
        JSONText.object([
          ("network", .string(accept.asset.network.name)), ("asset", .string(accept.asset.address)),
          ("symbol", .string(accept.asset.symbol)), ("payTo", .string(accept.payTo)),
          ("transfer", .string(accept.transfer.rawValue)),
        ])
      }
      let versions = x402.versions.map { JSONText.unsigned($0.rawValue) }
      facts.append(
        .init(
          "x402", json: JSONText.object([("versions", .array(versions)), ("accepts", .array(accepts))]).text))
    }
    return facts
  }
}

extension CashuPayments {
  func makeConfiguration() throws(WiringFault) -> CashuConfiguration {
    var mints: [CashuConfiguration.Mint] = []
    for mint in self.mints {
      guard let url = MintURL(mint.url.text) else { throw .mint(mint.url.text) }
      mints.append(
        .init(
          url: url, swapsPerMinute: self.requestsPerMinute.map(Int.init(clamping:)),
          swapsPerMinuteAndClient: self.perAddressPerMinute.map(Int.init(clamping:)),
          exposure: mint.exposure ?? 0))
    }
    var timeouts = MintClient.Timeouts()
    timeouts.swap = self.timeout
    timeouts.others = min(timeouts.others, self.timeout)
    var redemption = CashuConfiguration.Batching()
    redemption.enoughProofs = Int(clamping: self.redeem.proofs)
    redemption.mostProofs = max(redemption.mostProofs, redemption.enoughProofs)
    redemption.maxAge = self.redeem.every
    redemption.interval = min(redemption.interval, self.redeem.every)
    return CashuConfiguration(
      unit: self.unit.amountUnit, mints: mints, maxProofs: Int(clamping: self.maxProofs),
      maxFeePercent: self.maxFeePercent, timeouts: timeouts, offline: self.offline.rule,
      redemption: redemption)
  }
}

extension CashuPayments.Payout {
  /// Nil only for an address that was not read as one.
  fileprivate var settings: Payout.Settings? {
    LightningAddress(self.to).map {
      .init(above: self.above, keep: self.keep, to: $0, maxFeePercent: self.maxFeePercent)
    }
  }
}

extension CashuPayments.Offline {
  fileprivate var rule: CashuConfiguration.Offline {
    switch self {
    case .off: .off
    case .preferred: .preferred
    case .required: .required
    }
  }
}
