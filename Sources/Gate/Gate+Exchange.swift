public import Octets

/// A payment brought to us, and not to a proxy: for a pass of the route that its resource is on.
public struct ExchangeRequest: Sendable {
  /// What the pass is for.
  public var method: RequestMethod
  public var target: [UInt8]
  /// With its port, where it has one; nil for none.
  public var host: [UInt8]?
  /// The same header fields as at a proxy: one offer, and `Turnpike-Pass` for the pass that it tops up.
  public var fields: FieldList
  public var client: ClientAddress?
  public var deadline: ContinuousClock.Instant?

  public init(
    method: RequestMethod, target: [UInt8], host: [UInt8]?, fields: FieldList, client: ClientAddress?,
    deadline: ContinuousClock.Instant? = nil
  ) {
    self.method = method
    self.target = target
    self.host = host
    self.fields = fields
    self.client = client
    self.deadline = deadline
  }
}

/// What an exchange gave.
public struct ExchangedPass: Sendable {
  public var pass: IssuedPass
  public var grant: GrantRecord
  public var remaining: Remaining?

  init(pass: IssuedPass, grant: GrantRecord, remaining: Remaining?) {
    self.pass = pass
    self.grant = grant
    self.remaining = remaining
  }
}

public enum ExchangeOutcome: Sendable {
  case pass(ExchangedPass, route: Route)
  case refused(Judgement)
}

/// What a resource costs, for who asks about it without a request of his own.
public enum ResourceQuote: Sendable {
  case priced(Quote, route: Route)
  case refused(Judgement)
}

extension Gate {
  /// The price of a resource, by the rules that a proxy's question is judged by.
  public func quote(_ request: ExchangeRequest) -> ResourceQuote {
    let access = Self.access(request)
    let policy = self.policy.current
    guard let place = Place(access) else {
      return .refused(Judgement(.deny(.badRequest("the path or host has no single reading")), route: nil))
    }
    guard let route = policy.route(for: access, at: place), let tariff = route.tariff else {
      return .refused(Judgement(.deny(.denied), route: nil))
    }
    return .priced(Quote(tariff: tariff, scope: route.scope(at: place)), route: route)
  }

  /// Steps 1 to 8: redeems a payment and gives out its pass; takes no use. The same payment gives the same pass again.
  public func exchange(_ request: ExchangeRequest) async -> ExchangeOutcome {
    let access = Self.access(request)
    let (quote, route): (Quote, Route)
    switch self.quote(request) {
    case .priced(let found, let owner): (quote, route) = (found, owner)
    case .refused(let judgement): return .refused(judgement)
    }
    do throws(Outage) {
      switch try await self.exchange(access, for: quote, on: route) {
      case .granted(let grant):
        guard let pass = self.pass(for: grant, on: route) else {
          throw Outage(.outage, "a grant of nothing", payment: grant.payment)
        }
        let remaining = Remaining(of: grant, under: quote.tariff, at: self.clock.now())
        return .pass(ExchangedPass(pass: pass, grant: grant, remaining: remaining), route: route)
      case .refused(let decision):
        let limit = self.policy.current.limits.challenges
        return .refused(Judgement(await self.limited(decision, limit, access), route: route))
      }
    } catch {
      return .refused(Judgement(.unavailable(error), route: route))
    }
  }

  /// Redeems a payment that came by itself (a paid invoice): claims, settles and grants it, once however often it is called.
  public func redeem(paid payment: VerifiedPayment, for quote: Quote) async throws(Outage) -> PaymentStanding
  {
    try await self.cashier.redeem(payment, for: quote, client: nil, until: nil)
  }

  /// The pass of a grant, for whoever has shown that it is his; nil when it is revoked or over, or its route is gone.
  public func pass(of grant: GrantRecord) -> ExchangedPass? {
    let now = self.clock.now()
    guard grant.revoked == .valid,
      let route = self.policy.current.routes.routes.first(where: { $0.id == grant.scope.route }),
      // A machine's time begins with the machine, and what one left is the next one's.
      route.provision != nil || grant.end.map({ $0 > now }) ?? true,
      let tariff = route.tariff, let pass = self.pass(for: grant, on: route)
    else { return nil }
    return ExchangedPass(pass: pass, grant: grant, remaining: Remaining(of: grant, under: tariff, at: now))
  }

