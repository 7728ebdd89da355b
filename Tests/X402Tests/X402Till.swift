import Digest
import Gate
import JSON
import Octets
import Outbound
import Synchronization
import Testing

@testable import X402

/// A clock that stands still until told.
final class StillClock: TimeSource {
  private let time = Mutex(Timestamp(seconds: 1_800_000_000))

  func now() -> Timestamp { self.time.withLock { $0 } }
  func advance(_ seconds: Int64) { self.time.withLock { $0 = $0 + .seconds(seconds) } }
}

/// Pauses that take no time, and that the still clock shows.
struct PauseClock: Clock {
  struct Instant: InstantProtocol {
    var passed: Duration

    func advanced(by span: Duration) -> Instant { Instant(passed: self.passed + span) }
    func duration(to other: Instant) -> Duration { other.passed - self.passed }
    static func < (a: Instant, b: Instant) -> Bool { a.passed < b.passed }
  }

  let clock: StillClock

  var now: Instant { Instant(passed: self.clock.now() - Timestamp(seconds: 0)) }
  var minimumResolution: Duration { .milliseconds(1) }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    self.clock.advance((deadline.passed - self.now.passed).components.seconds)
  }
}

/// A verifier that is paid on Base Sepolia, at $0.01, with a scripted facilitator and chain.
final class X402Till: Sendable {
  static let payTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
  static let stranger = "0x3333333333333333333333333333333333333333"
  static let secret = "00112233445566778899aabbccddeeff"
  static let price: UInt64 = 10_000

  let net = ScriptedNet()
  let clock = StillClock()
  let verifier: X402Verifier
  let configuration: X402Configuration
  let quote: Quote
  let payer: DevPayer
  private let stored = Mutex<[UInt8]>([])

  init(
    hasNode: Bool = true, accepts extra: [X402Configuration.Accept] = [],
    versions: Set<X402Configuration.Version> = [.v1, .v2],
    hasSecond: Bool = false, isPatient: Bool = true, change: (inout X402Configuration) -> Void = { _ in }
  ) throws {
    let accept = try X402Configuration.Accept(
      asset: try Asset.known(on: "base-sepolia"), payTo: Self.payTo,
      rpc: hasNode ? ScriptedNet.nodeURL : nil)
    var facilitators = [
      X402Configuration.Facilitator(url: ScriptedNet.facilitatorURL, authorization: "Bearer key")
    ]
    if hasSecond { facilitators.append(X402Configuration.Facilitator(url: ScriptedNet.secondURL)) }
    var configuration = X402Configuration(
      facilitators: facilitators, accepts: [accept] + extra, versions: versions)
    if !isPatient {
      configuration.limits.patience = .zero
      configuration.limits.recoveryPatience = .zero
    }
    change(&configuration)
    self.configuration = configuration
    self.verifier = X402Verifier(
      configuration: configuration, transport: self.net, clock: self.clock,
      sleeper: PauseClock(clock: self.clock))
    let tariff = Tariff(prices: try configuration.amounts(dollars: "0.01"), terms: .uses(1))
    self.quote = Quote(tariff: tariff, scope: GrantScope(route: RouteID("paid"), host: "shop.test"))
    self.payer = try #require(DevPayer(key: [UInt8](repeating: 0x22, count: 32)))
  }

  // MARK: What a client makes

  func authorization(_ change: (inout TransferAuthorization) -> Void = { _ in }) throws
    -> TransferAuthorization
  {
    var authorization = TransferAuthorization(
      from: self.payer.address, to: try #require(Address(Self.payTo)), value: UInt256(Self.price),
      validAfter: UInt256(0), validBefore: UInt256(UInt64(self.clock.now().seconds) + 120),
      nonce: [UInt8](repeating: 7, count: 32))
    change(&authorization)
    return authorization
  }

