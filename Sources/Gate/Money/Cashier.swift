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
  let settings: Settings
  let clock: any TimeSource
  let sleeper: any Clock<Duration>
  let crashPoints: CrashPoints

  let waiting = Mutex<[PaymentID: JobOutcome]>([:])
  private let work: AsyncStream<Work>
  let orders: AsyncStream<Work>.Continuation
  let reports: AsyncStream<(TakenUse, UseDelivery)>
  private let reported: AsyncStream<(TakenUse, UseDelivery)>.Continuation
  let observer: any GateObserver

  enum Work: Sendable {
    case redeem(Order, JobOutcome)
  }

  /// One payment, and what is to become of it.
  struct Order: Sendable {
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
}