  /// What is left of a grant; nil where its route is gone.
  public func remaining(of grant: GrantRecord) -> Remaining? {
    let route = self.policy.current.routes.routes.first { $0.id == grant.scope.route }
    return route?.tariff.flatMap { Remaining(of: grant, under: $0, at: self.clock.now()) }
  }

  /// What anyone who knows its id may be told of a payment.
  public func account(of payment: PaymentID) async throws(Outage) -> PaymentAccount? {
    var account = try await self.cashier.ledger.account(of: payment)
    if let grant = account?.grant { account?.grant = try await self.waiting(grant) }
    return account
  }

  private enum Exchanged {
    case granted(GrantRecord)
    case refused(Decision)
  }

  private func exchange(
    _ access: AccessRequest, for quote: Quote, on route: Route
  ) async throws(Outage) -> Exchanged {
    let policy = self.policy.current
    guard let place = Place(access) else { return .refused(.deny(.badRequest("no single reading"))) }
    var demand = Demand(.paymentRequired, quote: quote, challenges: policy.challenges(for: quote.tariff))
    var onto: Serial?
    switch self.passes.judge(
      access, at: place, on: route, covers: { policy.routes.covers($0, route.id) }, now: self.clock.now())
    {
    case .absent: break
    case .valid(let serial, _): onto = serial
    case .counted(let serial):
      // As if absent: the payment beside it buys a pass of its own.
      switch try await self.cashier.take(serial, for: nil, intent: .look) {
      case .revoked: demand.reason = .pass(.revoked)
      case .missing: demand.reason = .pass(.used)
      case .taken, .repeated, .time, .available, .delivering, .exhausted, .expired:
        let adds = if let spec = route.provision { try await self.adds(to: serial, spec) } else { true }
        if adds { onto = serial } else { demand.reason = .pass(.otherRoute) }
      }
    case .fault(let fault): demand.reason = .pass(fault)
    case .twoPasses: return .refused(.deny(.twoPasses))
    case .unavailable(let outage): throw outage
    }
    let offers = self.offers(in: access)
    guard offers.count <= 1 else { return .refused(.deny(.twoOffers)) }
    guard let offer = offers.first else {
      return .refused(onto == nil ? self.invite(demand, to: route.provision) : .paymentRequired(demand))
    }
    let payment: VerifiedPayment
    switch try await self.cashier.verify(offer, against: quote, reach: .network) {
    case .rejected(let rejection): return .refused(Self.refuse(rejection, demand))
    case .verified(let verified): payment = verified
    }
    if let spec = route.provision { try await self.admit(payment, to: spec, for: quote, onto: onto) }
    let standing = try await self.cashier.redeem(
      payment, for: quote, onto: onto, client: access.client, until: access.deadline)
    if route.provision != nil, let onto { self.office?.changed(onto) }
    return try await self.exchanged(standing, demand, on: route)
  }

  private func exchanged(
    _ standing: PaymentStanding, _ demand: Demand, on route: Route
  ) async throws(Outage) -> Exchanged {
    guard case .granted(let grant) = standing else {
      return .refused(try Self.decision(on: standing, demand))
    }
    var demand = demand
    if grant.revoked == .revoked {
      demand.reason = .pass(.revoked)
    } else if let end = grant.end, end <= self.clock.now(), try await !self.keepsTime(grant.serial, on: route)
    {
      demand.reason = .pass(.expired)
    } else {
      return .granted(try await self.waiting(grant))
    }
    return .refused(.paymentRequired(demand))
  }

  private static func access(_ request: ExchangeRequest) -> AccessRequest {
    AccessRequest(
      adapter: .publicAPI, method: request.method, target: request.target, host: request.host,
      id: [UInt8]?.none,
      client: request.client, fields: request.fields, deadline: request.deadline)
  }
}
