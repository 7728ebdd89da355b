import Gate
import Glibc
import JSON
import Kubernetes
import KubernetesDouble
import NIOCore
import Testing

@testable import Provisioner

/// A backend that works on a double with the rights of `deploy/kubernetes/rbac.yaml`, and no more.
struct BackendRig: Sendable {
  let server: APIServerDouble
  let client: KubernetesClient
  let gateway: PortGateway
  let backend: KubernetesBackend
  let ports: ClosedRange<UInt16>
  let spec = WorkloadSpec(name: WorkloadSpecName("small"), images: ["registry.example/ssh-workload:1"])

  init(server: APIServerDouble, ports: ClosedRange<UInt16>, recipe: PodRecipe = .own) throws {
    self.server = server
    self.ports = ports
    var limits = KubernetesLimits()
    limits.callTimeout = .seconds(5)
    self.client = try KubernetesClient(
      ClusterAccess(server: server.url, trust: .system, credential: .none, namespace: "user-workloads"),
      limits: limits)
    let clock = DoubleClock(server: server)
    self.gateway = PortGateway(address: "127.0.0.1", ports: ports, clock: clock)
    let configuration = KubernetesConfiguration(
      namespace: "user-workloads", image: "registry.example/ssh-workload:1", recipe: recipe,
      hostKeySecret: HostKeySecret([UInt8](repeating: 7, count: 32)))
    self.backend = KubernetesBackend(
      configuration, client: self.client, gateway: self.gateway, clock: clock, sleeper: HastyClock())
  }

  /// The same cluster and secret in another process.
  func another() throws -> BackendRig { try BackendRig(server: self.server, ports: self.ports) }

  func lease() -> Lease {
    let now = Timestamp(seconds: self.server.now)
    return Lease(
      id: .random(), serial: Serial(1), payment: PaymentID("p"), spec: self.spec.name,
      wishes: WorkloadWishes(),
      backend: "kubernetes", ordered: now, end: now + .seconds(3600))
  }

  func prepared() async throws -> Lease {
    var lease = self.lease()
    lease.port = try await self.backend.prepare(lease, self.spec).port
    return lease
  }

  func started(_ credentials: WorkloadCredentials = WorkloadCredentials()) async throws -> Lease {
    var lease = try await self.prepared()
    lease.handle = try await self.backend.start(lease, self.spec, credentials: credentials)
    return lease
  }

  /// Listens where the machine's pod is, once the gateway knows of it.
  func machine(_ id: WorkloadID) async throws -> EchoMachine {
    let address = self.server.objects(.pods).first?.at("status", "podIP")?.string
    return try await EchoMachine.start(host: try #require(address), port: 2222)
  }

  func stop() async {
    for id in (try? await self.backend.inventory()) ?? [] { await self.gateway.release(id) }
    await self.client.shutdown()
    await self.server.stop()
  }

  func event() async -> WorkloadEvent? {
    var events = self.backend.events.makeAsyncIterator()
    return await events.next()
  }
}

func withBackend(
  _ settings: (inout ClusterSettings) -> Void = { _ in }, recipe: PodRecipe = .own,
  _ body: (BackendRig) async throws -> Void
) async throws {
  let server = try await APIServerDouble.start()
  server.settings(settings)
  server.permit(only: try Role.permissions())
  let rig = try BackendRig(server: server, ports: TestPorts.next(), recipe: recipe)
  do {
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { await rig.backend.run() }
      #expect(await soon { rig.backend.vacancy(for: rig.spec) == .open })
      try await body(rig)
      group.cancelAll()
    }
  } catch {
    await rig.stop()
    throw error
  }
  await rig.stop()
}

/// The cluster's own time.
struct DoubleClock: TimeSource {
  let server: APIServerDouble

  func now() -> Timestamp { Timestamp(seconds: self.server.now) }
}

/// Waits a hundredth of what it is asked to.
struct HastyClock: Clock {
  typealias Duration = Swift.Duration
  typealias Instant = ContinuousClock.Instant

  var now: Instant { ContinuousClock.now }
  var minimumResolution: Duration { .zero }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try await Task.sleep(for: (deadline - ContinuousClock.now) / 100)
  }
}

/// The rules of the manifest, which holds each in one line of JSON.
enum Role {
  static func permissions() throws -> Set<Permission> {
    let text = try Self.read("deploy/kubernetes/rbac.yaml")
    var permissions: Set<Permission> = []
    for line in text.split(separator: "\n") where line.hasPrefix("  - {") {
      let rule = try JSONReader.read(Array(line.dropFirst(4).utf8))
      let group = rule["apiGroups"]?.array?.first?.string ?? ""
      for resource in rule["resources"]?.array ?? [] {
        for verb in rule["verbs"]?.array ?? [] {
          let name = resource.string ?? ""
          permissions.insert(Permission(verb.string ?? "", group.isEmpty ? name : "\(name).\(group)"))
        }
      }
    }
    try #require(permissions.count > 10)
    return permissions
  }

  /// A file of the project.
  static func read(_ path: String, source: String = #filePath) throws -> String {
    let root = try #require(source.ranges(of: "/Tests/").last).lowerBound
    let file = unsafe open("\(source[..<root])/\(path)", O_RDONLY)
    try #require(file >= 0)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe Glibc.read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
