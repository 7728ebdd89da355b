internal import Gate
internal import Store
internal import Synchronization
internal import Telemetry
internal import Transport

/// The metrics of this process; each is made here, by its name.
final class ServerMetrics: Sendable {
  let registry: MetricsRegistry
  let decisions: DecisionCounters
  let verify: Family<Histogram>
  let settle: Family<Histogram>
  let settlements: Family<Counter>
  let transfers: Family<Counter>
  let outages: Family<Counter>
  let machineChanges: Family<Counter>
  let machineStarts: Family<Histogram>

  /// What the ledger said last.
  private struct Figures {
    var payments: [PaymentState: UInt64] = [:]
    var exposure: [Exposure] = []
    var balances: [TreasuryBalance] = []
    var redelivered: UInt64 = 0
    var stuckUses: UInt64 = 0
    var read: ContinuousClock.Instant?
  }

  /// A store with millions of rows is not counted for every scraper.
  private static let figuresLast: Duration = .seconds(2)
  /// Lost uses are rare; many more than this are as bad as this many.
  private static let maxLostUses = 10_000

  private let figures = Mutex(Figures())
  private let machines = Mutex<[Lease.State: Int]>([:])
  private let connections = Mutex<[String: TransportCounters]>([:])

  init() {
    let registry = MetricsRegistry()
    self.registry = registry
    self.decisions = DecisionCounters(
      adapters: AccessRequest.Adapter.allCases.map(\.rawValue), outcomes: DecisionOutcome.all, in: registry)
    self.verify = registry.histogram(
      "turnpike_verify_seconds", help: "Time to judge an offer, where a mint may be asked.",
      labels: ["method"])
    self.settle = registry.histogram(
      "turnpike_settle_seconds", help: "Time to redeem a payment.", labels: ["method"])
    self.settlements = registry.counter(
      "turnpike_settlements_total", help: "Settlements and recoveries by what became of them.",
      labels: ["method", "work", "outcome"])
    self.transfers = registry.counter(
      "turnpike_transfers_total", help: "Movements of redeemed money by what became of them.",
      labels: ["kind", "mint", "outcome"])
    self.outages = registry.counter(
      "turnpike_background_failures_total", help: "Work nobody waits for that found store or mint out.",
      labels: ["work"])
    self.machineChanges = registry.counter(
      "turnpike_workload_changes_total", help: "Machines by the state they came into.", labels: ["state"])
    self.machineStarts = registry.histogram(
      "turnpike_workload_start_seconds", help: "From the order of a machine until it takes logins.",
      labels: [])
    registry.gauge("turnpike_build_info", help: "Always 1.", labels: ["version"]).with(Version.text).set(1)
    self.observeLedger()
    self.observeMachines()
    self.observeListeners()
  }

  /// The live machines of this process' backend.
  func count(machines states: [Lease.State: Int]) { self.machines.withLock { $0 = states } }

  private func observeMachines() {
    self.registry.observe(
      "turnpike_workloads", help: "Machines that are not gone, by state.", kind: .gauge, labels: ["state"]
    ) { [weak self] in
      guard let self else { return [] }
      let states = self.machines.withLock { $0 }
      return Lease.State.allCases.filter(\.isLive).map { .init([$0.rawValue], Double(states[$0] ?? 0)) }
    }
  }

  /// What happens on a listener; one observer a listener, made by its first call.
  func connections(of listener: String) -> any TransportObserver {
    self.connections.withLock { connections in
      if let counters = connections[listener] { return counters }
      let counters = TransportCounters()
      connections[listener] = counters
      return counters
    }
  }

