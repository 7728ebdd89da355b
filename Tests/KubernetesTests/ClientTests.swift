import JSON
import Kubernetes
import KubernetesDouble
import Testing

@Suite("KubernetesClient") struct ClientTests {
  @Test("an object is created, read, patched and deleted", arguments: [APIServerDouble.Security.plain, .tls])
  func roundTrip(_ security: APIServerDouble.Security) async throws {
    try await withCluster(security) { server, client in
      let made = try await client.create(secret("a", "one", labels: ["app": "x"]))
      #expect(made.metadata.uid != nil)
      #expect(try await client.get(Secret.self, "a").data == ["text": Array("one".utf8)])
      let patched = try await client.patch(
        Secret.self, "a", merging: .record(["data": Secret.json(["more": Array("two".utf8)])]))
      #expect(patched.data == ["text": Array("one".utf8), "more": Array("two".utf8)])
      #expect(patched.metadata.resourceVersion != made.metadata.resourceVersion)
      try await client.delete(Secret.self, "a", uid: made.metadata.uid)
      #expect(server.objects(.secrets).isEmpty)
    }
  }

  @Test("a dry run is judged and not stored")
  func dryRun() async throws {
    try await withCluster { server, client in
      _ = try await client.create(secret("a"), dryRun: true)
      #expect(server.objects(.secrets).isEmpty)
      await #expect(throws: KubernetesFault.self) {
        try await client.create(secret("Not_A_Name"), dryRun: true)
      }
    }
  }

  @Test("what the server says no to is told apart")
  func refusals() async throws {
    try await withCluster { server, client in
      _ = try await client.create(secret("a"))
      #expect(await self.fault { _ = try await client.create(secret("a")) } == "alreadyExists")
      #expect(await self.fault { _ = try await client.get(Secret.self, "b") } == "notFound")
      #expect(await self.fault { try await client.delete(Secret.self, "b") } == "notFound")
      #expect(await self.fault { try await client.delete(Secret.self, "a", uid: "another") } == "conflict")
      let stale = JSON.record(["metadata": .record(["resourceVersion": .string("1")])])
      #expect(await self.fault { _ = try await client.patch(Secret.self, "a", merging: stale) } == "conflict")
      #expect(await self.fault { _ = try await client.create(secret("UPPER")) } == "invalid")
      server.permit(only: [Permission("list", "secrets")])
      #expect(await self.fault { _ = try await client.get(Secret.self, "a") } == "forbidden")
      #expect(try await client.list(Secret.self).items.count == 1)
    }
  }

  @Test("a server that is in trouble is told apart, and what a retry can mend is marked")
  func outages() async throws {
    try await withCluster { server, client in
      server.fault(.status(429, reason: "TooManyRequests", retryAfterSeconds: 7))
      await #expect {
        try await client.list(Secret.self)
      } throws: {
        guard case .throttled(let after, _)? = $0 as? KubernetesFault else { return false }
        return after == .seconds(7)
      }
      server.fault(.status(500, reason: "InternalError"))
      #expect(await self.fault { _ = try await client.list(Secret.self) } == "failed")
      server.fault(.drop)
      #expect(await self.fault { _ = try await client.list(Secret.self) } == "unreachable")
      server.fault(.garbage(Array("<html>".utf8)))
      #expect(await self.fault { _ = try await client.list(Secret.self) } == "malformed")
      #expect(KubernetesFault.unreachable(.timedOut).isPassing)
      #expect(!KubernetesFault.forbidden(Status(code: 403, reason: "", message: "")).isPassing)
    }
  }

  @Test("a server that never answers is unreachable when the call's time is over")
  func silence() async throws {
    try await withCluster(limits: { $0.callTimeout = .milliseconds(300) }) { server, client in
      server.fault(.stall)
      #expect(await self.fault { _ = try await client.list(Secret.self) } == "unreachable")
    }
  }

  @Test("a list comes in pages, and begins again when its token is too old")
  func pages() async throws {
    try await withCluster(limits: { $0.pageSize = 2 }) { server, client in
      for index in 0..<5 {
        try server.create(.secrets, secretJSON("s\(index)", labels: ["n": "\(index % 2)"]))
      }
      #expect(
        try await client.list(Secret.self).items.map(\.metadata.name) == ["s0", "s1", "s2", "s3", "s4"])
      let some = try await client.list(Secret.self, Selector(labels: ["n": "1"]))
      #expect(some.items.map(\.metadata.name) == ["s1", "s3"])
      // The second page is asked for with a token that the server has just forgotten.
      server.fault(.status(410, reason: "Expired")) { $0.query["continue"] != nil }
      #expect(try await client.list(Secret.self).items.count == 5)
      for _ in 0..<9 { server.fault(.status(410, reason: "Expired")) { $0.query["continue"] != nil } }
      #expect(await self.fault { _ = try await client.list(Secret.self) } == "expired")
    }
  }

  @Test("a secret shows nothing of itself")
  func redaction() {
    #expect(!"\(secret("a", "sesame"))".contains("sesame"))
    #expect(BearerToken("sesame").map { "\($0)" } == "<redacted>")
  }

  private func fault(_ body: () async throws -> Void) async -> String? {
    do {
      try await body()
      return nil
    } catch {
      switch error as? KubernetesFault {
      case .unauthorized: return "unauthorized"
      case .forbidden: return "forbidden"
      case .notFound: return "notFound"
      case .alreadyExists: return "alreadyExists"
      case .conflict: return "conflict"
      case .expired: return "expired"
      case .invalid: return "invalid"
      case .throttled: return "throttled"
      case .failed: return "failed"
      case .unreachable: return "unreachable"
      case .malformed: return "malformed"
      case nil: return "\(error)"
      }
    }
  }
}
