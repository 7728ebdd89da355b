internal import Gate
package import Outbound

/// Pays what a mint holds above a threshold to a Lightning address, now and then.
package struct Payout: Sendable {
  package struct Settings: Sendable {
    /// Begins when a mint holds more than this, in the unit.
    package var above: UInt64
    /// What stays there.
    package var keep: UInt64
    package var to: LightningAddress
    /// Of what is paid, that Lightning may cost; at least 10 units are allowed.
    package var maxFeePercent: UInt64
    package var interval: Duration

    package init(
      above: UInt64, keep: UInt64, to: LightningAddress, maxFeePercent: UInt64,
      interval: Duration = .seconds(60)
    ) {
      self.above = above
      self.keep = keep
      self.to = to
      self.maxFeePercent = maxFeePercent
      self.interval = interval
    }
  }

  /// Something for the log; no secret.
  package enum Event: Sendable {
    case paid(Treasury.Paid)
    case addressFailed(mint: String, LightningAddressFault)
    case failed(mint: String, TreasuryFault)
  }

  /// How far one mint's payouts are.
  struct Course: Sendable, Equatable {
    /// The one before has no known end; there is no other before it has.
    var unfinished: PaymentID?
    var failures = 0
    var nextTry: Timestamp?

    /// After the first failure a minute, then twice as long each time, up to an hour.
    mutating func failed(at now: Timestamp) {
      self.failures += 1
      self.nextTry = now + min(.seconds(60) * (1 << min(self.failures - 1, 6)), .seconds(3600))
    }

    mutating func succeeded() { self = Course() }
  }

  private let treasury: Treasury
  private let settings: Settings
  private let transport: any OutboundTransport
  private let sleeper: any Clock<Duration>
  private let report: @Sendable (Event) -> Void

  package init(
    treasury: Treasury, settings: Settings, transport: any OutboundTransport,
    sleeper: any Clock<Duration> = ContinuousClock(), report: @escaping @Sendable (Event) -> Void
  ) {
    self.treasury = treasury
    self.settings = settings
    self.transport = transport
    self.sleeper = sleeper
    self.report = report
  }

  /// Until cancelled; what became of a payment that this cuts off is found out by recovery.
  package func run() async {
    var courses: [String: Course] = [:]
    while !Task.isCancelled {
      await self.round(&courses)
      try? await self.sleeper.sleep(for: self.settings.interval)
    }
  }

  /// One look at every mint.
  func round(_ courses: inout [String: Course]) async {
    guard let held = try? await self.treasury.held() else { return }
    for (mint, amount, _) in held {
      var course = courses[mint] ?? Course()
      await self.look(at: mint, holding: amount.value, &course)
      courses[mint] = course
    }
  }

  private func look(at mint: String, holding held: UInt64, _ course: inout Course) async {
    let now = self.treasury.desk.clock.now()
    if let next = course.nextTry, now < next { return }
    if let id = course.unfinished {
      guard await self.isOver(id) else { return course.failed(at: now) }
      course.succeeded()
    }
    guard held > self.settings.above, let amount = Self.amount(of: held, self.settings) else { return }
    do throws(TreasuryFault) {
      let fee = Self.fee(for: amount, self.settings)
      self.report(.paid(try await self.pay(amount, from: mint, maxFee: fee)))
      course.succeeded()
    } catch {
      if case .unfinished(let id, _) = error { course.unfinished = id }
      course.failed(at: now)
      self.report(.failed(mint: mint, error))
    }
  }

  /// What leaves room for the fees that are allowed, and keeps what is to stay; nil when nothing is left.
  static func amount(of held: UInt64, _ settings: Settings) -> UInt64? {
    guard held > settings.keep else { return nil }
    let free = held - settings.keep
    // free = amount + amount · percent / 100, rounded down; at least 10 for the fee.
    let (product, overflow) = free.multipliedReportingOverflow(by: 100)
    let share =
      overflow ? free / (100 + settings.maxFeePercent) * 100 : product / (100 + settings.maxFeePercent)
    let amount = min(share, free > 10 ? free - 10 : 0)
    return amount > 0 ? amount : nil
  }

  static func fee(for amount: UInt64, _ settings: Settings) -> UInt64 {
    let (product, overflow) = amount.multipliedReportingOverflow(by: settings.maxFeePercent)
    return max(10, overflow ? amount / 100 * settings.maxFeePercent : product / 100)
  }

  private func pay(_ amount: UInt64, from mint: String, maxFee: UInt64) async throws(TreasuryFault)
    -> Treasury.Paid
  {
    let unit = self.treasury.unit
    guard unit.name == "sat" || unit.name == "msat" else { throw .unitCannotPay(unit) }
    let (millisatoshis, overflow) = amount.multipliedReportingOverflow(by: unit.name == "sat" ? 1000 : 1)
    guard !overflow else { throw .unitCannotPay(unit) }
    let invoice: Bolt11
    do throws(LightningAddressFault) {
      invoice = try await self.settings.to.invoice(millisatoshis: millisatoshis, by: self.transport)
    } catch {
      self.report(.addressFailed(mint: mint, error))
      throw .outage(Outage(.outage, "\(self.settings.to) gives no invoice"))
    }
    return try await self.treasury.pay(invoice.text, from: mint, maxFee: maxFee)
  }

  /// Finds out what became of a payout, or leaves it to whoever has it.
  private func isOver(_ id: PaymentID) async -> Bool {
    guard let standing = try? await self.treasury.finish(id) else { return false }
    switch standing {
    case .unseen, .transferred, .rejected: return true
    // An operator must look; the rest may be paid meanwhile.
    case .stuck: return true
    case .granted, .otherRoute, .notBearer, .nameTaken, .inFlight, .unknown: return false
    }
  }
}
