import Gate
import JSON
import KubernetesDouble
import Synchronization
import Testing

@testable import Kubernetes
@testable import Provisioner

/// The whole life of machines in one namespace, written once for every cluster. Turnpike works there with the
/// rights of `rbac.yaml`; what it says is compared with what the operator reads.
struct MachineTrial: Sendable {
  let ground: TrialGround
  let namespace: String
  let configuration: KubernetesConfiguration
  let client: KubernetesClient
  let ports = TestPorts.next()
  let spec: WorkloadSpec
  var cluster: TrialCluster { self.ground.cluster }

  /// With our image where `restricted` is enforced; without one, with linuxserver's where `baseline` is.
  init(on ground: TrialGround) async throws {
    self.ground = ground
    let recipe: PodRecipe = ground.cluster.image == nil ? .linuxserver : .own
    self.namespace = recipe == .own ? ground.restricted : ground.baseline
    self.configuration = KubernetesConfiguration(
      namespace: self.namespace, image: ground.cluster.image ?? "docker.io/linuxserver/openssh-server:latest",
      recipe: recipe, hostKeySecret: HostKeySecret([UInt8](repeating: 7, count: 32)))
    self.client = try KubernetesClient(try await ground.turnpikeAccess(to: self.namespace))
    self.spec = WorkloadSpec(name: WorkloadSpecName("trial"))
  }

  /// One process of Turnpike, as far as machines are concerned.
  struct Instance: Sendable {
    let backend: KubernetesBackend
    let gateway: PortGateway
    let told = Told()

    final class Told: Sendable { let events = Mutex<Set<WorkloadEvent>>([]) }

    func hear() async {
      for await event in self.backend.events { _ = self.told.events.withLock { $0.insert(event) } }
    }
  }

  private func instance() -> Instance {
    let gateway = PortGateway(address: "127.0.0.1", ports: self.ports, clock: self.cluster.clock)
    let backend = KubernetesBackend(
      self.configuration, client: self.client, gateway: gateway, clock: self.cluster.clock,
      sleeper: self.cluster.sleeper)
    return Instance(backend: backend, gateway: gateway)
  }

