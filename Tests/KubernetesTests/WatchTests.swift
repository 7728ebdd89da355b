import JSON
import Kubernetes
import KubernetesDouble
import Synchronization
import Testing

@Suite("A watch") struct WatchTests {
  @Test("tells what happens after a version, in order")
  func events() async throws {
    try await withCluster { server, client in
      try server.create(.secrets, secretJSON("before"))
      let list = try await client.list(Secret.self)
      try server.create(.secrets, secretJSON("a"))
      let watch = try await client.watch(Secret.self, after: list.resourceVersion)
      try server.patch(
        .secrets, "a", .record(["metadata": .record(["labels": .record(["n": .string("1")])])]))
      try server.delete(.secrets, "before")
      server.sendBookmarks()
      var seen: [String] = []
      for try await event in watch {
        switch event {
        case .added(let object): seen.append("added \(object.metadata.name)")
        case .modified(let object): seen.append("modified \(object.metadata.name)")
        case .deleted(let object): seen.append("deleted \(object.metadata.name)")
        case .bookmark: seen.append("bookmark")
        default: seen.append("other")
        }
        if seen.count == 4 { server.endWatches() }
      }
      #expect(seen == ["added a", "modified a", "deleted before", "bookmark"])
    }
  }

  @Test("from a version that the server forgot says so")
  func expired() async throws {
    try await withCluster { server, client in
      let list = try await client.list(Secret.self)
      server.forgetHistory()
      var events = try await client.watch(Secret.self, after: list.resourceVersion).makeAsyncIterator()
      guard case .failed(.expired) = try await events.next() else {
        Issue.record("no 410")
        return
      }
    }
  }

  @Test("that is silent for too long ends with a fault")
  func idle() async throws {
    try await withCluster(limits: { $0.watchIdleTimeout = .seconds(2) }) { _, client in
      let list = try await client.list(Secret.self)
      var events = try await client.watch(Secret.self, after: list.resourceVersion).makeAsyncIterator()
      await #expect(throws: KubernetesFault.unreachable(.timedOut)) { _ = try await events.next() }
    }
  }

  @Test("reads no line longer than its bound")
  func longLine() async throws {
    try await withCluster(limits: { $0.maxLineBytes = 1000 }) { server, client in
      let list = try await client.list(Secret.self)
      var events = try await client.watch(Secret.self, after: list.resourceVersion).makeAsyncIterator()
      server.sendToWatches([UInt8](repeating: UInt8(ascii: "x"), count: 3000))
      await #expect(throws: KubernetesFault.self) { _ = try await events.next() }
    }
  }
}

@Suite("A live copy") struct ListWatchTests {
  @Test("follows the server through dropped, ended and forgotten watches, garbage and a server error")
  func resume() async throws {
    try await withCluster { server, client in
      try server.create(.secrets, secretJSON("s0"))
      let copy = ListWatch<Secret>(client, sleeper: QuickClock())
      let names = Names()
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask {
          await copy.run { changes in
            for change in changes {
              switch change {
              case .set(let object): names.add(object.metadata.name)
              case .removed(let object): names.add("-" + object.metadata.name)
              }
            }
          }
        }
        #expect(await eventually { copy.object(named: "s0") != nil && server.watchCount == 1 })
        try server.create(.secrets, secretJSON("s1"))
        #expect(await eventually { copy.object(named: "s1") != nil })

        server.dropWatches()
        try server.create(.secrets, secretJSON("s2"))
        #expect(await eventually { copy.object(named: "s2") != nil })
        let lists = server.requests.filter { $0.verb == "list" }.count
        #expect(lists == 1, "a dropped watch goes on where it was")

        server.endWatches()
        try server.create(.secrets, secretJSON("s3"))
        #expect(await eventually { copy.object(named: "s3") != nil })

        // While nobody watches, one goes and the past is forgotten.
        server.fault(.status(503, reason: "ServiceUnavailable")) { $0.verb == "watch" }
        server.dropWatches()
        try server.delete(.secrets, "s0")
        server.forgetHistory()
        #expect(await eventually { copy.object(named: "s0") == nil && copy.isLive })
        #expect(server.requests.filter { $0.verb == "list" }.count == 2)

        #expect(await eventually { server.watchCount == 1 })
        server.sendToWatches(Array("no JSON\n".utf8))
        try server.create(.secrets, secretJSON("s4"))
        #expect(await eventually { copy.object(named: "s4") != nil })
        group.cancelAll()
      }
      #expect(names.all == ["s0", "s1", "s2", "s3", "-s0", "s4"])
    }
  }

  @Test("is not live before the first list, and says why")
  func unreachable() async throws {
    try await withCluster { server, client in
      for _ in 0..<3 { server.fault(.status(403, reason: "Forbidden")) }
      let copy = ListWatch<Secret>(client, sleeper: QuickClock())
      #expect(!copy.isLive)
      await withDiscardingTaskGroup { group in
        group.addTask { await copy.run { _ in } }
        #expect(await eventually { copy.lastFault != nil || copy.isLive })
        #expect(await eventually { copy.isLive })
        group.cancelAll()
      }
    }
  }
}

private final class Names: Sendable {
  private let list = Mutex<[String]>([])

  var all: [String] { self.list.withLock { $0 } }
  func add(_ name: String) { self.list.withLock { $0.append(name) } }
}

/// Waits a thousandth of what it is asked to.
struct QuickClock: Clock {
  typealias Duration = Swift.Duration
  typealias Instant = ContinuousClock.Instant

  var now: Instant { ContinuousClock.now }
  var minimumResolution: Duration { .zero }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try await Task.sleep(for: (deadline - ContinuousClock.now) / 1000)
  }
}
