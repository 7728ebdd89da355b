internal import Gate

/// What to redeem next at one mint, and when; a pure value.
///
/// A batch that the mint refuses is halved until the payments that it refuses stand alone; those of which it says that
/// they are spent stand alone at once. One that stands alone is tried again, at growing intervals, and given up only if
/// the mint takes others: a mint that refuses everything is out, and owes us no less for it.
struct RedemptionLane: Sendable {
  /// What became of a batch.
  enum Result: Sendable {
    case redeemed
    /// The mint calls proofs of these spent.
    case spent(Set<PaymentID>)
    case refused
    /// The one payment of the batch was written down as lost.
    case lost
    /// Another transfer has one of them, or the book says what became of it; its answer may be lost.
    case notOurs
    /// The mint or the book does not answer.
    case outage(retryAfter: Duration)
  }

  /// After a failed call, doubled up to the longest.
  static let firstPause: Duration = .seconds(5)
  static let longestPause: Duration = .seconds(120)
  /// A payment that the mint refuses alone is tried again after this, doubled up to an hour.
  static let refusedPause: Duration = .seconds(60)
  static let longestRefusedPause: Duration = .seconds(3600)
  /// How often a mint that takes nothing may refuse a payment until it is given up: a day.
  static let mostRefusals = 30

  private struct Refusal: Sendable {
    var count = 0
    var first: Timestamp
    var last: Timestamp

    var due: Timestamp {
      let doublings = min(max(0, self.count - 1), 6)
      return self.last
        + min(RedemptionLane.refusedPause * (1 << doublings), RedemptionLane.longestRefusedPause)
    }
  }

  private let settings: CashuConfiguration.Batching
  private let exposure: UInt64
  private var notBefore: Timestamp?
  private var failures = 0
  /// Tried before others, the last first.
  private var parts: [Set<PaymentID>] = []
  private var refusals: [PaymentID: Refusal] = [:]
  private var redeemedAt: Timestamp?

  init(_ settings: CashuConfiguration.Batching, exposure: UInt64) {
    self.settings = settings
    self.exposure = exposure
  }

  /// Whether a call may be made now.
  func isOpen(at now: Timestamp) -> Bool { self.notBefore.map { $0 <= now } ?? true }

  /// The batch to redeem now; nil when none is due.
  mutating func next(from candidates: [RedemptionCandidate], at now: Timestamp) -> [RedemptionCandidate]? {
    guard self.isOpen(at: now) else { return nil }
    self.forgetOthers(than: candidates)
    while let part = self.parts.last {
      let batch = candidates.filter { part.contains($0.payment) }
      if !batch.isEmpty { return batch }
      self.parts.removeLast()
    }
    // Those who were refused must not take others with them.
    let refused = candidates.filter { self.refusals[$0.payment].map { $0.due <= now } ?? false }
    if let last = refused.first(where: { self.givesUp($0.payment) }) { return [last] }
    if !refused.isEmpty { return self.pack(refused) }
    let fresh = candidates.filter { self.refusals[$0.payment] == nil }
    guard self.isDue(fresh, at: now) else { return nil }
    return self.pack(fresh.sorted(by: RedemptionCandidate.goesBefore))
  }

  /// Half of what a mint may owe us should not wait either.
  private func isDue(_ waiting: [RedemptionCandidate], at now: Timestamp) -> Bool {
    guard let oldest = waiting.map(\.accepted).min() else { return false }
    if now - oldest >= self.settings.maxAge { return true }
    if waiting.reduce(0, { $0 + $1.inputs.count }) >= self.settings.enoughProofs { return true }
    guard let owed = Money.sum(waiting.map(\.value)) else { return true }
    return owed >= self.exposure / 2
  }

  private func pack(_ sorted: [RedemptionCandidate]) -> [RedemptionCandidate] {
    let most = min(self.settings.mostProofs, SwapPlan.mostInputs)
    var batch: [RedemptionCandidate] = []
    var count = 0
    for candidate in sorted {
      guard batch.isEmpty || count + candidate.inputs.count <= most else { continue }
      batch.append(candidate)
      count += candidate.inputs.count
    }
    return batch
  }

  /// Whether a payment that the mint refuses alone is given up with this refusal.
  func givesUp(_ payment: PaymentID) -> Bool {
    guard let refusal = self.refusals[payment] else { return false }
    // The others of its batch may have been taken a moment before.
    let tookOthers = self.redeemedAt.map { $0 + Self.refusedPause >= refusal.first } ?? false
    return tookOthers || refusal.count >= Self.mostRefusals
  }

  mutating func handle(_ result: Result, of batch: [RedemptionCandidate], at now: Timestamp) {
    let payments = Set(batch.map(\.payment))
    let isPart = self.parts.last.map { !$0.isDisjoint(with: payments) } ?? false
    if isPart { self.parts.removeLast() }
    switch result {
    case .redeemed, .lost:
      self.failures = 0
      if case .redeemed = result { self.redeemedAt = now }
      for payment in payments { self.refusals[payment] = nil }
    case .spent(let culprits):
      let rest = payments.subtracting(culprits)
      if !rest.isEmpty { self.parts.append(rest) }
      self.parts += culprits.intersection(payments).map { [$0] }
    case .refused: self.refuse(batch.map(\.payment), at: now)
    case .notOurs: return
    case .outage(let retryAfter):
      if isPart { self.parts.append(payments) }
      let pause = min(Self.firstPause * (1 << min(self.failures, 10)), Self.longestPause)
      self.failures += 1
      self.notBefore = now + max(pause, retryAfter)
    }
  }

  private mutating func refuse(_ payments: [PaymentID], at now: Timestamp) {
    guard payments.count == 1, let payment = payments.first else {
      let middle = payments.count / 2
      self.parts += [Set(payments[middle...]), Set(payments[..<middle])]
      return
    }
    var refusal = self.refusals[payment] ?? Refusal(first: now, last: now)
    refusal.count += 1
    refusal.last = now
    self.refusals[payment] = refusal
  }

  private mutating func forgetOthers(than candidates: [RedemptionCandidate]) {
    guard !self.refusals.isEmpty else { return }
    let known = Set(candidates.map(\.payment))
    self.refusals = self.refusals.filter { known.contains($0.key) }
  }
}
