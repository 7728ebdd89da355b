internal import Gate
internal import Store
internal import Synchronization
internal import Transport

/// What the process can do now, for `/readyz` and gRPC health (design §6).
///
/// *Can decide* is one thing: configured, listening, not draining. A payment method or the store that is out costs 503
/// only to those who offer a payment or a counted pass, and so do machines to those who want one: each is a service of
/// its own and takes nothing from it.
final class Readiness: Sendable {
  /// The names in `grpc.health.v1` and in `/readyz?verbose`.
  enum Part: String, CaseIterable {
    case decide = "envoy.service.auth.v3.Authorization"
    case payments = "turnpike.payments"
    case store = "turnpike.store"
    /// Where machines are sold.
    case machines = "turnpike.machines"
  }

  /// How often payments and store are looked at.
  static let interval: Duration = .seconds(1)
  /// A store that has not answered for so long is out. Longer than it waits for another process's write.
  static let storePatience: Duration = .seconds(6)

  private enum Phase { case starting, serving, draining }

  private struct State {
    var phase = Phase.starting
    var hasPayments = false
    var storeAnswered: ContinuousClock.Instant
  }

  let board: HealthBoard
  let ledger: TransactionalLedger
  /// What this process has, in the order in which it is told.
  let parts: [Part]
  private let reports: @Sendable () -> [CounterpartReport]
  private let state: Mutex<State>

  /// The ledger has been opened and has answered.
  ///
  /// - Parameter counterparts: each mint and facilitator of the configuration, and where machines run; always the same.
  init(ledger: TransactionalLedger, counterparts: @escaping @Sendable () -> [CounterpartReport]) {
    self.ledger = ledger
    self.reports = counterparts
    self.state = Mutex(State(storeAnswered: .now))
    let hasMachines = counterparts().contains { $0.kind == .machines }
    self.parts = Part.allCases.filter { $0 != .machines || hasMachines }
    var services = [Self.server: false]
    for part in self.parts { services[part.rawValue] = false }
    self.board = HealthBoard(services)
  }

  /// The server as a whole, as gRPC names it.
  private static let server = ""

  /// The listeners are up, passes can be judged, and what machines need was tried out.
  func begin() {
    self.state.withLock { if $0.phase == .starting { $0.phase = .serving } }
    self.publish()
  }

  /// No new work: proxies should ask another replica.
  func drain() {
    self.state.withLock { $0.phase = .draining }
    self.publish()
    // An open watch would hold the stop until its deadline.
    self.board.endWatches()
  }

  /// Looks at payments and store until cancelled.
  func run(sleeper: any Clock<Duration> = ContinuousClock()) async {
    await withDiscardingTaskGroup { group in
      // Apart from each other: a store that hangs must not stop the one who says so.
      group.addTask {
        while !Task.isCancelled {
          if (try? await self.ledger.payments(limit: 1)) != nil {
            self.state.withLock { $0.storeAnswered = .now }
          }
          try? await sleeper.sleep(for: Self.interval)
        }
      }
      group.addTask {
        while !Task.isCancelled {
          self.publish()
          try? await sleeper.sleep(for: Self.interval)
        }
      }
    }
  }

  func isServing(_ part: Part) -> Bool { self.board.isServing(part.rawValue) ?? false }

  /// As they are now.
  var counterparts: [CounterpartReport] { self.reports() }

  private func publish() {
    let reports = self.reports()
    let methods = reports.filter { $0.kind != .machines }
    let state = self.state.withLock { state in
      // Without a method nobody misses payments.
      state.hasPayments = methods.isEmpty || methods.contains { $0.state == .ready }
      return state
    }
    let isServing = state.phase == .serving
    self.set(Self.server, isServing)
    self.set(Part.decide.rawValue, isServing)
    self.set(Part.payments.rawValue, isServing && state.hasPayments)
    self.set(Part.store.rawValue, isServing && ContinuousClock.now - state.storeAnswered < Self.storePatience)
    if let machines = reports.first(where: { $0.kind == .machines }) {
      self.set(Part.machines.rawValue, isServing && machines.makesSome)
    }
  }

  /// Only what changed: each call wakes those who watch.
  private func set(_ service: String, _ isServing: Bool) {
    if self.board.isServing(service) != isServing { self.board.set(service, serving: isServing) }
  }
}

extension CounterpartReport {
  /// Kinds that cannot be made take nothing from the others.
  fileprivate var makesSome: Bool {
    switch self.state {
    case .ready, .lacks: true
    case .notHeard, .unfit: false
    }
  }
}
