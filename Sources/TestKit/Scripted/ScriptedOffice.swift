public import Gate
internal import Synchronization

/// Machines that are only written down: made at once, with a port and a key, and failing on demand.
///
/// Its terms are its ledger's: a machine ends when its grant does.
public final class ScriptedOffice: WorkloadOffice {
  private struct State {
    var leases: [Lease] = []
    var vacancy = Vacancy.open
    var outage: Outage?
    var condition = OfficeCondition()
    var presented: [WorkloadOrder] = []
    var changed: [Serial] = []
    var passwords: [WorkloadID: [String]] = [:]
    var refusesPasswords = false
    var timeKept: Duration?
  }

  public static let images = ["debian", "alpine"]

  private let state = Mutex(State())
  private let ledger: any Ledger
  private let clock: any TimeSource
  private let kinds: Set<WorkloadSpecName>

  /// - Parameter kinds: the names of what it makes.
  public init(ledger: any Ledger, clock: any TimeSource, kinds: [String] = ["small", "large"]) {
    self.ledger = ledger
    self.clock = clock
    self.kinds = Set(kinds.map { WorkloadSpecName($0) })
  }

  // MARK: The script

  public func set(_ vacancy: Vacancy) { self.state.withLock { $0.vacancy = vacancy } }
  public func set(_ condition: OfficeCondition) { self.state.withLock { $0.condition = condition } }
  /// Every call that may throw throws it, until it is nil again.
  public func fail(with outage: Outage?) { self.state.withLock { $0.outage = outage } }

  /// The machine breaks; `credit` is left of it.
  public func breakDown(_ id: WorkloadID, credit: Duration) {
    self.replace(id) {
      $0.state = .failed; $0.credit = credit; $0.end = self.clock.now()
    }
  }

  /// It takes no logins yet: its time has not begun.
  public func boot(_ id: WorkloadID) { self.replace(id) { $0.state = .starting } }

  /// Its machines keep the password that they have.
  public func refusePasswords() { self.state.withLock { $0.refusesPasswords = true } }

  /// What the next machine of any grant without one has.
  public func keep(_ time: Duration?) { self.state.withLock { $0.timeKept = time } }

  // MARK: What was asked of it

  public var presented: [WorkloadOrder] { self.state.withLock { $0.presented } }
  public var changed: [Serial] { self.state.withLock { $0.changed } }
  /// All machines it ever made.
  public var made: [Lease] { self.state.withLock { $0.leases } }
  /// All that were set on a machine, oldest first.
  public func passwords(of id: WorkloadID) -> [String] { self.state.withLock { $0.passwords[id] ?? [] } }

  // MARK: The office

  public var condition: OfficeCondition { self.state.withLock { $0.condition } }

  public func vacancy(for spec: WorkloadSpecName) -> Vacancy {
    self.kinds.contains(spec) ? self.state.withLock { $0.vacancy } : .unavailable("no such kind")
  }

  public func check(_ wishes: WorkloadWishes, for spec: WorkloadSpecName) -> WishFault? {
    guard self.kinds.contains(spec) else { return .spec }
    if let username = wishes.username, username == "root" { return .username }
    if let key = wishes.publicKey, !key.hasPrefix("ssh-ed25519 ") { return .publicKey }
    if let image = wishes.image, !Self.images.contains(image) { return .image }
    return nil
  }

  public func present(_ order: WorkloadOrder) async throws(Outage) -> WorkloadStanding {
    try self.open()
    self.state.withLock { $0.presented.append(order) }
    let newest = try await self.lease(of: order.serial)
    var end: Timestamp
    let outcome = try await self.ledger.take(
      UseRequest(serial: order.serial, request: nil, lease: .seconds(1), intent: .look))
    switch outcome {
    case .revoked: return .revoked
    case .time(let grant): end = grant.end ?? self.clock.now()
    default: end = self.clock.now()
    }
    if let newest, newest.state.isLive, newest.hasTime(at: self.clock.now()) {
      return .lease(newest, .again)
    }
    if let credit = newest?.credit, credit > .zero { end = self.clock.now() + credit }
    guard self.clock.now() < end else { return .over }
    return self.state.withLock { state in
      if let index = state.leases.lastIndex(where: { $0.serial == order.serial }) {
        let last = state.leases[index]
        // Another order was faster.
        if last.id != newest?.id, last.state.isLive { return .lease(last, .again) }
        state.leases[index].credit = .zero
        if state.leases[index].state.isLive { state.leases[index].state = .gone }
      }
      let lease = Lease(
        id: .random(), serial: order.serial, payment: Self.payment(in: outcome) ?? PaymentID("?"),
        spec: order.spec, wishes: order.wishes, backend: "scripted", state: .ready, ordered: self.clock.now(),
        end: end, port: UInt16(22_000 + state.leases.count), hostKey: "ssh-ed25519 AAAA")
      state.leases.append(lease)
      return .lease(lease, .first)
    }
  }

