/// Behind a proxy: an allow names the machine.
extension Gate {
  /// Steps 5 to 9 on a route that gives a machine; HEAD takes and orders nothing.
  func provision(_ spec: WorkloadSpecName, for pending: PendingRequest) async throws(Outage) -> Decision {
    if pending.request.method == .head { return try await self.lookForMachine(pending, unseen: .owed) }
    let showing = Showing(
      pass: pending.countedPass, offer: pending.offer, client: pending.request.client,
      deadline: pending.request.deadline)
    switch try await self.provision(spec, showing, pending.demand) {
    case .machine(let lease, let grant, _): return self.allow(lease, grant, pending)
    case .refused(let decision): return decision
    }
  }

  /// What ``provision(_:for:)`` would say, as far as can be told without taking, ordering or asking anything.
  func lookForMachine(_ pending: PendingRequest, unseen: Unseen) async throws(Outage) -> Decision {
    var demand = pending.demand
    if let serial = pending.countedPass {
      switch try await self.right(of: serial) {
      case .running(let lease): return self.allow(lease, nil, pending)
      case .idle: return Self.allowIdle(nil)
      case .over: demand.reason = .pass(.expired)
      case .revoked: demand.reason = .pass(.revoked)
      }
    }
    guard let offer = pending.offer else { return self.invite(demand, to: pending.route.provision) }
    let payment: VerifiedPayment
    switch try await self.cashier.verify(offer, against: demand.quote, reach: .local) {
    case .rejected(let rejection): return Self.refuse(rejection, demand)
    case .verified(let verified): payment = verified
    }
    demand.payment = payment.id
    let standing = try await self.cashier.standing(of: payment, scope: demand.quote.scope)
    switch (standing, unseen) {
    case (.granted(let grant), _):
      switch try await self.right(of: grant.serial) {
      case .running(let lease): return self.allow(lease, grant, pending)
      case .idle: return Self.allowIdle(grant)
      case .over: demand.reason = .pass(.expired)
      case .revoked: demand.reason = .pass(.revoked)
      }
      return .paymentRequired(demand)
    case (.unseen, .owed): return .paymentRequired(demand)
    case (.unseen, .settlementPending):
      throw Outage(
        .inFlight, "a good offer that nobody has claimed", retryAfterSeconds: 1, payment: payment.id)
    default: return try Self.decision(on: standing, demand)
    }
  }

  /// 9 decide: by a payment where there is its grant, else by a pass.
  private func allow(_ lease: Lease, _ grant: GrantRecord?, _ pending: PendingRequest) -> Decision {
    let tariff = pending.demand.quote.tariff
    let now = self.clock.now()
    var assertions = Assertions(payment: .earlier, workload: self.workload(lease, for: pending))
    guard let grant else {
      return .allow(
        Allowance(
          basis: .pass, assertions: assertions, payment: lease.payment,
          remaining: Remaining(until: lease.end, under: tariff, at: now)))
    }
    assertions.payment = .now(grant.paid)
    assertions.user = grant.payer
    return .allow(
      Allowance(
        basis: .payment, assertions: assertions, pass: self.pass(for: grant, on: pending.route),
        payment: grant.payment, receipt: grant.receipt,
        remaining: Remaining(of: grant, under: tariff, at: now)))
  }

  /// A right without a machine: only an order would name one, and none is made here.
  private static func allowIdle(_ grant: GrantRecord?) -> Decision {
    let basis: Allowance.Basis = grant == nil ? .pass : .payment
    return .allow(
      Allowance(
        basis: basis,
        assertions: Assertions(payment: grant.map { .now($0.paid) } ?? .earlier, user: grant?.payer),
        payment: grant?.payment))
  }
}
