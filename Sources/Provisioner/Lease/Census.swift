internal import Gate

/// What this process knows without asking: how many machines live, and whether the backend answers.
struct Census: Sendable {
  /// Nil until it was examined.
  private(set) var report: BackendReport?
  /// Why the backend did not answer when it was asked last.
  private(set) var silence: String?
  /// Paid ends of live machines.
  private var ends: [WorkloadID: Timestamp] = [:]

  var live: Int { self.ends.count }

  /// Whether it says anything new.
  mutating func examined(_ report: BackendReport) -> Bool {
    defer { self.report = report }
    return self.report != report
  }

  mutating func heard(_ fault: BackendFault?) {
    switch fault {
    case .unavailable(let reason): self.silence = reason
    // It refused one thing; it works.
    case .refused, nil: self.silence = nil
    }
  }

  mutating func note(_ lease: Lease) { self.ends[lease.id] = lease.state.isLive ? lease.end : nil }

  mutating func replace(live: [Lease]) {
    self.ends = Dictionary(live.map { ($0.id, $0.end) }) { first, _ in first }
  }

  var condition: OfficeCondition {
    var condition = OfficeCondition(live: self.live, fault: self.fault)
    if case .reduced(let sentences) = self.report?.fitness { condition.reducedIsolation = sentences }
    return condition
  }

  /// Why no machine can be made, whatever its kind and however few there are.
  private var fault: String? {
    switch self.report?.fitness {
    case nil: "the backend was not examined yet"
    case .unfit(let reason): reason
    case .full, .reduced: self.silence
    }
  }

  /// What stands against one more machine; nil: ask the backend.
  func obstacle(maximum: Int, at now: Timestamp) -> Vacancy? {
    // The examination is under way, and short.
    if let fault = self.fault { return .unavailable(fault, retryAfterSeconds: self.report == nil ? 1 : 30) }
    guard self.live >= maximum else { return nil }
    let wait = self.ends.values.min().map { ($0 - now).components.seconds + 1 } ?? 60
    return .full(retryAfterSeconds: Int(min(max(1, wait), 3600)))
  }
}
