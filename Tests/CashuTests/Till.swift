@testable import Cashu
import Gate
import Outbound
import Synchronization
import Testing

/// A clock that stands still until told.
final class StillClock: TimeSource {
  private let time = Mutex(Timestamp(seconds: 1_800_000_000))

  func now() -> Timestamp { self.time.withLock { $0 } }
  func advance(_ span: Duration) { self.time.withLock { $0 = $0 + span } }
}

/// A verifier with one scripted mint and a counter, as the ledger would keep it.
final class Till: Sendable {
  static let price: UInt64 = 10

  let mint: ScriptedMint
  let clock = StillClock()
  let verifier: CashuVerifier
  let quote: Quote
  private let counter = Mutex(UInt64(0))
  private let stored = Mutex([UInt8]())

  init(
    _ mint: ScriptedMint, transport: (any OutboundTransport)? = nil, seed: TreasurySeed = .random(),
    locks: [LockKey] = [],
    change: (inout CashuConfiguration) -> Void = { _ in }
  ) {
    var configuration = CashuConfiguration(mints: [CashuConfiguration.Mint(url: mint.url)])
    change(&configuration)
    self.mint = mint
    self.verifier = CashuVerifier(
      configuration: configuration, seed: seed, locks: LockKeys(locks), transport: transport ?? mint,
      clock: self.clock
    )
    let tariff = Tariff(prices: [Amount(Self.price, configuration.unit)], terms: .uses(1))
    self.quote = Quote(tariff: tariff, scope: GrantScope(route: RouteID("paid"), host: ""))
  }

  func verify(_ token: String, reach: Reach = .network) async throws -> Verdict {
    let offer = PaymentOffer(method: .cashu, bytes: Array(token.utf8))
    return try await self.verifier.verify(offer, against: self.quote, reach: reach)
  }

  func payment(_ token: String) async throws -> VerifiedPayment {
    guard case .verified(let payment) = try await self.verify(token) else {
      throw UnexpectedVerdict()
    }
    return payment
  }

  struct UnexpectedVerdict: Error {}

  /// Takes numbers from the counter as the ledger does with every claim.
  func reserve(_ payment: VerifiedPayment) -> UInt64 {
    self.counter.withLock { counter in
      defer { counter += UInt64(payment.counters[0].count) }
      return counter
    }
  }

  func settle(_ payment: VerifiedPayment, start: UInt64) async -> Settlement {
    await self.verifier.settle(payment, under: self.claim(payment.id, payment.plan, start: start))
  }

  func settle(_ payment: VerifiedPayment) async -> Settlement {
    await self.settle(payment, start: self.reserve(payment))
  }

  /// What recovery does with the stored row, with the plan as the last claim left it.
  func recover(
    _ payment: VerifiedPayment, start: UInt64, progress: SettlementPlan.Progress = .maybeSent
  ) async -> Settlement {
    let stored = self.stored.withLock { $0 }
    let plan = SettlementPlan(
      payment: payment.id, value: payment.value, counterpart: payment.counterpart,
      plan: stored.isEmpty ? payment.plan : stored, counterStarts: [start], progress: progress
    )
    return await self.verifier.recover(plan, under: self.claim(payment.id, plan.plan, start: start))
  }

  private func claim(_ id: PaymentID, _ plan: [UInt8], start: UInt64) -> Claim {
    self.stored.withLock { $0 = plan }
    return Claim(term: ClaimTerm(payment: id, number: 1), counterStarts: [start]) { step throws(Outage) in
      switch step {
      case .sending: break
      case .progressed(let plan): self.stored.withLock { $0 = plan }
      }
    }
  }
}

extension Settlement {
  /// The amounts that the treasury got; nil for every other end.
  var amounts: [UInt64]? {
    if case .settled(let proceeds, _) = self { proceeds.map(\.value.value) } else { nil }
  }

  var rejection: Rejection? { if case .rejected(let rejection, _) = self { rejection } else { nil } }
  var spent: [Nullifier] { if case .rejected(_, let spent) = self { spent } else { [] } }

  /// The end in one word.
  var name: String {
    switch self {
    case .settled: "settled"
    case .transferred: "transferred"
    case .rejected(let rejection, _): "rejected \(rejection.rawValue)"
    case .notSent(let outage): "not sent, \(outage.code.rawValue)"
    case .void: "void"
    case .unknown: "unknown"
    case .stuck: "stuck"
    }
  }
}

extension Verdict {
  var rejection: Rejection? { if case .rejected(let rejection) = self { rejection } else { nil } }
}