  /// Brings what only the ledger knows up to date; without an answer the last figures stay.
  func refresh(from ledger: TransactionalLedger) async {
    let read = self.figures.withLock { $0.read }
    if let read, ContinuousClock.now - read < Self.figuresLast { return }
    do throws(Outage) {
      var figures = Figures()
      figures.payments = try await ledger.countByState()
      figures.exposure = try await ledger.exposure()
      figures.balances = try await ledger.balances()
      figures.redelivered = UInt64(try await ledger.lostUses(.redelivered, limit: Self.maxLostUses).count)
      figures.stuckUses = UInt64(try await ledger.lostUses(.stuck, limit: Self.maxLostUses).count)
      figures.read = .now
      self.figures.withLock { old in
        // A counter does not go back when old rows are forgotten.
        figures.redelivered = max(figures.redelivered, old.redelivered)
        old = figures
      }
    } catch {
      // The store's own health says so.
    }
  }

  /// Whether each mint and facilitator, and where machines run, was heard and can do what is promised.
  func observeCounterparts(_ read: @escaping @Sendable () -> [CounterpartReport]) {
    self.registry.observe(
      "turnpike_counterpart_ready",
      help: "1 when a mint, a facilitator or the place of machines was heard and can do what is configured.",
      kind: .gauge, labels: ["kind", "name"]
    ) {
      read().map { .init([$0.kind.rawValue, $0.name], $0.state == .ready ? 1 : 0) }
    }
  }

  private func observeLedger() {
    self.observeFigures("turnpike_payments", "Payments by state.", ["state"]) { figures in
      PaymentState.allCases.map { .init([$0.rawValue], Double(figures.payments[$0] ?? 0)) }
    }
    self.observeFigures("turnpike_exposure", "Paid to us and not settled, in the unit.", ["mint", "unit"]) {
      figures in
      figures.exposure.map { .init([$0.counterpart, $0.amount.unit.name], Double($0.amount.value)) }
    }
    self.observeFigures("turnpike_treasury", "Redeemed and held, in the unit.", ["mint", "keyset", "unit"]) {
      figures in
      figures.balances.map {
        .init([$0.counterpart, $0.series, $0.amount.unit.name], Double($0.amount.value))
      }
    }
    self.observeFigures(
      "turnpike_uses_redelivered_total", "Uses that a crash may have served twice.", [], kind: .counter
    ) { [.init([], Double($0.redelivered))] }
    self.observeFigures("turnpike_uses_stuck", "Uses that were lost twice.", []) {
      [.init([], Double($0.stuckUses))]
    }
  }

  private func observeFigures(
    _ name: String, _ help: String, _ labels: [String], kind: MetricsRegistry.ObservedKind = .gauge,
    read: @escaping @Sendable (Figures) -> [MetricsRegistry.Observation]
  ) {
    self.registry.observe(name, help: help, kind: kind, labels: labels) { [weak self] in
      self.map { read($0.figures.withLock { $0 }) } ?? []
    }
  }

  private func observeListeners() {
    self.observeCounters("turnpike_connections", "Open connections.", ["listener"], kind: .gauge) {
      name, counters in
      let opened = counters.opened
      return [.init([name], Double(max(0, opened - counters.closed)))]
    }
    self.observeCounters("turnpike_connections_total", "Connections ever made.", ["listener"]) {
      name, counters in
      [.init([name], Double(counters.opened))]
    }
    self.observeCounters("turnpike_bytes_total", "Bytes on the wire.", ["listener", "direction"]) {
      name, counters in
      [
        .init([name, "received"], Double(counters.bytesReceived)),
        .init([name, "sent"], Double(counters.bytesSent)),
      ]
    }
    self.observeCounters(
      "turnpike_transport_failures_total", "Connections and streams ended by us.", ["listener", "reason"]
    ) { name, counters in
      TransportFailure.allCases.map { .init([name, "\($0)"], Double(counters.count(of: $0))) }
    }
  }

  private func observeCounters(
    _ name: String, _ help: String, _ labels: [String], kind: MetricsRegistry.ObservedKind = .counter,
    read: @escaping @Sendable (String, TransportCounters) -> [MetricsRegistry.Observation]
  ) {
    self.registry.observe(name, help: help, kind: kind, labels: labels) { [weak self] in
      guard let self else { return [] }
      return self.connections.withLock { $0 }.sorted { $0.key < $1.key }.flatMap { read($0.key, $0.value) }
    }
  }
}
