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
        let order = WorkloadOrder(serial: serial, spec: spec, wishes: showing.wishes)
        return try await self.present(order, grant: nil, .again, demand, to: office)
      }
      // As if absent where nothing can be added to it: the payment beside it buys a machine of its own.
      switch try await self.cashier.take(serial, for: nil, intent: .look) {
      case .revoked: demand.reason = .pass(.revoked)
      case .missing: demand.reason = .pass(.expired)
      case .time, .expired, .taken, .repeated, .available, .delivering, .exhausted: onto = serial
      }
    }
    guard let offer = showing.offer else { return .refused(.paymentRequired(demand)) }
    let payment: VerifiedPayment
    switch try await self.cashier.verify(offer, against: demand.quote, reach: .network) {
    case .rejected(let rejection): return .refused(Self.refuse(rejection, demand))
    case .verified(let verified): payment = verified
    }
    demand.payment = payment.id
    let presentation = try await self.admit(payment, to: spec, for: demand.quote, onto: onto)
    let standing = try await self.cashier.redeem(
      payment, for: demand.quote, onto: onto, client: showing.client, until: showing.deadline)
    // Who does not bear it gets nothing again: an answer here is a password.
    guard case .granted(let grant) = standing else {
      return .refused(try Self.decision(on: standing, demand))
    }
    if grant.serial == onto { office.changed(grant.serial) }
    let order = WorkloadOrder(serial: grant.serial, spec: spec, wishes: showing.wishes)
    return try await self.present(order, grant: grant, presentation, demand, to: office)
  }

  private func present(
    _ order: WorkloadOrder, grant: GrantRecord?, _ presentation: Presentation, _ demand: Demand,
    to office: any WorkloadOffice
  ) async throws(Outage) -> Provision {
    var demand = demand
    switch try await office.present(order) {
    case .lease(let lease):
      var grant = grant
      grant?.end = lease.end
      return .machine(lease, grant: grant, presentation)
    case .over: demand.reason = .pass(.expired)
    case .revoked: demand.reason = .pass(.revoked)
    }
    return .refused(.paymentRequired(demand))
  }

  /// Before a payment that the book has never seen is claimed: throws where it would buy no machine.
  func admit(
    _ payment: VerifiedPayment, to spec: WorkloadSpecName, for quote: Quote, onto: Serial?
  ) async throws(Outage) -> Presentation {
    guard case .unseen = try await self.cashier.standing(of: payment, scope: quote.scope) else {
      return .again
    }
    guard let office = self.office else { throw Outage(.outage, "no machines are made here") }
    if let onto, try await office.lease(of: onto)?.state.isLive == true { return .first }
    try Self.check(office.vacancy(for: spec), for: payment.id)
    return .first
  }

  /// Throws where no machine could be had on `route` now; any other route has room.
  public func checkVacancy(on route: Route) throws(Outage) {
    guard let spec = route.provision else { return }
    guard let office = self.office else { throw Outage(.outage, "no machines are made here") }
    try Self.check(office.vacancy(for: spec), for: nil)
  }

  private static func check(_ vacancy: Vacancy, for payment: PaymentID?) throws(Outage) {
    switch vacancy {
    case .open: return
    case .full(let seconds):
      throw Outage(.noVacancy, "all machines are taken", retryAfterSeconds: seconds, payment: payment)
    case .unavailable(let reason):
      throw Outage(.noVacancy, "no machine can be made: \(reason)", retryAfterSeconds: 30, payment: payment)
    }
  }
}

/// Whether a payment was known to the book.
public enum Presentation: Sendable { case first, again }
