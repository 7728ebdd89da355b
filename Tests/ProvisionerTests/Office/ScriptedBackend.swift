import Gate
import Synchronization

@testable import Provisioner

/// A place with machines that outlives the processes which ask for them, and misbehaves on demand.
final class ScriptedSite: Sendable {
  struct Machine: Sendable {
    var port: UInt16
    var hostKey: String
    var serial: Serial?
    var isRunning = false
    var end: Timestamp?
    var password: String?
    var publicKey: String?
    /// How often it was really started: never more than once.
    var starts = 0
  }

  enum Verb: String, CaseIterable, Sendable {
    case prepare, start, look, setEnd, setCredentials, remove, inventory
  }

  enum Mishap: Sendable {
    /// Until it is taken back.
    case fault(BackendFault)
    /// The next such call never arrives, and its caller hears nothing.
    case hangsBefore
    /// The next such call takes effect, and its caller hears nothing.
    case hangsAfter
  }

  struct State: Sendable {
    var machines: [WorkloadID: Machine] = [:]
    var calls: [Verb: Int] = [:]
    var mishaps: [Verb: Mishap] = [:]
    var hung: Set<Verb> = []
    var nextPort: UInt16 = 22000
    /// All that ever ran.
    var everStarted: [WorkloadID] = []
    var mostRunning = 0
    /// Machines that were started while another of the same grant ran: there are never any.
    var doubles: [WorkloadID] = []
    var vacancy = Vacancy.open
    var fitness = BackendReport.Fitness.full
    /// Of kinds that can never be made.
    var lacks: [WorkloadSpecName: String] = [:]
    var isSlowToBoot = false
    var listeners: [AsyncStream<WorkloadEvent>.Continuation] = []
  }

  let state = Mutex(State())

  var running: [WorkloadID: Machine] {
    self.state.withLock { $0.machines.filter { $0.value.isRunning } }
  }

  func machine(_ id: WorkloadID) -> Machine? { self.state.withLock { $0.machines[id] } }

  func calls(_ verb: Verb) -> Int { self.state.withLock { $0.calls[verb, default: 0] } }

  func set(_ mishap: Mishap?, for verbs: Verb...) {
    self.state.withLock { state in
      for verb in verbs { state.mishaps[verb] = mishap }
    }
  }

  func hasHung(_ verb: Verb) -> Bool { self.state.withLock { $0.hung.contains(verb) } }

  /// It dies by itself.
  func kill(_ id: WorkloadID) {
    let listeners = self.state.withLock { state in
      state.machines[id]?.isRunning = false
      return state.listeners
    }
    for listener in listeners { listener.yield(.ended(id, "it was killed")) }
  }

  /// One that no book knows.
  func makeOrphan() -> WorkloadID {
    let id = WorkloadID.random()
    self.state.withLock { $0.machines[id] = Machine(port: 22999, hostKey: "", isRunning: true) }
    return id
  }
}

/// One process's way to a ``ScriptedSite``.
struct ScriptedBackend: WorkloadBackend {
  let name = "scripted"
  let site: ScriptedSite
  let events: AsyncStream<WorkloadEvent>
  let happened: AsyncStream<WorkloadEvent>.Continuation

  init(_ site: ScriptedSite) {
    self.site = site
    (self.events, self.happened) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(64))
    site.state.withLock { $0.listeners.append(self.happened) }
  }

  func examine() async -> BackendReport { BackendReport(self.site.state.withLock { $0.fitness }) }

  func lack(for spec: WorkloadSpec) -> String? { self.site.state.withLock { $0.lacks[spec.name] } }

  func vacancy(for spec: WorkloadSpec) -> Vacancy { self.site.state.withLock { $0.vacancy } }

  func prepare(_ lease: Lease, _ spec: WorkloadSpec, besides taken: Set<UInt16>)
    async throws(BackendFault) -> PreparedWorkload
  {
    try await self.call(.prepare) { state in
      if let machine = state.machines[lease.id], !taken.contains(machine.port) {
        return PreparedWorkload(port: machine.port, hostKey: machine.hostKey)
      }
      while taken.contains(state.nextPort) { state.nextPort += 1 }
      let machine = ScriptedSite.Machine(port: state.nextPort, hostKey: SampleKeys.ed25519)
      state.nextPort += 1
      state.machines[lease.id] = machine
      return PreparedWorkload(port: machine.port, hostKey: machine.hostKey)
    }
  }

  func start(_ lease: Lease, _ spec: WorkloadSpec, credentials: WorkloadCredentials)
    async throws(BackendFault)
    -> String
  {
    try await self.call(.start) { state in
      guard var machine = state.machines[lease.id], lease.port == machine.port else {
        return "never prepared"
      }
      if !machine.isRunning {
        let others = state.machines.values.filter { $0.isRunning && $0.serial == lease.serial }
        if !others.isEmpty { state.doubles.append(lease.id) }
        machine.serial = lease.serial
        machine.isRunning = true
        machine.starts += 1
        state.everStarted.append(lease.id)
      }
      machine.end = lease.end
      machine.password = credentials.password?.text ?? machine.password
      machine.publicKey = credentials.publicKey ?? machine.publicKey
      state.machines[lease.id] = machine
      state.mostRunning = max(state.mostRunning, state.machines.values.count { $0.isRunning })
      return "handle-\(lease.id)"
    }
  }

  func look(_ lease: Lease) async throws(BackendFault) -> Sighting {
    try await self.call(.look) { state in
      guard let machine = state.machines[lease.id] else { return .absent }
      if state.isSlowToBoot { return .starting }
      return machine.isRunning ? .ready : .ended("it was killed")
    }
  }

  func setEnd(_ end: Timestamp, of lease: Lease) async throws(BackendFault) {
    try await self.call(.setEnd) { $0.machines[lease.id]?.end = end }
  }

  func setCredentials(_ credentials: WorkloadCredentials, of lease: Lease) async throws(BackendFault) {
    try await self.call(.setCredentials) { state in
      guard var machine = state.machines[lease.id] else { return }
      machine.password = credentials.password?.text ?? machine.password
      machine.publicKey = credentials.publicKey ?? machine.publicKey
      state.machines[lease.id] = machine
    }
  }

  func remove(_ id: WorkloadID, handle: String?) async throws(BackendFault) {
    try await self.call(.remove) { $0.machines[id] = nil }
  }

  func inventory() async throws(BackendFault) -> [WorkloadID] {
    try await self.call(.inventory) { Array($0.machines.keys) }
  }

  func run() async {
    // Its stream ends with it.
    try? await Task.sleep(for: .seconds(3600))
    self.happened.finish()
  }

  private func call<R: Sendable>(
    _ verb: ScriptedSite.Verb, effect: (inout ScriptedSite.State) -> R
  ) async throws(BackendFault) -> R {
    let answer = self.site.state.withLock { state -> Result<R, BackendFault>? in
      state.calls[verb, default: 0] += 1
      switch state.mishaps[verb] {
      case nil: return .success(effect(&state))
      case .fault(let fault): return .failure(fault)
      case .hangsBefore, .hangsAfter:
        if case .hangsAfter = state.mishaps[verb] { _ = effect(&state) }
        state.mishaps[verb] = nil
        state.hung.insert(verb)
        return nil
      }
    }
    if let answer { return try answer.get() }
    // Until its process is killed.
    try? await Task.sleep(for: .seconds(3600))
    throw .unavailable("no answer")
  }
}
