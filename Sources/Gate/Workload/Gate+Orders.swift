extension Gate {
  /// Where machines are sold to whoever asks; a tier is the proxy's to choose.
  public var machineRoutes: [Route] {
    self.policy.current.routes.routes.filter { $0.provision != nil && $0.tariff != nil && $0.tier == nil }
  }

  /// A machine for a payment, a pass or both; the same for the same.
  public func order(_ request: WorkloadRequest) async -> WorkloadAnswer {
    var route: Route?
    do throws(Outage) {
      route = try await self.route(for: request)
      guard let route, let spec = route.provision, let tariff = route.tariff else { return .faulty(.spec) }
      if let fault = self.office?.check(request.wishes, for: spec) { return .faulty(fault) }
      var demand = self.demand(on: route, tariff)
      var showing = Showing(
        wishes: request.wishes, client: request.client, deadline: request.deadline)
      switch self.passes.shown(in: request.fields) {
      case .absent: break
      case .pass(let pass) where pass.routeTag == route.tag: showing.pass = pass.serial
      // As if absent: a payment beside it buys a machine of its own.
      case .pass: demand.reason = .pass(.otherRoute)
      case .invalid: demand.reason = .pass(.invalid)
      case .twoPasses: return .refused(Judgement(.deny(.twoPasses), route: route))
      }
      let offers = self.offers(in: request.access)
      guard offers.count <= 1 else { return .refused(Judgement(.deny(.twoOffers), route: route)) }
      showing.offer = offers.first
      switch try await self.provision(spec, showing, demand) {
      case .machine(let lease, let grant, let presentation):
        return .machine(lease, grant.flatMap { self.exchanged($0, on: route, tariff) }, presentation)
      case .refused(let decision):
        let limit = self.policy.current.limits.challenges
        let limited = await self.limited(decision, limit, request.access)
        return .refused(Judgement(limited, route: route))
      }
    } catch {
      return .refused(Judgement(.unavailable(error), route: route))
    }
  }

  /// Adds a payment to the grant of `lease`; whose it is has been seen. Its machine runs on as long.
  public func extend(_ lease: Lease, _ request: WorkloadRequest) async -> WorkloadAnswer {
    var route: Route?
    do throws(Outage) {
      route = try await self.cashier.ledger.account(of: lease.payment).flatMap { account in
        self.machineRoutes.first { $0.id == account.scope.route }
      }
      // The price of another kind prolongs none of this.
      guard let office = self.office, let route, let tariff = route.tariff, route.provision == lease.spec
      else { return .faulty(.spec) }
      func refused(_ decision: Decision) -> WorkloadAnswer { .refused(Judgement(decision, route: route)) }
      var demand = self.demand(on: route, tariff)
      let offers = self.offers(in: request.access)
      guard offers.count <= 1 else { return refused(.deny(.twoOffers)) }
      guard let offer = offers.first else { return refused(.paymentRequired(demand)) }
      let payment: VerifiedPayment
      switch try await self.cashier.verify(offer, against: demand.quote, reach: .network) {
      case .rejected(let rejection): return refused(Self.refuse(rejection, demand))
      case .verified(let verified): payment = verified
      }
      demand.payment = payment.id
      let standing = try await self.cashier.redeem(
        payment, for: demand.quote, onto: lease.serial, client: request.client, until: request.deadline)
      guard case .granted(let grant) = standing else {
        return refused(try Self.decision(on: standing, demand))
      }
      // It bought another machine before.
      guard grant.serial == lease.serial else { return refused(.deny(.otherRoute(payment.id))) }
      office.changed(lease.serial)
      guard let extended = try await office.lease(lease.id) else { return .faulty(.spec) }
      return .machine(extended, self.exchanged(grant, on: route, tariff), .again)
    } catch {
      return .refused(Judgement(.unavailable(error), route: route))
    }
  }

  /// Where the request is to be judged: on the route of the kind that it names, and of what it shows.
  private func route(for request: WorkloadRequest) async throws(Outage) -> Route? {
    let routes = self.machineRoutes.filter { request.spec == nil || $0.provision == request.spec }
    guard routes.count > 1 else { return routes.first }
    if case .pass(let pass) = self.passes.shown(in: request.fields),
      let own = routes.first(where: { $0.tag == pass.routeTag })
    {
      return own
    }
    // Where it cannot be found without asking, it is judged as new.
    guard let offer = self.offers(in: request.access).first,
      case .known(_, let account?)? = try? await self.find(offer)
    else { return routes.first }
    return routes.first { $0.id == account.scope.route } ?? routes.first
  }

  private func exchanged(_ grant: GrantRecord, on route: Route, _ tariff: Tariff) -> ExchangedPass? {
    self.pass(for: grant, on: route).map {
      ExchangedPass(
        pass: $0, grant: grant, remaining: Remaining(of: grant, under: tariff, at: self.clock.now()))
    }
  }
}