  private static func payment(in outcome: UseOutcome) -> PaymentID? {
    if case .time(let grant) = outcome { grant.payment } else { nil }
  }

  public func changed(_ serial: Serial) { self.state.withLock { $0.changed.append(serial) } }

  public func timeKept(of serial: Serial) async throws(Outage) -> Duration? {
    let newest = try await self.lease(of: serial)
    return newest?.state.isRunning == true ? nil : self.state.withLock { $0.timeKept }
  }

  public func lease(_ id: WorkloadID) async throws(Outage) -> Lease? {
    try self.open()
    return try await self.refreshed(self.made.first { $0.id == id })
  }

  public func lease(of serial: Serial) async throws(Outage) -> Lease? {
    try self.open()
    return try await self.refreshed(self.made.last { $0.serial == serial })
  }

  public func lease(boughtBy payment: PaymentID) async throws(Outage) -> Lease? {
    try self.open()
    return try await self.refreshed(self.made.last { $0.payment == payment })
  }

  public func leases(limit: Int) async throws(Outage) -> [Lease] {
    try self.open()
    return Array(self.made.reversed().prefix(limit))
  }

  public func access(
    to id: WorkloadID, setting proposed: ProposedPassword?, until deadline: ContinuousClock.Instant
  ) async throws(Outage) -> WorkloadAccess? {
    guard let lease = try await self.lease(id), lease.state.isLive, let port = lease.port else { return nil }
    let setting = proposed.map { proposed in
      self.state.withLock { state -> WorkloadAccess.PasswordSetting in
        if state.refusesPasswords { return .refused }
        state.passwords[id, default: []].append(proposed.password.text)
        return .set(proposed.password)
      }
    }
    return WorkloadAccess(
      lease: lease, host: "ssh.example", port: port, username: lease.wishes.username ?? "dev",
      knownHosts: "[ssh.example]:\(port) ssh-ed25519 AAAA", fingerprint: "SHA256:abc",
      reducedIsolation: self.condition.reducedIsolation, password: setting ?? .untouched)
  }

  public func setKey(_ key: String, of id: WorkloadID) async throws(Outage) {
    try self.open()
    self.replace(id) { $0.wishes.publicKey = key }
  }

  public func end(_ id: WorkloadID, note: String) async throws(Outage) -> Lease? {
    guard let lease = try await self.lease(id) else { return nil }
    guard lease.state.isLive else { return lease }
    let now = self.clock.now()
    self.replace(id) {
      $0.state = .gone
      $0.credit = lease.end - now
      $0.end = now
      $0.note = note
    }
    return try await self.lease(id)
  }

  private func open() throws(Outage) {
    if let outage = self.state.withLock({ $0.outage }) { throw outage }
  }

  private func replace(_ id: WorkloadID, _ change: (inout Lease) -> Void) {
    self.state.withLock { state in
      guard let index = state.leases.firstIndex(where: { $0.id == id }) else { return }
      change(&state.leases[index])
    }
  }

  /// A live one ends when its grant does.
  private func refreshed(_ lease: Lease?) async throws(Outage) -> Lease? {
    guard var lease, lease.state.isLive else { return lease }
    let outcome = try await self.ledger.take(
      UseRequest(serial: lease.serial, request: nil, lease: .seconds(1), intent: .look))
    if case .time(let grant) = outcome, let end = grant.end, lease.end < end {
      lease.end = end
      self.replace(lease.id) { $0.end = end }
    }
    return lease
  }
}
