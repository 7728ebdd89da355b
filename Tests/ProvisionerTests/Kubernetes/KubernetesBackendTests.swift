import Gate
import JSON
import Kubernetes
import KubernetesDouble
import Octets
import Testing

@testable import Provisioner

@Suite("KubernetesBackend", .timeLimit(.minutes(2))) struct KubernetesBackendTests {
  @Test("a machine is made, found, extended, given another password, and removed without a trace")
  func lifecycle() async throws {
    try await withBackend { rig in
      #expect(rig.backend.vacancy(for: rig.spec) == .open)
      var lease = rig.lease()
      let prepared = try await rig.backend.prepare(lease, rig.spec)
      #expect(try await rig.backend.prepare(lease, rig.spec) == prepared, "asked again")
      #expect(PublicHostKey(prepared.hostKey) != nil)
      lease.port = prepared.port
      #expect(try await rig.backend.look(lease) == .absent)

      let credentials = WorkloadCredentials(
        password: WorkloadPassword("sesame"), publicKey: "ssh-ed25519 AAAA")
      lease.handle = try await rig.backend.start(lease, rig.spec, credentials: credentials)
      #expect(try await rig.backend.look(lease) == .ready)
      #expect(await rig.event() == .ready(lease.id))
      #expect(try await rig.backend.inventory() == [lease.id])
      let job = try #require(rig.server.object(.jobs, lease.id.podName))
      #expect(job.at("spec", "activeDeadlineSeconds")?.seconds == Int64(3720))
      let secret = try #require(rig.server.object(.secrets, lease.id.podName))
      #expect(secret.at("metadata", "ownerReferences")?.array?.first?["uid"]?.string == lease.handle)

      // Through the gateway to where the pod is.
      let machine = try await rig.machine(lease.id)
      #expect(try await Client.exchange(prepared.port, sending: Array("hello".utf8)) == Array("hello".utf8))

      let end = lease.end + .seconds(7200)
      rig.server.advance(by: 100)
      try await rig.backend.setEnd(end, of: lease)
      let longer = try #require(rig.server.object(.jobs, lease.id.podName))
      #expect(longer.at("spec", "activeDeadlineSeconds")?.seconds == Int64(10_920))
      #expect(
        longer.at("metadata", "annotations")?["paygress.io/expires-at"]?.string == ClockText.text(end.seconds)
      )
      let pod = try #require(rig.server.objects(.pods).first)
      #expect(pod.at("metadata", "annotations")?[Marks.deadline]?.string == "\(end.seconds + 15)")

      let before = secret.at("data", "shadow")?.string
      try await rig.backend.setCredentials(
        WorkloadCredentials(password: WorkloadPassword("other")), of: lease)
      let after = try #require(rig.server.object(.secrets, lease.id.podName))
      #expect(after.at("data", "shadow")?.string != before)
      #expect(after.at("data", "authorized_keys") == secret.at("data", "authorized_keys"))
      #expect(
        rig.server.objects(.pods).first?.at("metadata", "annotations")?[Marks.credentials]?.string != "0")

      try await rig.backend.remove(lease.id, handle: lease.handle)
      for resource in [Resource.jobs, .pods, .secrets] { #expect(rig.server.objects(resource).isEmpty) }
      #expect(try await rig.backend.look(lease) == .absent)
      #expect(rig.gateway.port(of: lease.id) == nil)
      await #expect(throws: (any Error).self) { try await Client.open(prepared.port) }
      try await rig.backend.remove(lease.id, handle: lease.handle)
      await machine.stop()
    }
  }

  @Test("the Job is suspended until its Secret is there, and its text holds no secret")
  func order() async throws {
    try await withBackend { rig in
      _ = try await rig.started(WorkloadCredentials(password: WorkloadPassword("sesame")))
      let changes = rig.server.requests.filter { $0.method != "GET" }
      #expect(
        changes.map {
          "\($0.verb) \($0.path.split(separator: "/").dropLast($0.method == "PATCH" ? 1 : 0).last ?? "")"
        } == [
          "create jobs", "create secrets", "patch jobs",
        ])
      #expect(changes[0].json?.at("spec", "suspend")?.bool == true)
      for request in rig.server.requests where !request.path.hasSuffix("/secrets") {
        #expect(!String(decoding: request.body, as: UTF8.self).contains("sesame"))
      }
      // Hashed in the Secret too.
      let files = rig.server.objects(.secrets).first?["data"]?.map ?? [:]
      let shadow = String(decoding: Base64.decode((files["shadow"] ?? "").utf8) ?? [], as: UTF8.self)
      #expect(shadow.hasPrefix("dev:$6$"))
      #expect(
        !files.values.contains {
          String(decoding: Base64.decode($0.utf8) ?? [], as: UTF8.self).contains("sesame")
        })
    }
  }

  @Test("interrupted at any call, a start goes on from there: one machine", arguments: 0..<3, [true, false])
  func interruptedStart(_ call: Int, _ happened: Bool) async throws {
    try await withBackend { rig in
      let lease = try await rig.prepared()
      let meant = ["create jobs", "create secrets", "patch jobs"][call]
      rig.server.fault(happened ? .dropAfterwards : .drop) {
        "\($0.verb) \($0.path.split(separator: "/").dropLast($0.method == "PATCH" ? 1 : 0).last ?? "")"
          == meant
      }
      await #expect(throws: BackendFault.self) {
        try await rig.backend.start(lease, rig.spec, credentials: WorkloadCredentials())
      }
      let handle = try await rig.backend.start(lease, rig.spec, credentials: WorkloadCredentials())
      #expect(rig.server.objects(.jobs).map(\.uid) == [handle])
      #expect(rig.server.objects(.pods).count == 1)
      #expect(rig.server.objects(.secrets).count == 1)
    }
  }

  @Test("a cluster that does not answer is an outage, one that says no a refusal")
  func faults() async throws {
    try await withBackend { rig in
      let lease = try await rig.prepared()
      for fault in [
        APIFault.status(503, reason: "ServiceUnavailable"),
        .status(429, reason: "TooManyRequests", retryAfterSeconds: 1),
      ] {
        rig.server.fault(fault) { $0.method == "POST" }
        await #expect {
          try await rig.backend.start(lease, rig.spec, credentials: WorkloadCredentials())
        } throws: {
          if case .unavailable? = $0 as? BackendFault { true } else { false }
        }
      }
      rig.server.fault(.status(403, reason: "Forbidden")) { $0.method == "POST" }
      await #expect {
        try await rig.backend.start(lease, rig.spec, credentials: WorkloadCredentials())
      } throws: {
        if case .refused? = $0 as? BackendFault { true } else { false }
      }
    }
  }

  @Test("after a restart, ports, targets and ends are found in the cluster")
  func restart() async throws {
    try await withBackend { rig in
      let lease = try await rig.started()
      let machine = try await rig.machine(lease.id)
      await rig.gateway.release(lease.id)
      let next = try rig.another()
      await withDiscardingTaskGroup { group in
        group.addTask { await next.backend.run() }
        #expect(await soon { next.gateway.port(of: lease.id) == lease.port })
        let port = lease.port ?? 0
        #expect((try? await Client.exchange(port, sending: [1, 2])) == [1, 2])
        #expect((try? await next.backend.look(lease)) == .ready)
        await next.gateway.release(lease.id)
        group.cancelAll()
      }
      await next.client.shutdown()
      await machine.stop()
    }
  }

  @Test("a connection waits while the pod boots")
  func booting() async throws {
    try await withBackend({ $0.bootsPods = false }) { rig in
      let lease = try await rig.started()
      #expect(try await rig.backend.look(lease) == .starting)
      async let answer = Client.exchange(lease.port ?? 0, sending: [5])
      #expect(await soon { rig.gateway.counters.held == 1 })
      let address = "127.99.\(UInt8.random(in: 0...255)).\(UInt8.random(in: 1...254))"
      rig.server.settings { $0.podAddress = address }
      let machine = try await EchoMachine.start(host: address, port: 2222)
      rig.server.bootPods()
      #expect(try await answer == [5])
      #expect(try await rig.backend.look(lease) == .ready)
      await machine.stop()
    }
  }

  @Test("quota and Pod Security are told as the reason why a machine cannot be had")
  func refusedPods() async throws {
    try await withBackend { rig in
      try rig.server.create(
        .resourcequotas,
        .record([
          "apiVersion": .string("v1"), "kind": .string("ResourceQuota"),
          "metadata": .record(["name": .string("q")]),
          "spec": .record(["hard": .record(["pods": .string("0")])]),
        ]))
      let lease = try await rig.started()
      guard case .ended(let reason) = try await rig.backend.look(lease) else {
        Issue.record("no end")
        return
      }
      #expect(reason.contains("exceeded quota"))
    }
  }

  @Test(
    "linuxserver's image runs where `baseline` is enforced, and is refused by `restricted`",
    arguments: ["baseline", "restricted"])
  func linuxserver(_ level: String) async throws {
    try await withBackend(recipe: .linuxserver) { rig in
      let label = JSON.record(["pod-security.kubernetes.io/enforce": .string(level)])
      try rig.server.patch(
        .namespaces, "user-workloads", .record(["metadata": .record(["labels": label])]), in: "")
      let lease = try await rig.started(WorkloadCredentials(password: WorkloadPassword("sesame")))
      let sighting = try await rig.backend.look(lease)
      if level == "baseline" {
        #expect(sighting == .ready)
      } else if case .ended(let reason) = sighting {
        #expect(reason.contains("violates PodSecurity"))
      } else {
        Issue.record("\(sighting)")
      }
      await #expect(throws: BackendFault.self) {
        try await rig.backend.setCredentials(WorkloadCredentials(), of: lease)
      }
    }
  }

  @Test("a machine that dies is told with its reason")
  func death() async throws {
    try await withBackend { rig in
      let lease = try await rig.started()
      #expect(await rig.event() == .ready(lease.id))
      let pod = try #require(rig.server.objects(.pods).first).name
      rig.server.setStatus(
        .pods, pod,
        .record([
          "phase": .string("Failed"),
          "containerStatuses": .array([
            .record([
              "state": .record([
                "terminated": .record(["reason": .string("OOMKilled"), "exitCode": .unsigned(137)])
              ])
            ])
          ]),
        ]))
      #expect(await rig.event() == .ended(lease.id, "it used more memory than it has"))
      #expect(
        await soon { (try? await rig.backend.look(lease)) == .ended("it used more memory than it has") })
    }
  }

  @Test("with nobody there to remove it, the Job's deadline ends a machine soon after its time")
  func backstop() async throws {
    try await withBackend { rig in
      let lease = try await rig.started()
      rig.server.advance(by: 3600 + 119)
      #expect(rig.server.objects(.pods).count == 1)
      rig.server.advance(by: 1)
      #expect(rig.server.objects(.pods).isEmpty)
      #expect(await soon { (try? await rig.backend.look(lease)) == .ended("its time was over") })
      rig.server.advance(by: 60)
      #expect(rig.server.objects(.jobs).isEmpty && rig.server.objects(.secrets).isEmpty)
    }
  }

  @Test("a removal waits for the pod's processes")
  func slowRemoval() async throws {
    try await withBackend({ $0.holdsTerminatingPods = true }) { rig in
      let lease = try await rig.started()
      async let removal: Void = rig.backend.remove(lease.id, handle: lease.handle)
      #expect(await soon { rig.server.objects(.pods).first?.at("metadata", "deletionTimestamp") != nil })
      #expect(rig.gateway.port(of: lease.id) == nil, "nobody connects from the beginning of it")
      rig.server.finishPods()
      try await removal
      #expect(rig.server.objects(.pods).isEmpty && rig.server.objects(.secrets).isEmpty)
    }
  }

  @Test("another Job of the same name is not the machine")
  func otherJob() async throws {
    try await withBackend { rig in
      var lease = try await rig.started()
      lease.handle = "another"
      #expect(try await rig.backend.look(lease) == .absent)
    }
  }

  @Test("an end cannot be told to a machine without a pod: its pod would not know")
  func endTooEarly() async throws {
    try await withBackend { rig in
      let lease = try await rig.prepared()
      await #expect(throws: BackendFault.self) { try await rig.backend.setEnd(lease.end, of: lease) }
    }
  }

  @Test("the examination names what is missing")
  func examination() async throws {
    try await withBackend { rig in
      guard case .reduced(let sentences) = await rig.backend.examine().fitness else {
        Issue.record("no NetworkPolicy, and nothing said")
        return
      }
      #expect(sentences.contains { $0.contains("NetworkPolicy") })
      #expect(rig.server.objects(.jobs).isEmpty && rig.server.objects(.secrets).isEmpty)
      rig.server.permit(only: try Role.permissions().subtracting([Permission("create", "secrets")]))
      guard case .unfit(let sentence) = await rig.backend.examine().fitness else {
        Issue.record("fit without a right")
        return
      }
      #expect(sentence.contains("create") && sentence.contains("secrets"))
    }
  }
}
