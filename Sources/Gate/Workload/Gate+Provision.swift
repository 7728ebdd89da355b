/// Routes whose payment buys a machine: a payment or pass is redeemed as everywhere, and then shown to the office.
extension Gate {
  /// What a machine is ordered by.
  struct Showing {
    /// The grant of a pass.
    var pass: Serial?
    var offer: PaymentOffer?
    var wishes = WorkloadWishes()
    var client: ClientAddress?
    var deadline: ContinuousClock.Instant?

    func order(of spec: WorkloadSpecName, by serial: Serial, _ demand: Demand) -> WorkloadOrder {
      WorkloadOrder(serial: serial, route: demand.quote.scope.route, spec: spec, wishes: self.wishes)
    }
  }

  /// What an order gave.
  enum Provision {
    /// `grant` as its payment bears it; nil by a pass alone.
    case machine(Lease, grant: GrantRecord?, Presentation)
    case refused(Decision)
  }

  /// 8 grant, and its machine. A payment beside a pass adds to the pass's grant.
  func provision(_ spec: WorkloadSpecName, _ showing: Showing, _ demand: Demand) async throws(Outage)
    -> Provision
  {
    guard let office = self.office else { throw Outage(.outage, "no machines are made here") }
    var demand = demand
    var onto: Serial?
    if let serial = showing.pass {
      guard showing.offer != nil else {
        return try await self.present(
          showing.order(of: spec, by: serial, demand), grant: nil, demand, to: office)
      }
      // As if absent where nothing can be added to it: the payment beside it buys a machine of its own.
      switch try await self.cashier.take(serial, for: nil, intent: .look) {
      case .revoked: demand.reason = .pass(.revoked)
      case .missing: demand.reason = .pass(.expired)
      case .time, .expired, .taken, .repeated, .available, .delivering, .exhausted:
        if try await self.adds(to: serial, spec) { onto = serial } else { demand.reason = .pass(.otherRoute) }
      }
    }
    guard let offer = showing.offer else { return .refused(self.invite(demand, to: spec)) }
    let payment: VerifiedPayment
    switch try await self.cashier.verify(offer, against: demand.quote, reach: .network) {
    case .rejected(let rejection): return .refused(Self.refuse(rejection, demand))
    case .verified(let verified): payment = verified
    }
    demand.payment = payment.id
    try await self.admit(payment, to: spec, for: demand.quote, onto: onto)
    let standing = try await self.cashier.redeem(
      payment, for: demand.quote, onto: onto, client: showing.client, until: showing.deadline)
    // Who does not bear it gets nothing again: an answer here is a password.
    guard case .granted(let grant) = standing else {
      return .refused(try Self.decision(on: standing, demand))
    }
    if grant.serial == onto { office.changed(grant.serial) }
    return try await self.present(
      showing.order(of: spec, by: grant.serial, demand), grant: grant, demand, to: office)
  }

  private func present(
    _ order: WorkloadOrder, grant: GrantRecord?, _ demand: Demand, to office: any WorkloadOffice
  ) async throws(Outage) -> Provision {
    var demand = demand
    switch try await office.present(order) {
    case .lease(let lease, let presentation):
      var grant = grant
      grant?.end = lease.end
      return .machine(lease, grant: grant, presentation)
    case .over: demand.reason = .pass(.expired)
    case .revoked: demand.reason = .pass(.revoked)
    case .otherRoute: demand.reason = .pass(.otherRoute)
    }
    return .refused(grant == nil ? self.invite(demand, to: order.spec) : .paymentRequired(demand))
  }

  /// Whether a payment for this kind is added to a grant: not while a machine of another kind runs on it, which its
  /// route sold before.
  func adds(to serial: Serial, _ spec: WorkloadSpecName) async throws(Outage) -> Bool {
    guard let lease = try await self.office?.lease(of: serial), lease.state.isRunning else { return true }
    return lease.spec == spec
  }

  /// Before a payment that the book has never seen is claimed: throws where it would buy no machine.
  func admit(
    _ payment: VerifiedPayment, to spec: WorkloadSpecName, for quote: Quote, onto: Serial?
  ) async throws(Outage) {
    guard case .unseen = try await self.cashier.standing(of: payment, scope: quote.scope) else { return }
    guard let office = self.office else { throw Outage(.outage, "no machines are made here") }
    if let onto, try await office.lease(of: onto)?.state.isLive == true { return }
    try Self.check(office.vacancy(for: spec), for: payment.id)
  }

  /// Throws where no machine could be had on `route` now; any other route has room.
  public func checkVacancy(on route: Route) throws(Outage) { try self.checkVacancy(for: route.provision) }

  /// 9 decide, for a request without a payment: nobody is asked for money that would buy no machine.
  func invite(_ demand: Demand, to spec: WorkloadSpecName?) -> Decision {
    do throws(Outage) {
      try self.checkVacancy(for: spec)
      return .paymentRequired(demand)
    } catch {
      return .unavailable(error)
    }
  }

  private func checkVacancy(for spec: WorkloadSpecName?) throws(Outage) {
    guard let spec else { return }
    guard let office = self.office else { throw Outage(.outage, "no machines are made here") }
    try Self.check(office.vacancy(for: spec), for: nil)
  }

  private static func check(_ vacancy: Vacancy, for payment: PaymentID?) throws(Outage) {
    switch vacancy {
    case .open: return
    case .full(let seconds):
      throw Outage(.noVacancy, "all machines are taken", retryAfterSeconds: seconds, payment: payment)
    case .unavailable(let reason, let seconds):
      throw Outage(
        .noVacancy, "no machine can be made: \(reason)", retryAfterSeconds: seconds, payment: payment)
    }
  }
}
