import Gate
import Glibc
import Kubernetes
import Testing

@testable import Provisioner

/// The same life on a real cluster: `KUBECONFIG` names its access, `TURNPIKE_TEST_NAMESPACE` a namespace with the
/// objects of `deploy/kubernetes`, `TURNPIKE_TEST_IMAGE` our image. Without them it is skipped by name.
@Suite(
  "A real cluster",
  .enabled(if: RealCluster.isNamed, "KUBECONFIG, TURNPIKE_TEST_NAMESPACE, TURNPIKE_TEST_IMAGE"))
struct RealClusterTests {
  @Test("makes, extends, rekeys and removes a machine", .timeLimit(.minutes(5)))
  func lifecycle() async throws {
    let client = try KubernetesClient(try Kubeconfig.read(path: RealCluster.value("KUBECONFIG")))
    let gateway = PortGateway(address: "127.0.0.1", ports: 22_000...22_999, clock: ClusterClock())
    let configuration = KubernetesConfiguration(
      namespace: RealCluster.value("TURNPIKE_TEST_NAMESPACE"),
      image: RealCluster.value("TURNPIKE_TEST_IMAGE"),
      hostKeySecret: HostKeySecret([UInt8](repeating: 7, count: 32)))
    let backend = KubernetesBackend(configuration, client: client, gateway: gateway, clock: ClusterClock())
    let spec = WorkloadSpec(name: WorkloadSpecName("test"))
    let now = ClusterClock().now()
    var lease = Lease(
      id: .random(), serial: Serial(1), payment: PaymentID("test"), spec: spec.name, wishes: WorkloadWishes(),
      backend: backend.name, ordered: now, end: now + .seconds(600))
    do {
      if case .unfit(let sentence) = await backend.examine().fitness { Issue.record("\(sentence)") }
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask { await backend.run() }
        lease.port = try await backend.prepare(lease, spec).port
        let credentials = WorkloadCredentials(password: WorkloadPassword("sesame"))
        lease.handle = try await backend.start(lease, spec, credentials: credentials)
        for _ in 0..<120 where try await backend.look(lease) == .starting {
          try await Task.sleep(for: .seconds(1))
        }
        #expect(try await backend.look(lease) == .ready)
        try await backend.setEnd(lease.end + .seconds(3600), of: lease)
        let job = try await client.get(Job.self, lease.id.podName, in: configuration.namespace)
        #expect((job.activeDeadlineSeconds ?? 0) > 3600)
        try await backend.setCredentials(WorkloadCredentials(password: WorkloadPassword("other")), of: lease)
        try await backend.remove(lease.id, handle: lease.handle)
        #expect(try await backend.look(lease) == .absent)
        group.cancelAll()
      }
    } catch {
      try? await backend.remove(lease.id, handle: lease.handle)
      await client.shutdown()
      throw error
    }
    await client.shutdown()
  }
}

enum RealCluster {
  static var isNamed: Bool {
    ["KUBECONFIG", "TURNPIKE_TEST_NAMESPACE", "TURNPIKE_TEST_IMAGE"].allSatisfy { !self.value($0).isEmpty }
  }

  static func value(_ name: String) -> String {
    unsafe getenv(name).map { unsafe String(cString: $0) } ?? ""
  }
}

private struct ClusterClock: TimeSource {
  func now() -> Timestamp {
    var moment = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &moment)
    return Timestamp(milliseconds: Int64(moment.tv_sec) * 1000 + Int64(moment.tv_nsec) / 1_000_000)
  }
}
