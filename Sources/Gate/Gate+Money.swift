/// Steps 5 to 9: what must ask the ledger, and the counterpart where it must.
extension Gate {
  func redeem(_ pending: PendingRequest) async throws(Outage) -> Decision {
    if let spec = pending.route.provision { return try await self.provision(spec, for: pending) }
    if pending.request.method == .head, pending.countedPass != nil || pending.offer != nil {
      return try await self.look(at: pending, unseen: .owed)
    }
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
    guard let offer = pending.offer else { return try await self.unpaid(pending, demand) }
    // 5 verify
    let payment: VerifiedPayment
    switch try await self.cashier.verify(offer, against: demand.quote, reach: .network) {
    case .rejected(let rejection): return Self.refuse(rejection, demand)
    case .verified(let verified): payment = verified
    }
    demand.payment = payment.id
    // 6 claim, 7 settle, 8 grant
    let standing = try await self.cashier.redeem(
      payment, for: demand.quote, client: pending.request.client, until: pending.request.deadline)
    if case .notBearer(let grant) = standing { return try await self.again(grant, pending, demand) }
    guard case .granted(let grant) = standing else { return try Self.decision(on: standing, demand) }
    // 9 decide
    let outcome = try await self.cashier.take(grant.serial, for: pending.requestKey)
    return self.allow(outcome, pending, basis: .payment, demand: demand)
  }

  /// A payment whose bearer this request does not prove to be: it gets what it got before, and nothing more.
  private func again(
    _ grant: GrantRecord, _ pending: PendingRequest, _ demand: Demand
  ) async throws(Outage) -> Decision {
    let outcome = try await self.cashier.take(grant.serial, for: pending.requestKey, intent: .again)
    guard case .repeated = outcome else { return .deny(.notBearer(grant.payment)) }
    return self.allow(outcome, pending, basis: .payment, demand: demand)
  }

  /// What a look makes of a good offer that the ledger has never seen.
  enum Unseen { case owed, settlementPending }

  /// As `redeem`, but nothing is taken, claimed or asked of a mint (HEAD, and the challenge endpoints).
  func look(at pending: PendingRequest, unseen: Unseen) async throws(Outage) -> Decision {
    if pending.route.provision != nil { return try await self.lookForMachine(pending, unseen: unseen) }
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
      demand.payment = payment.id
      let standing = try await self.cashier.standing(of: payment, scope: demand.quote.scope)
      switch standing {
      case .granted(let grant):
        let outcome = try await self.cashier.take(grant.serial, for: pending.requestKey, intent: .look)
        return self.allow(outcome, pending, basis: .payment, demand: demand)
      case .unseen:
        switch unseen {
        case .owed: return .paymentRequired(demand)
        case .settlementPending:
          throw Outage(
            .inFlight, "a good offer that nobody has claimed", retryAfterSeconds: 1, payment: payment.id)
        }
      default: return try Self.decision(on: standing, demand)
      }
    }
  }

  /// 9 decide, for a payment that gave no grant here.
  static func decision(on standing: PaymentStanding, _ demand: Demand) throws(Outage) -> Decision {
    switch standing {
    case .rejected(let rejection): return self.refuse(rejection, demand)
    case .otherRoute(let id): return .deny(.otherRoute(id))
    case .notBearer(let grant): return .deny(.notBearer(grant.payment))
    case .nameTaken(let id): return .deny(.nameTaken(id))
    case .inFlight(let id):
      throw Outage(.inFlight, "another request works on this payment", retryAfterSeconds: 1, payment: id)
    case .unknown(let id, let dueIn):
      let seconds = Int(max(1, (dueIn.inMilliseconds + 999) / 1000))
      throw Outage(.unknown, "sent and unanswered; being recovered", retryAfterSeconds: seconds, payment: id)
    case .stuck(let id):
      throw Outage(
        .unknown, "held by the counterpart; an operator must look", retryAfterSeconds: 300, payment: id)
    case .unseen:
      throw Outage(.outage, "the payment was not taken; nothing was spent")
    case .transferred(let id):
      throw Outage(.outage, "a transfer of the treasury is no payment", payment: id)
    case .granted(let grant):
      throw Outage(.outage, "a grant was not used", payment: grant.payment)
    }
  }

  static func refuse(_ rejection: Rejection, _ demand: Demand) -> Decision {
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
    case .exhausted, .missing, .delivering: return Self.refuse(.spent, demand)
    case .expired:
      var demand = demand
      demand.reason = .pass(.expired)
      return .paymentRequired(demand)
    case .revoked:
      var demand = demand
      demand.reason = .pass(.revoked)
      return .paymentRequired(demand)
    }
    let assertions = Assertions(
      payment: basis == .payment ? .now(grant.paid) : .earlier, user: grant.payer)
    // A single use is taken by this very answer: nothing is left to bear.
    let isSingleUse = grant.uses == 1 && grant.end == nil
    let pass = basis == .payment && !isSingleUse ? self.pass(for: grant, on: pending.route) : nil
    return .allow(
      Allowance(
        basis: basis, assertions: assertions, pass: pass, use: use, payment: grant.payment,
        receipt: basis == .payment ? grant.receipt : nil,
        remaining: Remaining(of: grant, under: demand.quote.tariff, at: self.clock.now())))
  }

  /// 8 grant, in its bearer form: the same grant always gives the same text. Nil for a grant of nothing.
  func pass(for grant: GrantRecord, on route: Route) -> IssuedPass? {
    let kind: Pass.Kind
    switch (grant.uses, grant.end) {
    case (nil, nil): return nil
    case (nil, .some): kind = .time
    case (.some, nil): kind = .uses
    case (.some, .some): kind = .usesWithinTime
    }
    let end = grant.end ?? Timestamp(milliseconds: 0)
    let token = Pass.token(
      kind: kind, end: end, serial: grant.serial, routeTag: route.tag, host: grant.scope.host,
      signedWith: self.passKeys.active)
    let prefix = String(decoding: route.pattern.literalPrefix, as: UTF8.self)
    return IssuedPass(
      token: token, cookiePath: prefix.isEmpty ? "/" : prefix,
      maxAgeSeconds: grant.end.map { $0.seconds - self.clock.now().seconds })
  }
}
