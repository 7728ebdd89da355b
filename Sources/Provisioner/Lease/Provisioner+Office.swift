package import Gate
internal import Synchronization

extension Provisioner: WorkloadOffice {
  /// Tries to write down a wish or an end that others change at the same time.
  private static let maxTries = 16

  package var condition: OfficeCondition {
    var condition = self.census.withLock { $0.condition }
    condition.impossible = self.impossible
    if condition.fault == nil, condition.impossible.count == self.specs.count {
      condition.fault = condition.impossible.first?.value
    }
    return condition
  }

  /// What was missing may have been installed meanwhile: it is looked for each time.
  var impossible: [WorkloadSpecName: String] { self.specs.compactMapValues { self.backend.lack(for: $0) } }

  package func vacancy(for name: WorkloadSpecName) -> Vacancy {
    guard let spec = self.specs[name] else { return .unavailable("no machines of kind \(name) are offered") }
    let now = self.clock.now()
    if let obstacle = self.census.withLock({ $0.obstacle(maximum: self.settings.maximum, at: now) }) {
      return obstacle
    }
    return self.backend.vacancy(for: spec)
  }

  package func check(_ wishes: WorkloadWishes, for name: WorkloadSpecName) -> WishFault? {
    guard let spec = self.specs[name] else { return .spec }
    return spec.fault(in: wishes)
  }

  package func present(_ order: WorkloadOrder) async throws(Outage) -> WorkloadStanding {
    guard let spec = self.specs[order.spec] else {
      throw Outage(.outage, "no machines of kind \(order.spec) are offered", retryAfterSeconds: 60)
    }
    var order = order
    order.wishes = spec.canonical(order.wishes)
    let first = try await self.order(order)
    guard case .lease(let lease, _) = first, lease.state == .expiring else { return first }
    // It was ended with time left: the next one has that, as soon as this one is gone.
    let deadline = ContinuousClock.now + self.settings.rhythm.endPatience
    _ = try await self.wait(for: lease.id, until: deadline) { $0.state.isLive ? nil : $0 }
    return try await self.order(order)
  }

  private func order(_ order: WorkloadOrder) async throws(Outage) -> WorkloadStanding {
    switch try await self.book.order(order, as: .random(), in: self.backend.name) {
    case .opened(let lease):
      self.note(lease, after: nil)
      self.look(at: lease.id)
      return .lease(lease, .first)
    case .live(let lease):
      let lease = try await self.wish(order.wishes.publicKey, of: lease)
      self.look(at: lease.id)
      return .lease(lease, .again)
    // A grant that was forgotten was over.
    case .over, .missing: return .over
    case .revoked: return .revoked
    case .otherRoute: return .otherRoute
    }
  }

  /// A live machine may get another key; its name and image stay what they are.
  private func wish(_ key: String?, of lease: Lease) async throws(Outage) -> Lease {
    guard let key else { return lease }
    return try await self.change(lease) { lease in
      guard lease.state.isLive, lease.wishes.publicKey != key else { return nil }
      var wishes = lease.wishes
      wishes.publicKey = key
      return .wished(wishes)
    } whenDone: { lease in
      self.drawer.withLock { $0.putKey(key, for: lease.id) }
    }
  }

  package func setKey(_ key: String, of id: WorkloadID) async throws(Outage) {
    guard let lease = try await self.book.lease(id), let spec = self.specs[lease.spec] else { return }
    _ = try await self.wish(spec.canonical(WorkloadWishes(publicKey: key)).publicKey, of: lease)
    self.look(at: id)
  }

  package func changed(_ serial: Serial) { self.lookUp(serial) }

  package func timeKept(of serial: Serial) async throws(Outage) -> Duration? {
    try await self.book.timeKept(of: serial)
  }

  package func lease(_ id: WorkloadID) async throws(Outage) -> Lease? { try await self.book.lease(id) }

  package func lease(of serial: Serial) async throws(Outage) -> Lease? {
    try await self.book.lease(of: serial)
  }

  package func lease(boughtBy payment: PaymentID) async throws(Outage) -> Lease? {
    try await self.book.lease(boughtBy: payment)
  }

  package func leases(limit: Int) async throws(Outage) -> [Lease] { try await self.book.leases(limit: limit) }

  // MARK: Ending

  package func end(_ id: WorkloadID, note: String) async throws(Outage) -> Lease? {
    guard let lease = try await self.book.lease(id) else { return nil }
    _ = try await self.change(lease) { lease in
      lease.state.isLive && lease.state != .expiring ? .expiring(.credited, note: note) : nil
    }
    self.look(at: id)
    let deadline = ContinuousClock.now + self.settings.rhythm.endPatience
    let ended = try await self.wait(for: id, until: deadline) { lease throws(Outage) in
      lease.state.isLive ? nil : lease
    }
    guard let ended else {
      throw Outage(.outage, "machine \(id) is being removed and not gone yet", retryAfterSeconds: 5)
    }
    return ended
  }

  /// Writes down what `change` says of the row as it is, which is asked anew whenever another was faster.
  private func change(
    _ lease: Lease, by change: (Lease) -> LeaseChange?, whenDone: (Lease) -> Void = { _ in }
  ) async throws(Outage) -> Lease {
    var lease = lease
    for _ in 0..<Self.maxTries {
      guard let wanted = change(lease) else { return lease }
      if let changed = try await self.book.change(lease, by: wanted) {
        whenDone(changed)
        self.note(changed, after: lease)
        return changed
      }
      guard let found = try await self.book.lease(lease.id) else { return lease }
      lease = found
    }
    throw Outage(.inFlight, "machine \(lease.id) is changed by many at once", retryAfterSeconds: 1)
  }

  /// The first answer that `judge` gives of the row, now or when it changes; nil at the deadline or without a row.
  func wait<Answer>(
    for id: WorkloadID, until deadline: ContinuousClock.Instant,
    judge: (Lease) async throws(Outage) -> Answer?
  ) async throws(Outage) -> Answer? {
    while true {
      let ear = self.signals.listen(to: id)
      defer { self.signals.leave(ear) }
      guard let lease = try await self.book.lease(id) else { return nil }
      if let answer = try await judge(lease) { return answer }
      let left = deadline - .now
      guard left > .zero, !Task.isCancelled else { return nil }
      await ear.bell.wait(for: min(left, self.settings.rhythm.reread), sleeper: self.sleeper)
    }
  }
}
