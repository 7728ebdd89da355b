internal import Synchronization

/// Steps 6 to 8: one job for each payment, and whoever brings it meanwhile waits with the first.
extension Cashier {
  /// Waits until the book knows what became of `payment`, or until the deadline: the work goes on.
  func redeem(
    _ payment: VerifiedPayment, for quote: Quote, onto: Serial? = nil, client: ClientAddress?,
    until deadline: ContinuousClock.Instant?
  ) async throws(Outage) -> PaymentStanding {
    // The claim of a trusted payment says all there is to say, in the transaction that grants it.
    let standing: PaymentStanding =
      payment.trust == .settlement ? try await self.standing(of: payment, scope: quote.scope) : .unseen
    switch standing {
    case .granted, .otherRoute, .notBearer, .nameTaken, .stuck, .rejected, .transferred: return standing
    case .unknown(_, let dueIn) where dueIn > .zero: return standing
    case .inFlight, .unknown, .unseen: break
    }
    self.crashPoints.reach(.verified)
    let order = Order(payment: payment, quote: quote, onto: onto, client: client)
    let place = try self.join(order, standing)
    let end = deadline ?? ContinuousClock.now + self.settings.deadline
    guard let result = await place.outcome.value(until: end, sleeper: self.sleeper) else {
      throw Outage(
        .inFlight, "the request's time is up; the work goes on", retryAfterSeconds: 1, payment: payment.id)
    }
    guard case .follows = place else { return try result.get() }
    let found = try result.get()
    switch found {
    // What the leader was told of his own presentation says nothing of a follower's: he may bear the payment
    // or not, be on another route, or call it by another name.
    case .granted, .otherRoute, .notBearer, .nameTaken:
      return try await self.standing(of: payment, scope: quote.scope)
    case .unseen, .inFlight, .unknown, .stuck, .rejected, .transferred: return found
    }
  }

  /// A request's place among those that bring one payment at the same time.
  private enum Place {
    case leads(JobOutcome)
    case follows(JobOutcome)

    var outcome: JobOutcome {
      switch self {
      case .leads(let outcome), .follows(let outcome): outcome
      }
    }
  }

  /// The first who brings a payment has it worked on, if the counterpart may be asked; the others wait with
  /// it.
  private func join(_ order: Order, _ standing: PaymentStanding) throws(Outage) -> Place {
    let payment = order.payment
    let place = self.waiting.withLock { waiting -> Place? in
      if let outcome = waiting[payment.id] {
        return outcome.admit(upTo: Self.maxWaiters) ? .follows(outcome) : nil
      }
      let outcome = JobOutcome()
      waiting[payment.id] = outcome
      return .leads(outcome)
    }
    switch place {
    case .follows(let outcome): return .follows(outcome)
    case nil:
      throw Outage(
        .inFlight, "too many requests wait for this payment", retryAfterSeconds: 1, payment: payment.id)
    case .leads(let outcome):
      do throws(Outage) {
        // Trusted, it asks its counterpart only beyond the limit, and only the claim knows where that is.
        if case .unseen = standing, payment.trust == .settlement { try self.admit(order) }
      } catch {
        self.finish(payment.id, outcome, .failure(error))
        throw error
      }
      guard case .enqueued = self.orders.yield(.redeem(order, outcome)) else {
        let outage = Outage(.outage, "too many payments at once", retryAfterSeconds: 1, payment: payment.id)
        self.finish(payment.id, outcome, .failure(outage))
        throw outage
      }
      return .leads(outcome)
    }
  }

  private func admit(_ order: Order) throws(Outage) {
    try self.verifiers[order.payment.method]?.admit(order.payment, from: order.client)
  }

  private func finish(_ id: PaymentID, _ outcome: JobOutcome, _ result: Result<PaymentStanding, Outage>) {
    self.waiting.withLock { $0[id] = nil }
    outcome.finish(result)
  }

  // MARK: 6 claim, 7 settle, 8 grant

  func redeem(_ order: Order, _ outcome: JobOutcome) async {
    do throws(Outage) {
      self.finish(order.payment.id, outcome, .success(try await self.claimAndSettle(order)))
    } catch {
      self.finish(order.payment.id, outcome, .failure(error))
    }
  }

  private func claimAndSettle(_ order: Order) async throws(Outage) -> PaymentStanding {
    let (payment, quote) = (order.payment, order.quote)
    let work = self.verifiers[payment.method]?.longestWork ?? .zero
    let reservation = Reservation(
      payment: payment, scope: quote.scope, tariff: quote.tariff, lease: max(self.settings.lease, work),
      onto: order.onto)
    switch try await self.ledger.claim(reservation) {
    case .claimed(let claim):
      self.crashPoints.reach(.reserved)
      guard let verifier = self.verifiers[payment.method] else {
        preconditionFailure("A payment was verified by a method that this gate does not have.")
      }
      let term = claim.term
      if payment.trust != .settlement {
        do throws(Outage) { try self.admit(order) } catch {
          return try await self.conclude(term, .notSent(error))
        }
      }
      let start = ContinuousClock.now
      let settlement = await verifier.settle(payment, under: claim)
      self.observer.settled(payment.id, payment.method, settlement, in: ContinuousClock.now - start)
      return try await self.conclude(term, settlement)
    case .standing(.granted(let grant)):
      if case .reservation = payment.trust { self.crashPoints.reach(.concluded) }
      return .granted(grant)
    case .standing(let standing):
      let found = try await self.waitForOther(payment, quote, standing)
      guard case .granted = found else { return found }
      // Who brings what another has claimed must show that it is his.
      return try await self.standing(of: payment, scope: quote.scope)
    }
  }

  /// Another process has it, or its owner died: waits for the winner, or takes over.
  private func waitForOther(
    _ payment: VerifiedPayment, _ quote: Quote, _ first: PaymentStanding
  ) async throws(Outage) -> PaymentStanding {
    var standing = first
    let end = ContinuousClock.now + self.settings.deadline
    var pause = Duration.milliseconds(20)
    while true {
      switch standing {
      case .unknown(let id, let dueIn) where dueIn <= .zero && ContinuousClock.now < end:
        standing = try await self.resume(DuePayment(payment: id, method: payment.method))
        if case .unknown = standing { return standing }
        // What became of another payment that some of the same money is in does not say what becomes of
        // this one.
        if id != payment.id { standing = try await self.standing(of: payment, scope: quote.scope) }
      case .inFlight where ContinuousClock.now < end:
        try? await self.sleeper.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(500))
        standing = try await self.standing(of: payment, scope: quote.scope)
      case .unseen:
        // The winner gave it back without sending it; whoever asks again may claim it.
        throw Outage(.outage, "the payment was not taken; nothing was spent", retryAfterSeconds: 1)
      default:
        return standing
      }
    }
  }

  /// A settlement whose row cannot be written is not lost: the plan is on disk and recovery finds the money.
  func conclude(_ term: ClaimTerm, _ settlement: Settlement) async throws(Outage) -> PaymentStanding {
    self.crashPoints.reach(.settled)
    let standing = try await self.ledger.conclude(term, with: settlement)
    self.crashPoints.reach(.concluded)
    switch settlement {
    case .notSent(let outage), .void(let outage): throw outage
    case .settled, .transferred, .rejected, .unknown, .stuck: return standing
    }
  }
}
