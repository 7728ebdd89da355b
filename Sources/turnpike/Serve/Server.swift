internal import ExtAuthz
internal import Gate
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Outbound
internal import PublicAPI
internal import Settings
internal import Store
internal import Telemetry
internal import Transport

/// One running process, wired. Read from top to bottom: keys and store, money, gate, adapters, listeners.
struct Server: Sendable {
  /// How long open requests may take to end when the process is told to stop.
  static let shutdownTime: Duration = .seconds(35)

  private let log: Logger
  private let group: MultiThreadedEventLoopGroup
  private let outbound: OutboundHTTP
  private let methods: PaymentMethods
  private let cashier: Cashier
  private let machines: Machines?
  private let gate: Gate
  private let readiness: Readiness
  private let housekeeping: Housekeeping
  private let listeners: [ListenerName: Listener]

  init(
    _ configuration: ServerConfiguration, environment: [String: String], outbound: OutboundHTTP,
    metrics: ServerMetrics, log: Logger
  ) async throws {
    self.log = log
    let clock = SystemClock()
    let crashPoints = CrashPoints.fromEnvironment(environment)

    // Keys and store
    let keys = try KeysDirectory(path: configuration.keysDirectory).open(locking: configuration.locking)
    let ledger = try configuration.openLedger(clock: clock, crashPoints: crashPoints, log: log)
    try await ledger.check(keys.fingerprints)
    self.housekeeping = Housekeeping(ledger: ledger, log: log)

    // Money
    self.outbound = outbound
    self.methods = try configuration.makePaymentMethods(
      .init(
        keys: keys, ledger: ledger, transport: outbound, clock: clock,
        treasury: TreasuryReporter(metrics: metrics, log: log)))
    let verifiers = self.methods.verifiers
    let revocations = Revocations()
    self.cashier = Cashier(
      ledger: ledger, verifiers: verifiers, revocations: revocations,
      settings: .init(deadline: configuration.deadline), clock: clock,
      observer: MoneyReporter(metrics: metrics, log: log), crashPoints: crashPoints)

    // Machines
    self.machines = try configuration.makeMachines(
      book: ledger, environment: environment, clock: clock,
      observer: MachineReporter(metrics: metrics, log: log))

    let counterparts: @Sendable () -> [CounterpartReport] = {
      [methods = self.methods, machines = self.machines] in
      methods.counterparts + (machines.map { [$0.report] } ?? [])
    }
    metrics.observeCounterparts(counterparts)

    // Gate
    self.gate = Gate(
      policy: try configuration.makePolicy(verifiers), verifiers: verifiers, passKeys: keys.passKeys,
      revocations: revocations, cashier: self.cashier, office: self.machines?.provisioner, clock: clock)
    let desk = GateDesk(
      gate: self.gate, verifiers: verifiers, observer: DecisionReporter(metrics: metrics, log: log))

    // Adapters and listeners
    self.readiness = Readiness(ledger: ledger, counterparts: counterparts)
    let trust = try configuration.proxyTrust()
    let envoy = EnvoyAdapter(desk: desk, settings: configuration.envoySettings(trust))
    let check = GRPCRouter(
      methods: envoy.methods.merging(HealthService.methods(self.readiness.board)) { a, _ in a })
    let services: [(ListenerName, any HTTPService)] = [
      (.proxy, ProxyAdapters(desk: desk, settings: configuration.proxySettings(trust))),
      (.grpc, check),
      (
        .public,
        PublicService(
          settings: configuration.publicSettings(keys), gate: self.gate, verifiers: verifiers,
          invoices: self.methods.cash?.invoices)
      ),
      (.admin, AdminService(readiness: self.readiness, metrics: metrics)),
    ]
    self.group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
    var limits = Limits()
    limits.connections = OpenFiles.connections(
      openFiles: OpenFiles.raise(), listenerCount: services.count)
    var listeners: [ListenerName: Listener] = [:]
    for (name, service) in services {
      guard let listener = configuration.listeners[name] else { continue }
      listeners[name] = try Listener(
        address: listener.transportAddress, tls: listener.transportTLS, service: service,
        limits: limits, observer: metrics.connections(of: name.rawValue), group: self.group)
    }
    self.listeners = listeners
  }

  /// Takes the addresses; what fails here fails before anything is served.
  func bind() async throws {
    for name in ListenerName.allCases {
      guard let listener = self.listeners[name] else { continue }
      let address = try await listener.bind()
      self.log.notice("listening", metadata: ["listener": "\(name.rawValue)", "address": "\(address)"])
    }
  }

  /// Serves until told to stop; returns when what was open has ended.
  func run(signals: some AsyncSequence<ServerSignals.Word, Never> & Sendable, reload: Reload) async {
    async let money: Void = self.cashier.run()
    await withTaskGroup { background in
      background.addTask { await self.methods.run(for: self.gate) }
      background.addTask { await self.machines?.run() }
      background.addTask { await self.readiness.run() }
      background.addTask {
        await CounterpartWatch(log: self.log) { self.methods.counterparts }.run()
      }
      background.addTask { await self.housekeeping.run() }
      background.addTask { await self.obey(signals, reload) }
      background.addTask {
        await self.cashier.readRevocations()
        await self.machines?.examined()
        self.readiness.begin()
      }
      await withTaskGroup { listening in
        for (name, listener) in self.listeners { listening.addTask { await self.listen(name, listener) } }
      }
      background.cancelAll()
    }
    // Nobody asks any more: what is being settled ends, and so does the process.
    self.cashier.stop()
    await money
    await self.outbound.shutdown()
    try? await self.group.shutdownGracefully()
    self.log.notice("stopped")
  }

  private func listen(_ name: ListenerName, _ listener: Listener) async {
    do throws(TransportError) {
      try await listener.run()
    } catch {
      self.log.critical("a listener failed", metadata: ["listener": "\(name.rawValue)", "error": "\(error)"])
      self.drain()
    }
  }

  private func obey(
    _ signals: some AsyncSequence<ServerSignals.Word, Never> & Sendable, _ reload: Reload
  ) async {
    var isStopping = false
    for await word in signals {
      switch word {
      case .stop where isStopping: ServerSignals.exitAtOnce()
      case .stop:
        isStopping = true
        self.log.notice("stopping")
        self.drain()
      case .reload: self.reload(reload)
      }
    }
  }

  private func drain() {
    self.readiness.drain()
    for listener in self.listeners.values { listener.beginShutdown(within: Self.shutdownTime) }
  }

  private func reload(_ reload: Reload) {
    guard let new = reload.next(log: self.log) else { return }
    do throws(RouteTable.DuplicateID) {
      self.gate.reload(try new.makePolicy(self.methods.verifiers))
      self.log.notice("reloaded", metadata: ["routes": "\(new.routes.count)"])
    } catch {
      self.log.error("two routes have one id", metadata: ["route": "\(error.id)"])
    }
  }
}