  private func working<Result: Sendable>(_ body: (Instance) async throws -> Result) async throws -> Result {
    let instance = self.instance()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await instance.backend.run() }
      group.addTask { await instance.hear() }
      let isOpen = try await self.cluster.eventually(within: .seconds(20)) {
        instance.backend.vacancy(for: self.spec) == .open
      }
      guard isOpen else {
        throw ClusterTrouble("the watches did not open: \(instance.backend.vacancy(for: self.spec))")
      }
      let result = try await body(instance)
      group.cancelAll()
      return result
    }
  }

  // MARK: A life

  func run() async throws {
    try await self.examine()
    var machines = try await self.working { first in
      let machines = try await self.begin(on: first)
      try await self.checkDeadlines(of: machines, on: first)
      try await self.checkCredentials(of: machines[0], on: first)
      // As when its process ends: the ports are free again.
      for machine in machines { await first.gateway.release(machine.id) }
      return machines
    }
    let foreign = try await self.makeForeign()
    try await self.working { second in
      try await self.checkReattachment(of: machines[0], on: second)
      machines.append(try await self.checkOrphan(on: second))
      try await self.checkRemoval(of: machines, on: second)
    }
    #expect(
      try await self.ground.read(Job.kind, foreign, in: self.namespace) != nil, "another's Job was removed")
  }

  private func examine() async throws {
    // Rights and quotas reach the API server's own copies a moment after they are made.
    var fitness = BackendReport.Fitness.unfit("")
    let backend = self.instance().backend
    let isFit = try await self.cluster.eventually(within: .seconds(30)) {
      fitness = await backend.examine().fitness
      if case .unfit = fitness { return false }
      return true
    }
    guard isFit else { throw ClusterTrouble("the cluster is not fit: \(fitness)") }
    try await self.ground.judge(podOf: try self.job(of: self.lease()).json, in: self.namespace)
    if case .reduced(let sentences) = fitness {
      #expect(!sentences.contains { $0.contains("NetworkPolicy") }, "there is one")
    }
  }

  /// Two machines, ready, and told so.
  private func begin(on instance: Instance) async throws -> [Lease] {
    let backend = instance.backend
    var machines: [Lease] = []
    for _ in 0..<2 {
      var lease = self.lease()
      lease.port = try await backend.prepare(lease, self.spec).port
      #expect(try await backend.look(lease) == .absent)
      let credentials = WorkloadCredentials(
        password: WorkloadPassword("sesame"), publicKey: "ssh-ed25519 AAAA")
      lease.handle = try await backend.start(lease, self.spec, credentials: credentials)
      let again = try await backend.start(lease, self.spec, credentials: credentials)
      #expect(again == lease.handle, "started again, it was another")
      #expect([.starting, .ready].contains(try await backend.look(lease)))
      machines.append(lease)
    }
    self.cluster.boot()
    for machine in machines { try await self.awaitReady(machine, on: backend) }
    #expect(Set(try await backend.inventory()) == Set(machines.map(\.id)))
    #expect(
      try await self.cluster.eventually(within: .seconds(10)) {
        instance.told.events.withLock { $0 } == Set(machines.map { .ready($0.id) })
      }, "the watches said otherwise")
    try await self.checkReach(of: machines[0], on: instance)
    return machines
  }

  func lease() -> Lease {
    let now = self.cluster.clock.now()
    return Lease(
      id: .random(), serial: Serial(1), payment: PaymentID("trial"), spec: self.spec.name,
      wishes: WorkloadWishes(), backend: "kubernetes", ordered: now, end: now + .seconds(1800))
  }

  private func awaitReady(_ machine: Lease, on backend: KubernetesBackend) async throws {
    var failedPulls = 0
    let isReady = try await self.cluster.eventually(within: self.cluster.patience) {
      switch try await backend.look(machine) {
      case .ready: return true
      case .starting: break
      case let other: throw ClusterTrouble("the machine is \(other), not ready")
      }
      if let words = try await self.pullFailure(of: machine) {
        failedPulls += 1
        // A node tries again; what fails for half a minute is not there.
        guard failedPulls < 60 else {
          throw ClusterTrouble(
            "The cluster cannot pull the image \(self.configuration.image): \(words). Name one that it can "
              + "pull in TURNPIKE_TEST_IMAGE (our own recipe: deploy/ssh-workload).")
        }
      }
      return false
    }
    guard isReady else {
      let state = try await self.state(of: machine)
      throw ClusterTrouble("The machine was not ready in \(self.cluster.patience): \(state)")
    }
  }

  private func pods(of machine: Lease) async throws -> [Pod] {
    try await self.ground.operatorClient.list(Pod.self, in: self.namespace, Marks.of(machine.id)).items
  }

  private func pullFailure(of machine: Lease) async throws -> String? {
    for pod in try await self.pods(of: machine) {
      for case .waiting(let reason, let message) in pod.containers
      where ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"].contains(reason) {
        return "\(reason) \(message)"
      }
    }
    return nil
  }

  /// For who has to find out why: its pods' states, and what was said about them.
  private func state(of machine: Lease) async throws -> String {
    var words: [String] = []
    for pod in try await self.pods(of: machine) {
      words.append("pod \(pod.metadata.name) is \(pod.phase.rawValue) \(pod.containers)")
      let about = Selector(fields: ["involvedObject.uid": pod.metadata.uid ?? ""])
      let events = try await self.ground.operatorClient.list(Event.self, in: self.namespace, about, limit: 50)
      words += events.items.filter(\.isWarning).map { "\($0.reason): \($0.message)" }
    }
    return words.isEmpty ? "it has no pod" : words.joined(separator: "; ")
  }

  // MARK: Reaching it

  private func checkReach(of machine: Lease, on instance: Instance) async throws {
    let pod = try #require(JobSighting.current(try await self.pods(of: machine)))
    let said = try await Client.greeting(machine.port ?? 0, within: .seconds(20))
    if said.hasPrefix("SSH-2.0-") { return }
    // Only a real cluster's pods can be out of reach; ours would have answered.
    let place =
      "the pod network (\(pod.address ?? "no address")) cannot be reached from here, so nobody answered "
      + "through the port gateway (it said: \(said.filter { !$0.isNewline }))"
    #expect(self.cluster.mayBeOutOfReach, "\(place)")
    if let words = await self.ground.wordsThroughTheServer(of: pod.metadata.name, in: self.namespace) {
      print("NOTE: \(place); asked through the API server, the machine says \(words).")
    } else {
      print("NOTE: \(place), nor through the API server; its readiness probe says that it takes connections.")
    }
  }

  // MARK: Its end

  /// The first machine's end is moved while its Job's deadline comes near. The second's deadline is raised by
  /// a few seconds only, and ends it: there were controllers that forgot one that had been raised.
  private func checkDeadlines(of machines: [Lease], on instance: Instance) async throws {
    for machine in machines { try await self.setDeadline(of: machine, secondsFromNow: 12) }
    try await self.setDeadline(of: machines[1], secondsFromNow: 20)
    let former = try #require(JobSighting.current(try await self.pods(of: machines[0]))).metadata.uid
    try await self.checkExtension(of: machines[0], to: machines[0].end + .seconds(3600), on: instance.backend)
    try await self.cluster.pass(seconds: 30)
    #expect(
      try await self.cluster.eventually(within: .seconds(50)) {
        try await instance.backend.look(machines[1]) == .ended("its time was over")
      }, "a Job's deadline did not end its machine")
    #expect(
      try await self.cluster.eventually(within: .seconds(10)) {
        instance.told.events.withLock { $0 }.contains(.ended(machines[1].id, "its time was over"))
      }, "nobody was told")
    #expect(
      try await instance.backend.look(machines[0]) == .ready, "a deadline that was moved ended its machine")
    #expect(JobSighting.current(try await self.pods(of: machines[0]))?.metadata.uid == former)
  }

  /// As nobody but a test would.
  private func setDeadline(of machine: Lease, secondsFromNow seconds: Int64) async throws {
    let operatorClient = self.ground.operatorClient
    let job = try await operatorClient.get(Job.self, machine.id.podName, in: self.namespace)
    let elapsed = try await self.serverSeconds() - (try #require(job.started?.secondsSinceEpoch))
    _ = try await operatorClient.patch(
      Job.self, machine.id.podName, in: self.namespace,
      merging: .record(["spec": .record(["activeDeadlineSeconds": .integer(max(1, elapsed + seconds))])]))
  }

  /// Read again, the Job and its pod say the new end.
  private func checkExtension(of machine: Lease, to end: Timestamp, on backend: KubernetesBackend)
    async throws
  {
    try await backend.setEnd(end, of: machine)
    let job = try await self.ground.operatorClient.get(Job.self, machine.id.podName, in: self.namespace)
    let started = try #require(job.started?.secondsSinceEpoch)
    #expect(job.activeDeadlineSeconds == end.seconds - started + Backstop.jobSeconds)
    #expect(job.metadata.annotations[Marks.end] == String(end.milliseconds))
    #expect(job.metadata.annotations["paygress.io/expires-at"] == ClockText.text(end.seconds))
    let pod = try #require(JobSighting.current(try await self.pods(of: machine)))
    #expect(pod.metadata.annotations[Marks.deadline] == String(end.seconds + Backstop.initSeconds))
  }

  /// The server's own clock, as it dates what it is asked to make.
  private func serverSeconds() async throws -> Int64 {
    let probe = JSON.record([
      "apiVersion": .string("v1"), "kind": .string("ConfigMap"),
      "metadata": .record(["name": .string("clock")]),
    ])
    let made = try await self.ground.create(probe, in: self.namespace, dryRun: true)
    let text = made.at("metadata", "creationTimestamp")?.string ?? ""
    return try #require(KubernetesTime(text)).secondsSinceEpoch
  }

  // MARK: The rest

  private func checkCredentials(of machine: Lease, on instance: Instance) async throws {
    func files() async throws -> [String: String] {
      let secret = try await self.ground.read(Secret.kind, machine.id.podName, in: self.namespace)
      return try #require(secret)["data"]?.map ?? [:]
    }
    let before = try await files()
    let owner = try await self.ground.read(Secret.kind, machine.id.podName, in: self.namespace)?
      .at("metadata", "ownerReferences")?.array?.first
    #expect(owner?["uid"]?.string == machine.handle)
    let other = WorkloadCredentials(password: WorkloadPassword("other"))
    if self.configuration.recipe == .own {
      try await instance.backend.setCredentials(other, of: machine)
      let after = try await files()
      #expect(after["shadow"] != before["shadow"])
      #expect(after.filter { $0.key != "shadow" } == before.filter { $0.key != "shadow" })
    } else {
      await #expect(throws: BackendFault.self) {
        try await instance.backend.setCredentials(other, of: machine)
      }
      #expect(try await files() == before)
    }
  }

  /// Another process finds the machine by watching: its port, its end, and where it is.
  private func checkReattachment(of machine: Lease, on instance: Instance) async throws {
    #expect(
      try await self.cluster.eventually(within: .seconds(20)) {
        instance.gateway.port(of: machine.id) == machine.port
      }, "its port was not taken again")
    #expect(try await instance.backend.look(machine) == .ready)
    try await self.checkReach(of: machine, on: instance)
    try await self.checkExtension(of: machine, to: machine.end + .seconds(7200), on: instance.backend)
  }

  /// A Job of ours without a lease is found; its machine never ran.
  private func checkOrphan(on instance: Instance) async throws -> Lease {
    let orphan = self.lease()
    _ = try await self.client.create(try self.job(of: orphan))
    #expect(try await instance.backend.inventory().contains(orphan.id))
    return orphan
  }

  /// A suspended Job of somebody else's, in our namespace.
  private func makeForeign() async throws -> String {
    var object = try self.job(of: self.lease()).json
    object.put(.string("another"), at: "metadata", "labels", Marks.managedBy)
    object.put(.string("foreign"), at: "metadata", "name")
    try await self.ground.create(object, in: self.namespace)
    return "foreign"
  }

  private func job(of lease: Lease) throws -> Job {
    MachineJob(
      lease: lease, spec: self.spec, user: MachineUser(name: try #require(Username("dev"))),
      configuration: self.configuration
    ).job(port: self.ports.upperBound, now: self.cluster.clock.now())
  }

  private func checkRemoval(of machines: [Lease], on instance: Instance) async throws {
    let ours = Set(machines.map(\.id))
    #expect(ours.isSuperset(of: try await instance.backend.inventory()), "another's Job is taken for ours")
    for machine in machines {
      try await self.remove(machine, on: instance.backend)
      #expect(try await instance.backend.look(machine) == .absent)
      #expect(instance.gateway.port(of: machine.id) == nil)
      #expect(try await self.ground.read(Job.kind, machine.id.podName, in: self.namespace) == nil)
      #expect(try await self.ground.read(Secret.kind, machine.id.podName, in: self.namespace) == nil)
      #expect(try await self.pods(of: machine).isEmpty)
    }
    await #expect(throws: (any Error).self) { try await Client.open(machines[0].port ?? 0) }
    #expect(try await instance.backend.inventory().isEmpty)
    try await instance.backend.remove(machines[0].id, handle: machines[0].handle)
  }

  /// As the provisioner does: one that was not over in time is asked for again.
  private func remove(_ machine: Lease, on backend: KubernetesBackend) async throws {
    for attempt in 1...4 {
      do { return try await backend.remove(machine.id, handle: machine.handle) } catch {
        guard case .unavailable = error, attempt < 4 else { throw error }
      }
    }
  }
}
