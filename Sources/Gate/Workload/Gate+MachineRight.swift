/// What a grant of a machine's route is worth: the office has the last word, and not the grant's own end.
extension Gate {
  /// What is left of a grant's right to a machine.
  enum MachineRight {
    case running(Lease)
    /// Time or credit is left, and no machine runs: an order would make one.
    case idle
    case over
    case revoked
  }

  /// Changes nothing.
  func right(of serial: Serial) async throws(Outage) -> MachineRight {
    guard let office = self.office else { throw Outage(.outage, "no machines are made here") }
    let outcome = try await self.cashier.take(serial, for: nil, intent: .look)
    let lease = try await office.lease(of: serial)
    switch outcome {
    case .revoked: return .revoked
    case .missing: return .over
    case .time, .expired, .taken, .repeated, .available, .delivering, .exhausted: break
    }
    let now = self.clock.now()
    if let lease, lease.state.isRunning, lease.hasTime(at: now) { return .running(lease) }
    if case .time = outcome { return .idle }
    return Self.keepsTime(lease, at: now) ? .idle : .over
  }

  /// Whether the time of a grant on a machine's route is kept past its end.
  func keepsTime(_ serial: Serial, on route: Route) async throws(Outage) -> Bool {
    guard route.provision != nil, let office = self.office else { return false }
    return Self.keepsTime(try await office.lease(of: serial), at: self.clock.now())
  }

  /// A grant as its bearer has it: where no machine runs on it, its time waits for one.
  func waiting(_ grant: GrantRecord) async throws(Outage) -> GrantRecord {
    guard let office = self.office, grant.unused == nil,
      self.policy.current.routes.routes.contains(where: { $0.id == grant.scope.route && $0.provision != nil }
      ),
      let kept = try await office.timeKept(of: grant.serial)
    else { return grant }
    var grant = grant
    grant.unused = kept
    return grant
  }

  /// What was bought begins with its machine, and what one left is the next one's.
  private static func keepsTime(_ newest: Lease?, at now: Timestamp) -> Bool {
    newest?.hasTime(at: now) ?? true
  }
}
