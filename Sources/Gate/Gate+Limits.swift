/// What a client may have before it pays: free requests, and demands to pay. Counted in the ledger, so exact over replicas.
extension Gate {
  /// 9 decide, for a request that brought no payment: free while its quota lasts.
  func unpaid(_ pending: PendingRequest, _ demand: Demand) async throws(Outage) -> Decision {
    guard let quota = pending.route.freeQuota, let client = pending.request.client else {
      return .paymentRequired(demand)
    }
    // NGINX asks twice for one page after `index` or `try_files`.
    if pending.request.id != nil,
      case .allowed = self.memo.recall(pending.memoKey, at: self.clock.now())
    {
      return .allow(Allowance(basis: .quota))
    }
    let event = MeterEvent(
      meter: "free \(pending.route.id) \(client)", window: quota.per, limit: quota.requests)
    // Without an answer nobody is asked to pay for what may be free.
    switch try await self.cashier.count(event) {
    case .counted: return .allow(Allowance(basis: .quota))
    case .full: return .paymentRequired(demand)
    }
  }

  /// A demand to pay, unless this client has had too many of them.
  ///
  /// The limit shields us, it sells nothing: where it cannot be counted the demand is made.
  func limited(_ decision: Decision, _ limit: RequestLimit?, _ request: AccessRequest) async -> Decision {
    guard let limit, case .paymentRequired = decision else { return decision }
    let client = request.client.map { "\($0)" } ?? request.adapter.rawValue
    let event = MeterEvent(meter: "unpaid \(client)", window: limit.per, limit: limit.requests)
    guard case .full(let end)? = try? await self.cashier.count(event) else { return decision }
    let wait = end - self.clock.now()
    return .deny(.tooManyRequests(retryAfterSeconds: Int(max(1, (wait.inMilliseconds + 999) / 1000))))
  }
}

/// The same for our own API.
extension Gate {
  /// Counts one event of a client; the seconds it must wait where it has had too many, else nil.
  ///
  /// Who has no address is counted with all others that have none.
  public func wait(for word: String, of client: ClientAddress?, _ limit: RequestLimit) async throws(Outage)
    -> Int?
  {
    let name = client.map { "\($0)" } ?? "unknown"
    let event = MeterEvent(meter: "\(word) \(name)", window: limit.per, limit: limit.requests)
    guard case .full(let end) = try await self.cashier.count(event) else { return nil }
    return Int(max(1, ((end - self.clock.now()).inMilliseconds + 999) / 1000))
  }
}
