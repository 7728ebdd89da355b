public import Gate
internal import Octets

/// A scheme of its own, for tests, and the example of docs/adding-a-payment-scheme.md: coins of a ``ScriptedCounterpart``, redeemed in two steps.
///
/// A coin is offered as `x-coin: name=value`. Redeeming first locks the coin and then takes it, so that a crash or a
/// lost answer between the two leaves a plan that says how far it came.
public struct ScriptedVerifier: PaymentVerifier {
  public let method = PaymentMethod("coin")
  public let credentialFields: [StaticString] = ["x-coin"]

  private let counterpart: ScriptedCounterpart
  private let trust: Trust
  private let bearing: Bearing

  /// - Parameters:
  ///   - trust: when a coin becomes a grant.
  ///   - bearing: how its payer shows that it is his when he presents it again.
  public init(
    _ counterpart: ScriptedCounterpart, trust: Trust = .settlement, bearing: Bearing = .payload
  ) {
    self.counterpart = counterpart
    self.trust = trust
    self.bearing = bearing
  }

  public func offers(in request: AccessRequest) -> [PaymentOffer] {
    request.fields.values(of: "x-coin").map { PaymentOffer(method: self.method, bytes: Array($0)) }
  }

  public func challenge(for tariff: Tariff) -> Challenge? {
    guard let price = tariff.price(in: .sat) else { return nil }
    let text = Challenge.Text(
      fields: [.init("X-Coin", "\(price.value)")],
      members: [.init("coins", json: "[\(price.value)]")],
      ways: [.init(title: "Coins", price: "\(price)", code: "coin:\(price.value)")])
    return Challenge(method: self.method, text: text)
  }

  public func verify(_ offer: PaymentOffer, against quote: Quote, reach: Reach) async throws(Outage)
    -> Verdict
  {
    guard let coin = Coin(offer.bytes) else { return .rejected(.malformed) }
    switch self.counterpart.authenticity(of: coin) {
    case .forged: return .rejected(.invalid)
    case .genuine: break
    }
    guard let minimum = quote.minimum(in: .sat) else { return .rejected(.wrongUnit) }
    guard coin.value >= minimum.value else { return .rejected(.tooLittle) }
    return .verified(
      VerifiedPayment(
        id: PaymentID("coin-\(coin.name)"), method: self.method,
        nullifiers: [Nullifier(Array(coin.name.utf8))],
        value: Amount(coin.value, .sat), counterpart: "scripted", plan: Plan(step: .lock, coin: coin).bytes,
        counters: [CounterRequest(name: "coin", count: 1)], trust: self.trust, bearing: self.bearing))
  }

  public func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {
    try self.counterpart.admit()
  }

  public func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    await self.run(payment.plan, payment.value, claim, mayHaveBeenSent: false)
  }

  public func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    await self.run(plan.plan, plan.value, claim, mayHaveBeenSent: plan.progress == .maybeSent)
  }

  private func run(
    _ bytes: [UInt8], _ value: Amount, _ claim: consuming Claim, mayHaveBeenSent: Bool
  ) async -> Settlement {
    guard var plan = Plan(bytes) else { return .stuck(note: "the stored plan is unreadable") }
    let order = claim.payment.text
    if plan.step == .lock {
      do throws(Outage) { try await claim.willSend() } catch { return .notSent(error) }
      switch self.counterpart.lock(plan.coin, for: order) {
      case .done: break
      case .refused: return .rejected(.spent, spent: [Nullifier(Array(plan.coin.name.utf8))])
      case .noAnswer: return .unknown(Outage(.unknown, "no answer to the lock", payment: claim.payment))
      case .held: return .stuck(note: "held by the counterpart")
      }
      plan.step = .take
      do throws(Outage) { try await claim.progressed(to: plan.bytes) } catch { return .unknown(error) }
    }
    switch self.counterpart.take(plan.coin, for: order) {
    case .done:
      return .settled([
        Proceeds(
          counterpart: "scripted", series: "coin", value: value, nullifier: Nullifier(Array(order.utf8)),
          bearer: [])
      ])
    case .refused: return .rejected(.spent, spent: [])
    case .noAnswer: return .unknown(Outage(.unknown, "no answer to the take", payment: claim.payment))
    case .held: return .stuck(note: "held by the counterpart")
    }
  }

  /// What is stored: `lock name=value` or `take name=value`.
  private struct Plan {
    enum Step: String { case lock, take }

    var step: Step
    var coin: Coin

    init(step: Step, coin: Coin) {
      self.step = step
      self.coin = coin
    }

    init?(_ bytes: [UInt8]) {
      let parts = bytes.split(separator: ASCII.space)
      guard parts.count == 2, let step = Step(rawValue: String(decoding: parts[0], as: UTF8.self)),
        let coin = Coin(Array(parts[1]))
      else { return nil }
      self.init(step: step, coin: coin)
    }

    var bytes: [UInt8] { Array("\(self.step.rawValue) \(self.coin.name)=\(self.coin.value)".utf8) }
  }
}
