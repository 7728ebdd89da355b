internal import Synchronization

/// Redeems payments: steps 5 to 8, each payment once, however many requests present it at the same time.
///
/// A service: from the claim on, the work belongs to ``run()`` and not to the request that brought the payment. The
/// request only waits for it; its time-out or disconnect cancels nothing (design rule 9).
public final class Cashier: Sendable {
  public struct Settings: Sendable {
    /// How long a request waits where its proxy names no deadline.
    public var deadline: Duration
    /// After this, another process may take the work over.
    public var lease: Duration { self.deadline + .seconds(30) }
    /// How long a presentation waits to hear whether the answer that took the last use went out.
    public var deliveryPatience: Duration

    public init(deadline: Duration, deliveryPatience: Duration = .seconds(5)) {
      self.deadline = deadline
      self.deliveryPatience = deliveryPatience
    }
  }

  /// More who wait for one payment are turned away at once (design §5).
  public static let maxWaiters = 64
  /// Payments redeemed at the same time; beyond, 503 at once.
  public static let maxJobs = 1024
  /// Answers whose delivery is still to be written down.
  static let maxReports = 65_536
  /// How often rows are looked for whose owner died or whose answer was lost.
  static let recoveryInterval: Duration = .seconds(1)
  static let recoveriesPerRound = 16

  let ledger: any Ledger
  let verifiers: [PaymentMethod: any PaymentVerifier]
  let revocations: Revocations
  private let settings: Settings
  let clock: any TimeSource
  let sleeper: any Clock<Duration>
  let crashPoints: CrashPoints

  private let waiting = Mutex<[PaymentID: JobOutcome]>([:])
  private let work: AsyncStream<Work>
  private let orders: AsyncStream<Work>.Continuation
  let reports: AsyncStream<(TakenUse, UseDelivery)>
  private let reported: AsyncStream<(TakenUse, UseDelivery)>.Continuation
  let observer: any GateObserver

  private enum Work: Sendable {
    case redeem(Order, JobOutcome)
  }

  /// One payment, and what is to become of it.
  private struct Order: Sendable {
    var payment: VerifiedPayment
    var quote: Quote
    /// The grant that it tops up; nil for one of its own.
    var onto: Serial?
    var client: ClientAddress?
  }

  public init(
    ledger: any Ledger, verifiers: [any PaymentVerifier], revocations: Revocations, settings: Settings,
    clock: any TimeSource, sleeper: any Clock<Duration> = ContinuousClock(),
    observer: any GateObserver = SilentObserver(),
    crashPoints: CrashPoints = .none
  ) {
    self.ledger = ledger
    self.verifiers = Dictionary(uniqueKeysWithValues: verifiers.map { ($0.method, $0) })
    self.revocations = revocations
    self.settings = settings
    self.clock = clock
    self.sleeper = sleeper
    self.observer = observer
    self.crashPoints = crashPoints
    (self.work, self.orders) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maxJobs))
    (self.reports, self.reported) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maxReports))
  }

  /// Works until ``stop()``, then ends what is under way and returns.
  public func run() async {
    await withDiscardingTaskGroup { service in
      service.addTask { await self.writeDownDeliveries() }
      await withDiscardingTaskGroup { timers in
        timers.addTask { await self.recoverOnTimer() }
        timers.addTask { await self.refreshRevocations() }
        await withDiscardingTaskGroup { jobs in
          for await case .redeem(let order, let outcome) in self.work {
            jobs.addTask { await self.redeem(order, outcome) }
          }
        }
        timers.cancelAll()
      }
      // Not cancelled: what went out is written down to the last, or it would be served twice.
      self.reported.finish()
    }
  }

  /// Takes no more work. Call when the listeners have ended.
  public func stop() { self.orders.finish() }

  // MARK: What the gate asks

  func verify(_ offer: PaymentOffer, against quote: Quote, reach: Reach) async throws(Outage) -> Verdict {
    guard let verifier = self.verifiers[offer.method] else { return .rejected(.wrongScheme) }
    let start = ContinuousClock.now
    let verdict = try await verifier.verify(offer, against: quote, reach: reach)
    if reach == .network { self.observer.verified(offer.method, verdict, in: ContinuousClock.now - start) }
    return verdict
  }

  func standing(of payment: VerifiedPayment, scope: GrantScope) async throws(Outage) -> PaymentStanding {
    try await self.ledger.standing(of: payment, scope: scope)
  }

  func count(_ event: MeterEvent) async throws(Outage) -> MeterReading { try await self.ledger.count(event) }

  func take(
    _ serial: Serial, for request: RequestKey?, intent: UseRequest.Intent = .take
  ) async throws(Outage) -> UseOutcome {
    let asked = UseRequest(serial: serial, request: request, lease: self.settings.lease, intent: intent)
    let end = ContinuousClock.now + self.settings.deliveryPatience
    var pause = Duration.milliseconds(2)
    var outcome = try await self.ledger.take(asked)
    // "Spent" about a use whose answer never arrives would make its payer pay twice.
    while case .delivering(let grant) = outcome {
      guard intent == .take, ContinuousClock.now < end else {
        throw Outage(
          .inFlight, "the last use is on its way out", retryAfterSeconds: 1, payment: grant.payment)
      }
      try? await self.sleeper.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(100))
      outcome = try await self.ledger.take(asked)
    }
    if case .taken = outcome { self.crashPoints.reach(.delivering) }
    return outcome
  }

  func report(_ use: TakenUse, _ delivery: UseDelivery) {
    self.crashPoints.reach(.answered)
    // Where the queue is full the row stays `delivering` and is found when its lease ends: never lost silently.
    self.reported.yield((use, delivery))
  }

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
    // What the leader was told of his own presentation says nothing of a follower's: he may bear the payment or not, be on
    // another route, or call it by another name.
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

  /// The first who brings a payment has it worked on, if the counterpart may be asked; the others wait with it.
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

  private func redeem(_ order: Order, _ outcome: JobOutcome) async {
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
        // What became of another payment that some of the same money is in does not say what becomes of this one.
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
