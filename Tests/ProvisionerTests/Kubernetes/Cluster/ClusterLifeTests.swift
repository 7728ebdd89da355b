import Gate
import JSON
import KubernetesDouble
import Testing

@testable import Kubernetes
@testable import Provisioner

/// In `make test` on the double, by `make test-cluster` on the real cluster that `KUBECONFIG` names.
@Suite("Machines on a cluster", .serialized, .timeLimit(.minutes(20))) struct ClusterLifeTests {
  @Test(
    "machines are made, reached, extended, found again and removed, with the rights of the manifest only",
    arguments: TrialCluster.Kind.asked)
  func life(_ kind: TrialCluster.Kind) async throws {
    try await Self.withGround(kind) { ground in
      let trial = try await MachineTrial(on: ground)
      do { try await trial.run() } catch {
        await trial.client.shutdown()
        throw error
      }
      await trial.client.shutdown()
    }
  }

  @Test(
    "the API server takes our Jobs and their pods where they belong, and refuses what asks for more",
    arguments: TrialCluster.Kind.asked)
  func judgement(_ kind: TrialCluster.Kind) async throws {
    try await Self.withGround(kind) { ground in
      for hasUserNamespaces in [false, true] {
        let own = try Self.job(.own, hasUserNamespaces: hasUserNamespaces)
        try await ground.create(own, in: ground.restricted, dryRun: true)
        try await ground.judge(podOf: own, in: ground.restricted)
      }
      let theirs = try Self.job(.linuxserver)
      try await ground.create(theirs, in: ground.baseline, dryRun: true)
      try await ground.judge(podOf: theirs, in: ground.baseline)
      await Self.expectRefusal { try await ground.judge(podOf: theirs, in: ground.restricted) }
      for more in ["hostNetwork", "hostPID"] {
        var greedy = try Self.job(.own)
        greedy.put(.bool(true), at: "spec", "template", "spec", more)
        await Self.expectRefusal { try await ground.judge(podOf: greedy, in: ground.restricted) }
        await Self.expectRefusal { try await ground.judge(podOf: greedy, in: ground.baseline) }
      }
    }
  }

  @Test(
    "the API server takes Turnpike's own Deployment and what belongs to it, where `restricted` is enforced",
    arguments: TrialCluster.Kind.asked)
  func deployment(_ kind: TrialCluster.Kind) async throws {
    try await Self.withGround(kind) { ground in
      for object in try Manifests.read("turnpike.yaml", places: ["turnpike": ground.home]) {
        try await ground.create(object, in: ground.home, dryRun: true)
        guard object["kind"]?.string == "Deployment" else { continue }
        try await ground.judge(podOf: object, in: ground.home)
        var greedy = object
        greedy.put(.bool(true), at: "spec", "template", "spec", "hostNetwork")
        await Self.expectRefusal { try await ground.judge(podOf: greedy, in: ground.home) }
      }
    }
  }

  @Test("an image that the cluster cannot pull is named in a sentence")
  func pulls() async throws {
    let cluster = try await TrialCluster.begin(.double, hasImages: false)
    let ground = try TrialGround(cluster)
    try await ground.lay()
    let trial = try await MachineTrial(on: ground)
    let refused = Task { await #expect(throws: ClusterTrouble.self) { try await trial.run() } }
    try await cluster.failPulls(in: trial.namespace)
    let sentence = await refused.value?.description ?? ""
    #expect(sentence.contains("cannot pull the image registry.example/ssh-workload:1: ImagePullBackOff"))
    #expect(sentence.contains("TURNPIKE_TEST_IMAGE"))
    await trial.client.shutdown()
    await ground.clear()
    await cluster.end()
  }

  @Test("Turnpike may not do what its manifest does not say", arguments: TrialCluster.Kind.asked)
  func rights(_ kind: TrialCluster.Kind) async throws {
    try await Self.withGround(kind) { ground in
      let client = try KubernetesClient(try await ground.turnpikeAccess(to: ground.restricted))
      let mayList = try await ground.cluster.eventually(within: .seconds(20)) {
        (try? await client.list(Job.self, limit: 1)) != nil
      }
      #expect(mayList)
      await Self.expectForbidden { _ = try await client.list(Secret.self, limit: 1) }
      await Self.expectForbidden { _ = try await client.get(Secret.self, "any") }
      await Self.expectForbidden { _ = try await client.list(Job.self, in: "default", limit: 1) }
      await client.shutdown()
    }
  }

  // MARK: -

  private static func withGround(
    _ kind: TrialCluster.Kind, _ body: (TrialGround) async throws -> Void
  ) async throws {
    let cluster = try await TrialCluster.begin(kind)
    let ground = try TrialGround(cluster)
    do {
      try await ground.lay()
      try await body(ground)
    } catch {
      Issue.record("\(error)")
    }
    await ground.clear()
    await cluster.end()
  }

  private static func job(_ recipe: PodRecipe, hasUserNamespaces: Bool = false) throws -> JSON {
    let configuration = KubernetesConfiguration(
      namespace: "user-workloads", image: "registry.example/ssh-workload:1", recipe: recipe,
      hostKeySecret: HostKeySecret([UInt8](repeating: 1, count: 32)), hasUserNamespaces: hasUserNamespaces)
    let now = Timestamp(seconds: 1_900_000_000)
    let lease = Lease(
      id: .random(), serial: Serial(1), payment: PaymentID("p"), spec: WorkloadSpecName("small"),
      wishes: WorkloadWishes(), backend: "kubernetes", ordered: now, end: now + .seconds(600))
    return MachineJob(
      lease: lease, spec: WorkloadSpec(name: lease.spec),
      user: MachineUser(name: try #require(Username("dev"))),
      configuration: configuration
    ).job(port: 22_001, now: now).json
  }

  private static func expectRefusal(_ body: () async throws -> Void) async {
    await #expect {
      try await body()
    } throws: {
      "\($0)".contains("violates PodSecurity")
    }
  }

  private static func expectForbidden(_ body: () async throws -> Void) async {
    await #expect {
      try await body()
    } throws: {
      if case .forbidden? = $0 as? KubernetesFault { true } else { false }
    }
  }
}
