/// Decides whether a request may pass, and what it costs if it may not.
///
/// 1 canonicalise · 2 route · 3 pass · 4 offer run here, synchronously, on the event loop; 5 verify · 6 claim ·
/// 7 settle · 8 grant belong to the ``Cashier``; 9 decide is the return of each function. All are total:
/// "I cannot tell" is ``Decision/unavailable(_:)``, never an allow.
public final class Gate: Sendable {
  let policy: PolicyBox
  private let verifiers: [any PaymentVerifier]
  let passes: PassJudge
  let passKeys: PassKeys
  /// Where machines are ordered; nil where none are sold.
  public let office: (any WorkloadOffice)?
  let cashier: Cashier
  let memo: DecisionMemo
  let clock: any TimeSource

  public init(
    policy: Policy, verifiers: [any PaymentVerifier], passKeys: PassKeys, revocations: Revocations,
    cashier: Cashier, office: (any WorkloadOffice)? = nil, clock: any TimeSource
  ) {
    self.policy = PolicyBox(policy)
    self.verifiers = verifiers
    self.passes = PassJudge(keys: passKeys, revocations: revocations)
    self.passKeys = passKeys
    self.office = office
    self.cashier = cashier
    self.memo = DecisionMemo()
    self.clock = clock
  }

  /// The routes and prices in force.
  public var currentPolicy: Policy { self.policy.current }

  /// Replaces routes and prices; requests under way end under the old ones.
  public func reload(_ policy: Policy) { self.policy.replace(with: policy) }

  /// The header fields the gate reads; an adapter hands on these and no others.
  public static func fieldsRead(by verifiers: [any PaymentVerifier]) -> [StaticString] {
    [
      "turnpike-pass", "cookie", "origin", "access-control-request-method", "sec-fetch-site", "content-type",
    ] + verifiers.flatMap(\.credentialFields)
  }

  /// What ``rule(on:)`` found out without waiting.
  public enum Ruling: Sendable {
    case decided(Judgement)
    /// Money or a counted use must be asked for: call ``decide(_:)``.
    case pending(PendingRequest)
  }

  /// Steps 1 to 4: everything that needs no answer from anyone.
  public func rule(on request: AccessRequest) -> Ruling {
    let policy = self.policy.current
    // 1 canonicalise
    guard let place = Place(request) else {
      return .decided(Judgement(.deny(.badRequest("the path or host has no single reading")), route: nil))
    }
    // 2 route
    if let route = policy.preflightRoute(for: request, at: place) {
      return .decided(Judgement(.allow(Allowance(basis: .preflight)), route: route))
    }
    guard let route = policy.route(for: request, at: place) else {
      return .decided(Judgement(policy.fallback.decision, route: nil))
    }
    let tariff: Tariff
    switch route.access {
    case .free: return .decided(Judgement(.allow(Allowance(basis: .free)), route: route))
    case .denied: return .decided(Judgement(.deny(.denied), route: route))
    case .priced(let price): tariff = price
    }
    // 3 pass
    var counted: Serial?
    var fault: PassFault?
    let now = self.clock.now()
    switch self.passes.judge(
      request, at: place, on: route, covers: { policy.routes.covers($0, route.id) }, now: now)
    {
    case .absent: break
    case .valid(_, let end):
      var allowance = Allowance(basis: .pass, assertions: Assertions(payment: .earlier))
      if policy.limits.passTime == .told {
        allowance.remaining = Remaining(until: end, under: tariff, at: now)
      }
      return .decided(Judgement(.allow(allowance), route: route))
    case .counted(let serial): counted = serial
    case .fault(let found): fault = found
    case .twoPasses: return .decided(Judgement(.deny(.twoPasses), route: route))
    case .unavailable(let outage): return .decided(Judgement(.unavailable(outage), route: route))
    }
    // 4 offer
    let quote = Quote(tariff: tariff, scope: route.scope(at: place))
    let offers = self.offers(in: request)
    guard offers.count <= 1 else { return .decided(Judgement(.deny(.twoOffers), route: route)) }
    let demand = Demand(
      fault.map(Demand.Reason.pass) ?? .paymentRequired, quote: quote,
      challenges: policy.challenges(for: tariff))
    if counted == nil, offers.isEmpty, !policy.counts(request, on: route) {
      return .decided(Judgement(self.invite(demand, to: route.provision), route: route))
    }
    return .pending(
      PendingRequest(
        request: request, place: place, route: route, demand: demand, countedPass: counted,
        offer: offers.first, limits: policy.limits))
  }

  /// Steps 5 to 9: waits for the ledger, and for the mint where it must; never past the request's deadline.
  public func decide(_ pending: PendingRequest) async -> Judgement {
    var decision: Decision
    do throws(Outage) {
      decision = try await self.redeem(pending)
    } catch {
      decision = .unavailable(error)
    }
    decision = await self.limited(decision, pending.limits.challenges, pending.request)
    self.memo.note(decision, for: pending.memoKey, at: self.clock.now())
    return Judgement(decision, route: pending.route)
  }

  /// What a challenge endpoint should answer about a request that `decide` has just refused; changes nothing.
  public enum Review: Sendable {
    case judged(Judgement)
    /// The gate would allow it: the refusal was the app's own.
    case wouldAllow
  }

  /// Steps 1 to 4 again, then a look at the ledger and at what this process has just decided (design §4).
  public func review(_ request: AccessRequest) async -> Review {
    let pending: PendingRequest
    switch self.rule(on: request) {
    case .decided(let judgement):
      if case .allow = judgement.decision { return .wouldAllow }
      return .judged(judgement)
    case .pending(let found): pending = found
    }
    switch self.memo.recall(pending.memoKey, at: self.clock.now()) {
    case .allowed: return .wouldAllow
    case .limited(let denial): return .judged(Judgement(.deny(denial), route: pending.route))
    case .unavailable(let outage): return .judged(Judgement(.unavailable(outage), route: pending.route))
    case .forgotten: break
    }
    do throws(Outage) {
      let decision = try await self.look(
        at: pending, unseen: request.method == .head ? .owed : .settlementPending)
      if case .allow = decision { return .wouldAllow }
      return .judged(Judgement(decision, route: pending.route))
    } catch {
      return .judged(Judgement(.unavailable(error), route: pending.route))
    }
  }

  /// The answer that took `use` went out, or did not. Called by whoever wrote it, on its event loop.
  public func report(_ use: TakenUse, _ delivery: UseDelivery) { self.cashier.report(use, delivery) }

  /// Which credentials must not reach the app: those of this request that the gate could read as such.
  public func offers(in request: AccessRequest) -> [PaymentOffer] {
    var found: [PaymentOffer] = []
    for verifier in self.verifiers { found += verifier.offers(in: request) }
    return found
  }
}
