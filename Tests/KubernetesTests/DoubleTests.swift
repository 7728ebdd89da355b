import JSON
import Kubernetes
import KubernetesDouble
import Testing

/// The double refuses what the real server refuses; else the tests on it would prove nothing.
@Suite("The API server's double") struct DoubleTests {
  @Test("a Job's template cannot change, its deadline can in both directions; a pod's can only fall")
  func immutability() async throws {
    try await withCluster { server, client in
      let made = try await client.create(job("j"))
      #expect(made.activeDeadlineSeconds == 600)
      for seconds in [900, 300] as [UInt64] {
        let patch = JSON.record(["spec": .record(["activeDeadlineSeconds": .unsigned(seconds)])])
        #expect(try await client.patch(Job.self, "j", merging: patch).activeDeadlineSeconds == Int64(seconds))
      }
      let pod = try #require(server.objects(.pods).first).name
      func deadline(_ seconds: UInt64) -> JSON {
        .record(["spec": .record(["activeDeadlineSeconds": .unsigned(seconds)])])
      }
      _ = try await client.patch(Pod.self, pod, merging: deadline(500))
      _ = try await client.patch(Pod.self, pod, merging: deadline(400))
      await #expect(throws: KubernetesFault.self) {
        try await client.patch(Pod.self, pod, merging: deadline(401))
      }
      let template = JSON.record([
        "spec": .record([
          "template": .record(["metadata": .record(["annotations": .record(["a": .string("b")])])])
        ])
      ])
      await #expect(throws: KubernetesFault.self) { try await client.patch(Job.self, "j", merging: template) }
    }
  }

  @Test("a suspended Job has no pod; let go it has one; deleted, all that it owned goes")
  func lifecycle() async throws {
    try await withCluster { server, client in
      let made = try await client.create(job("j", isSuspended: true))
      #expect(server.objects(.pods).isEmpty)
      var owned = secret("j")
      owned.metadata.owners = [OwnerReference(to: Job.kind, name: "j", uid: try #require(made.metadata.uid))]
      _ = try await client.create(owned)
      let go = JSON.record(["spec": .record(["suspend": .bool(false)])])
      #expect(try await client.patch(Job.self, "j", merging: go).metadata.name == "j")
      let pod = try #require(try await client.list(Pod.self).items.first)
      #expect(pod.isReady && pod.phase == .running && pod.address != nil)
      try await client.delete(Job.self, "j")
      #expect(server.objects(.pods).isEmpty && server.objects(.secrets).isEmpty)
    }
  }

  @Test("a Job ends at its deadline and goes when its time to live is over")
  func deadline() async throws {
    try await withCluster { server, client in
      _ = try await client.create(job("j"))
      server.advance(by: 599)
      #expect(try await client.get(Job.self, "j").end == nil)
      server.advance(by: 1)
      guard case .failed("DeadlineExceeded", _) = try await client.get(Job.self, "j").end else {
        Issue.record("it went on")
        return
      }
      #expect(server.objects(.pods).isEmpty)
      server.advance(by: 60)
      #expect(server.objects(.jobs).isEmpty)
    }
  }

  @Test("a quota refuses one more, and the Job says so in an event")
  func quota() async throws {
    try await withCluster { server, client in
      let quota = JSON.record([
        "apiVersion": .string("v1"), "kind": .string("ResourceQuota"),
        "metadata": .record(["name": .string("q")]),
        "spec": .record(["hard": .record(["pods": .string("1"), "count/jobs.batch": .string("2")])]),
      ])
      try server.create(.resourcequotas, quota)
      _ = try await client.create(job("a"))
      _ = try await client.create(job("b"))
      #expect(server.objects(.pods).count == 1)
      let events = try await client.list(Event.self)
      #expect(events.items.first?.message.contains("exceeded quota") == true)
      await #expect(throws: KubernetesFault.self) { try await client.create(job("c")) }
    }
  }

  @Test("a namespace that enforces `restricted` takes no pod that breaks it")
  func podSecurity() async throws {
    try await withCluster { server, client in
      var rooted = job("j")
      rooted.template?.spec.security = PodSecurityContext(userID: nil, volumeGroupID: nil)
      _ = try await client.create(rooted)
      #expect(server.objects(.pods).isEmpty)
      #expect(try await client.list(Event.self).items.first?.message.contains("runAsNonRoot") == true)
    }
  }

  @Test(
    "each control of the standards is broken by its own pod",
    arguments: [
      ("hostNetwork", #"{"hostNetwork":true}"#, PodSecurity.baseline),
      ("hostPath", #"{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}"#, .baseline),
      ("hostPort", #"{"containers":[{"ports":[{"hostPort":22}]}]}"#, .baseline),
      ("privileged", #"{"containers":[{"securityContext":{"privileged":true}}]}"#, .baseline),
      (
        "capabilities", #"{"containers":[{"securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}]}"#,
        .baseline
      ),
      ("seccompProfile", #"{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}"#, .baseline),
      ("procMount", #"{"containers":[{"securityContext":{"procMount":"Unmasked"}}]}"#, .baseline),
      ("sysctls", #"{"securityContext":{"sysctls":[{"name":"kernel.msgmax"}]}}"#, .baseline),
      ("volume types", #"{"volumes":[{"name":"v","nfs":{"server":"x"}}]}"#, .restricted),
      ("runAsUser", #"{"securityContext":{"runAsUser":0}}"#, .restricted),
      ("allowPrivilegeEscalation", #"{"containers":[{}]}"#, .restricted),
      ("runAsNonRoot", #"{"containers":[{}]}"#, .restricted),
      (
        "unrestricted capabilities",
        #"{"containers":[{"securityContext":{"capabilities":{"drop":["KILL"]}}}]}"#, .restricted
      ),
    ])
  func controls(_ control: String, _ spec: String, _ level: PodSecurity) throws {
    let json = try JSONReader.read(Array(spec.utf8))
    #expect(level.violations(of: json).contains { $0.contains(control) })
    if level == .restricted { #expect(PodSecurity.baseline.violations(of: json).isEmpty) }
    #expect(PodSecurity.privileged.violations(of: json).isEmpty)
  }

  @Test("a pod as this client writes it breaks none")
  func compliant() throws {
    let spec = try #require(job("j").template?.spec.json)
    #expect(PodSecurity.restricted.violations(of: spec).isEmpty)
  }

  @Test("a namespace goes with all that is in it, and nothing of another does")
  func namespaces() async throws {
    try await withCluster { server, client in
      let other = JSON.record([
        "apiVersion": .string("v1"), "kind": .string("Namespace"),
        "metadata": .record(["name": .string("other")]),
      ])
      try server.create(.namespaces, other, in: "")
      _ = try await client.create(job("j"))
      var elsewhere = job("j")
      elsewhere.metadata.namespace = "other"
      _ = try await client.create(elsewhere)
      #expect(server.objects(.pods, in: "other").count == 1)
      try await client.delete(Namespace.self, "other")
      for resource in [Resource.jobs, .pods] {
        #expect(server.objects(resource, in: "other").isEmpty)
        #expect(server.objects(resource).count == 1)
      }
      await #expect(throws: KubernetesFault.self) { try await client.get(Namespace.self, "other") }
      await #expect(throws: KubernetesFault.self) { try await client.create(elsewhere) }
    }
  }

  @Test("a server that is down answers nobody, ends all watches, and forgets nothing")
  func down() async throws {
    try await withCluster { server, client in
      _ = try await client.create(job("j"))
      server.fault(.down) { $0.summary == "create secrets" }
      await #expect(throws: KubernetesFault.self) { try await client.create(secret("s")) }
      await #expect(throws: KubernetesFault.self) { try await client.get(Job.self, "j") }
      #expect(server.watchCount == 0)
      server.restore()
      #expect(try await client.get(Job.self, "j").metadata.name == "j")
      #expect(server.objects(.secrets).isEmpty, "done by a server that was down")
    }
  }
}
