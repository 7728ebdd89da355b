/// Decides whether a request may pass, and what it costs if it may not.
///
/// 1 canonicalise · 2 route · 3 pass · 4 offer run here, synchronously, on the event loop; 5 verify · 6 claim ·
/// 7 settle · 8 grant belong to the ``Cashier``; 9 decide is the return of each function. All are total:
/// "I cannot tell" is ``Decision/unavailable(_:)``, never an allow.
public final class Gate: Sendable {
  private let policy: PolicyBox
  private let verifiers: [any PaymentVerifier]
  private let passes: PassJudge
  private let passKeys: PassKeys
  private let cashier: Cashier
  private let memo: DecisionMemo
  private let clock: any TimeSource

  public init(
    policy: Policy, verifiers: [any PaymentVerifier], passKeys: PassKeys, revocations: Revocations,
    cashier: Cashier, clock: any TimeSource
  ) {
    self.policy = PolicyBox(policy)
    self.verifiers = verifiers
    self.passes = PassJudge(keys: passKeys, revocations: revocations)
    self.passKeys = passKeys
    self.cashier = cashier
    self.memo = DecisionMemo()
    self.clock = clock
  }

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
    switch self.passes.judge(request, at: place, on: route, covers: { policy.routes.covers($0, route.id) }, now: now) {
    case .absent: break
    case .valid:
      let assertions = Assertions(payment: .earlier)
      return .decided(Judgement(.allow(Allowance(basis: .pass, assertions: assertions)), route: route))
    case .counted(let serial): counted = serial
    case .fault(let found): fault = found
    case .twoPasses: return .decided(Judgement(.deny(.twoPasses), route: route))
    case .unavailable(let outage): return .decided(Judgement(.unavailable(outage), route: route))
    }
    // 4 offer
    let quote = Quote(tariff: tariff, scope: GrantScope(route: route.id, host: place.hostText))
    let offers = self.offers(in: request)
    guard offers.count <= 1 else { return .decided(Judgement(.deny(.twoOffers), route: route)) }
    let demand = Demand(
      fault.map(Demand.Reason.pass) ?? .paymentRequired, quote: quote, challenges: policy.challenges(for: tariff))
    guard counted != nil || !offers.isEmpty else {
      return .decided(Judgement(.paymentRequired(demand), route: route))
    }
    return .pending(
      PendingRequest(
        request: request, place: place, route: route, demand: demand, countedPass: counted, offer: offers.first))
  }

  /// Steps 5 to 9: waits for the ledger, and for the mint where it must; never past the request's deadline.
  public func decide(_ pending: PendingRequest) async -> Judgement {
    let decision: Decision
    do throws(Outage) {
      decision = try await self.redeem(pending)
    } catch {
      decision = .unavailable(error)
    }
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
    case .unavailable(let outage): return .judged(Judgement(.unavailable(outage), route: pending.route))
    case .forgotten: break
    }
    do throws(Outage) {
      let decision = try await self.look(at: pending, unseen: .settlementPending)
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

  // MARK: Steps 5 to 9

  private func redeem(_ pending: PendingRequest) async throws(Outage) -> Decision {
    if pending.request.method == .head { return try await self.look(at: pending, unseen: .owed) }
    var demand = pending.demand
    if let serial = pending.countedPass {
      let outcome = try await self.cashier.take(serial, for: pending.requestKey)
      switch outcome {
      case .exhausted, .missing: demand.reason = .pass(.used)
      case .expired: demand.reason = .pass(.expired)
      case .revoked: demand.reason = .pass(.revoked)
      default: return self.allow(outcome, pending, basis: .pass, demand: demand)
      }
    }
    guard let offer = pending.offer else { return .paymentRequired(demand) }
    // 5 verify
    let payment: VerifiedPayment
    switch try await self.cashier.verify(offer, against: demand.quote, reach: .network) {
    case .rejected(let rejection): return Self.refuse(rejection, demand)
    case .verified(let verified): payment = verified
    }
    // 6 claim, 7 settle, 8 grant
    let standing = try await self.cashier.redeem(
      payment, for: demand.quote, client: pending.request.client, until: pending.request.deadline)
    guard case .granted(let grant) = standing else { return try Self.decision(on: standing, demand) }
    // 9 decide
    let outcome = try await self.cashier.take(grant.serial, for: pending.requestKey)
    return self.allow(outcome, pending, basis: .payment, demand: demand)
  }

  /// What a look makes of a good offer that the ledger has never seen.
  private enum Unseen { case owed, settlementPending }

  /// As `redeem`, but nothing is taken, claimed or asked of a mint (HEAD, and the challenge endpoints).
  private func look(at pending: PendingRequest, unseen: Unseen) async throws(Outage) -> Decision {
    var demand = pending.demand
    if let serial = pending.countedPass {
      let outcome = try await self.cashier.take(serial, for: pending.requestKey, intent: .look)
      switch outcome {
      case .exhausted, .missing: demand.reason = .pass(.used)
      case .expired: demand.reason = .pass(.expired)
      case .revoked: demand.reason = .pass(.revoked)
      default: return self.allow(outcome, pending, basis: .pass, demand: demand)
      }
    }
    guard let offer = pending.offer else { return .paymentRequired(demand) }
    switch try await self.cashier.verify(offer, against: demand.quote, reach: .local) {
    case .rejected(let rejection): return Self.refuse(rejection, demand)
    case .verified(let payment):
      let standing = try await self.cashier.standing(of: payment, scope: demand.quote.scope)
      switch standing {
      case .granted(let grant):
        let outcome = try await self.cashier.take(grant.serial, for: pending.requestKey, intent: .look)
        return self.allow(outcome, pending, basis: .payment, demand: demand)
      case .unseen:
        switch unseen {
        case .owed: return .paymentRequired(demand)
        case .settlementPending:
          throw Outage(.inFlight, "a good offer that nobody has claimed", retryAfterSeconds: 1, payment: payment.id)
        }
      default: return try Self.decision(on: standing, demand)
      }
    }
  }

  /// 9 decide, for a payment that gave no grant here.
  private static func decision(on standing: PaymentStanding, _ demand: Demand) throws(Outage) -> Decision {
    switch standing {
    case .rejected(let rejection): return self.refuse(rejection, demand)
    case .otherRoute(let id): return .deny(.otherRoute(id))
    case .inFlight(let id):
      throw Outage(.inFlight, "another request works on this payment", retryAfterSeconds: 1, payment: id)
    case .unknown(let id, let dueIn):
      let seconds = Int(max(1, (dueIn.inMilliseconds + 999) / 1000))
      throw Outage(.unknown, "sent and unanswered; being recovered", retryAfterSeconds: seconds, payment: id)
    case .stuck(let id):
      throw Outage(.unknown, "held by the counterpart; an operator must look", retryAfterSeconds: 300, payment: id)
    case .unseen:
      throw Outage(.outage, "the payment was not taken; nothing was spent")
    case .granted(let grant):
      throw Outage(.outage, "a grant was not used", payment: grant.payment)
    }
  }

  private static func refuse(_ rejection: Rejection, _ demand: Demand) -> Decision {
    switch rejection.remedy {
    case .mendTheOffer: return .deny(.payment(rejection))
    case .payAgain:
      var demand = demand
      demand.reason = .rejected(rejection)
      return .paymentRequired(demand)
    }
  }

  /// 9 decide, for a presentation of a grant.
  private func allow(
    _ outcome: UseOutcome, _ pending: PendingRequest, basis: Allowance.Basis, demand: Demand
  ) -> Decision {
    let grant: GrantRecord
    var use: TakenUse?
    switch outcome {
    case .taken(let taken, let record): (use, grant) = (taken, record)
    case .repeated(let record), .time(let record), .available(let record): grant = record
    case .exhausted, .missing: return Self.refuse(.spent, demand)
    case .expired:
      var demand = demand
      demand.reason = .pass(.expired)
      return .paymentRequired(demand)
    case .revoked:
      var demand = demand
      demand.reason = .pass(.revoked)
      return .paymentRequired(demand)
    }
    let assertions = Assertions(payment: basis == .payment ? .now(grant.paid) : .earlier)
    let pass = basis == .payment ? self.pass(for: grant, on: pending.route) : nil
    return .allow(Allowance(basis: basis, assertions: assertions, pass: pass, use: use))
  }

  /// 8 grant, in its bearer form; nil where the payment bought a single use and so has nothing left to bear.
  private func pass(for grant: GrantRecord, on route: Route) -> IssuedPass? {
    let kind: Pass.Kind
    switch (grant.uses, grant.end) {
    case (nil, nil): return nil
    case (nil, .some): kind = .time
    case (.some(let uses), nil):
      guard uses > 1 else { return nil }
      kind = .uses
    case (.some, .some): kind = .usesWithinTime
    }
    let end = grant.end ?? Timestamp(milliseconds: 0)
    let pass = Pass(kind: kind, end: end, serial: grant.serial, routeTag: route.tag, host: grant.scope.host)
    let prefix = String(decoding: route.pattern.literalPrefix, as: UTF8.self)
    return IssuedPass(
      token: pass.signed(with: self.passKeys.active), cookiePath: prefix.isEmpty ? "/" : prefix,
      maxAgeSeconds: grant.end.map { $0.seconds - self.clock.now().seconds })
  }
}
