import JSON
import Kubernetes
import KubernetesDouble

/// A client of a double, with short bounds.
func client(
  of server: APIServerDouble, token: String? = nil, _ change: (inout KubernetesLimits) -> Void = { _ in }
) throws -> KubernetesClient {
  var limits = KubernetesLimits()
  limits.callTimeout = .seconds(5)
  change(&limits)
  let access = ClusterAccess(
    server: server.url, trust: .authorities(Array(TestCertificate.authority.utf8)),
    credential: token.flatMap { BearerToken($0) }.map { .token($0) } ?? .none, namespace: "user-workloads")
  return try KubernetesClient(access, limits: limits)
}

func withCluster(
  _ security: APIServerDouble.Security = .plain, limits change: (inout KubernetesLimits) -> Void = { _ in },
  _ body: (APIServerDouble, KubernetesClient) async throws -> Void
) async throws {
  let server = try await APIServerDouble.start(security)
  let client = try client(of: server, change)
  do {
    try await body(server, client)
  } catch {
    await client.shutdown()
    await server.stop()
    throw error
  }
  await client.shutdown()
  await server.stop()
}

func secret(_ name: String, _ text: String = "x", labels: [String: String] = [:]) -> Secret {
  Secret(metadata: ObjectMetadata(name: name, labels: labels), data: ["text": Array(text.utf8)])
}

/// As another client writes it.
func secretJSON(_ name: String, labels: [String: String] = [:]) -> JSON {
  secret(name, labels: labels).json
}

/// Whether it becomes true before the test has waited too long.
func eventually(_ isTrue: () async -> Bool) async -> Bool {
  for _ in 0..<500 {
    if await isTrue() { return true }
    try? await Task.sleep(for: .milliseconds(10))
  }
  return false
}

/// A Job that the double takes and runs.
func job(_ name: String, isSuspended: Bool = false, labels: [String: String] = [:]) -> Job {
  var container = Container(name: "main", image: "example.org/image:1", mounts: [])
  container.limits = ["memory": "64Mi"]
  let spec = PodSpec(
    containers: [container], volumes: [], security: PodSecurityContext(userID: 1000, volumeGroupID: nil),
    terminationGraceSeconds: 1)
  return Job(
    metadata: ObjectMetadata(name: name, labels: labels), isSuspended: isSuspended,
    activeDeadlineSeconds: 600,
    ttlSecondsAfterFinished: 60, template: PodTemplate(labels: labels, annotations: [:], spec: spec))
}