  func payload(_ authorization: TransferAuthorization, domain: EIP712Domain? = nil) throws -> JSON {
    let asked = try #require(try Asset.known(on: "base-sepolia").domain)
    return DevPayer.payload(
      authorization, try #require(self.payer.sign(authorization, for: domain ?? asked)))
  }

  /// `accepted` as the 402 asks it.
  var accepted: JSON {
    .record([
      "scheme": .string("exact"), "network": .string("eip155:84532"),
      "asset": .string("0x036CbD53842c5426634e7929541eC2318f3dCF7e"), "amount": .string("10000"),
      "payTo": .string(Self.payTo), "maxTimeoutSeconds": .unsigned(120),
      "extra": .record([
        "name": .string("USDC"), "version": .string("2"), "paymentFlow": .string("upfront"),
        "turnpikeSecret": .string(Self.secret),
      ]),
    ])
  }

  static func header(_ json: JSON) -> String { Base64.encode(JSONWriter.write(json)) }

  func v2(
    _ payload: JSON? = nil, accepted: JSON? = nil, extensions: JSON? = nil
  ) throws -> String {
    Self.header(
      .record([
        "x402Version": .unsigned(2), "resource": .record(["url": .string("http://shop.test/paid")]),
        "accepted": accepted ?? self.accepted,
        "payload": try payload ?? self.payload(try self.authorization()),
        "extensions": extensions,
      ]))
  }

  func v1(_ payload: JSON? = nil, scheme: String = "exact", network: String = "base-sepolia") throws -> String
  {
    Self.header(
      .record([
        "x402Version": .unsigned(1), "scheme": .string(scheme), "network": .string(network),
        "payload": try payload ?? self.payload(try self.authorization()),
      ]))
  }

  // MARK: What the gate does

  func verify(_ header: String, quote: Quote? = nil) async throws -> Verdict {
    let offer = PaymentOffer(method: .x402, bytes: Array(header.utf8))
    return try await self.verifier.verify(offer, against: quote ?? self.quote, reach: .local)
  }

  func payment(_ header: String) async throws -> VerifiedPayment {
    switch try await self.verify(header) {
    case .verified(let payment): return payment
    case .rejected(let rejection): throw Refused(rejection: rejection)
    }
  }

  struct Refused: Error { var rejection: Rejection }

  func settle(_ payment: VerifiedPayment) async -> Settlement {
    await self.verifier.settle(payment, under: self.claim(payment.id, payment.plan))
  }

  /// What recovery does with the stored row, with the plan as the last claim left it.
  func recover(_ payment: VerifiedPayment, progress: SettlementPlan.Progress = .maybeSent) async -> Settlement
  {
    let plan = SettlementPlan(
      payment: payment.id, value: payment.value, counterpart: payment.counterpart,
      plan: self.stored.withLock { $0 }, counterStarts: [], progress: progress)
    return await self.verifier.recover(plan, under: self.claim(payment.id, plan.plan))
  }

  var storedPlan: SettlePlan? { SettlePlan(decoding: self.stored.withLock { $0 }) }

  private func claim(_ id: PaymentID, _ plan: [UInt8]) -> Claim {
    self.stored.withLock { $0 = plan }
    return Claim(term: ClaimTerm(payment: id, number: 1), counterStarts: []) { step throws(Outage) in
      switch step {
      case .sending: break
      case .progressed(let plan): self.stored.withLock { $0 = plan }
      }
    }
  }
}

extension Settlement {
  /// The end in one word.
  var name: String {
    switch self {
    case .settled: "settled"
    case .transferred: "transferred"
    case .rejected(let rejection, _): "rejected \(rejection.rawValue)"
    case .notSent: "not sent"
    case .void: "void"
    case .unknown: "unknown"
    case .stuck: "stuck"
    }
  }

  var receipt: Receipt? { if case .settled(_, let receipt) = self { receipt } else { nil } }
}

extension Verdict {
  var rejection: Rejection? { if case .rejected(let rejection) = self { rejection } else { nil } }
  var payment: VerifiedPayment? { if case .verified(let payment) = self { payment } else { nil } }
}

extension JSON {
  /// The same object with one member changed, or gone.
  func with(_ name: String, _ value: JSON?) -> JSON {
    guard case .object(var members) = self else { return self }
    members.removeAll { $0.name == name }
    if let value { members.append(Member(name: name, value: value)) }
    return .object(members)
  }
}

/// The body of `/verify` and `/settle`, made as others make it.
enum FacilitatorBody {
  static func make(_ requirements: JSON, _ payload: JSON) -> [UInt8] {
    JSONWriter.write(
      .record([
        "x402Version": .unsigned(2),
        "paymentPayload": .record([
          "x402Version": .unsigned(2), "accepted": requirements, "payload": payload,
        ]),
        "paymentRequirements": requirements,
      ]))
  }
}
