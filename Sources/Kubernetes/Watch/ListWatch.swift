private import Synchronization

/// A live copy of a namespace's objects of one kind, for as long as ``run(_:)`` runs.
package final class ListWatch<Object: KubernetesObject>: Sendable {
  private let client: KubernetesClient
  private let namespace: String?
  private let selector: Selector
  private let sleeper: any Clock<Duration>
  private let machine = Mutex(ListWatchMachine<Object>())

  package init(
    _ client: KubernetesClient, in namespace: String? = nil, _ selector: Selector = Selector(),
    sleeper: any Clock<Duration> = ContinuousClock()
  ) {
    self.client = client
    self.namespace = namespace
    self.selector = selector
    self.sleeper = sleeper
  }

  /// Whether the copy is the server's state but for what is on its way.
  package var isLive: Bool { self.machine.withLock { $0.standing == .live } }

  package var lastFault: KubernetesFault? { self.machine.withLock { $0.lastFault } }

  /// The object as last heard; nil says nothing about the server, which may have one that is on its way.
  package func object(named name: String) -> Object? { self.machine.withLock { $0.cache.objects[name] } }

  package func objects(where isMeant: (Object) -> Bool) -> [Object] {
    self.machine.withLock { $0.cache.objects.values.filter(isMeant) }
  }

  /// Works until cancelled. `changed` gets each change once, in order; the copy has it already.
  package func run(_ changed: @Sendable ([CacheChange<Object>]) async -> Void) async {
    var next = self.machine.withLock { $0.start() }
    while !Task.isCancelled {
      if next.wait > .zero {
        guard (try? await self.sleeper.sleep(for: next.wait)) != nil else { return }
      }
      switch next.step {
      case .list: next = await self.list(changed)
      case .watch(let version): next = await self.watch(after: version, changed)
      }
    }
  }

  private func list(
    _ changed: @Sendable ([CacheChange<Object>]) async -> Void
  ) async -> ListWatchMachine<Object>.Next {
    do throws(KubernetesFault) {
      let list = try await self.client.list(Object.self, in: self.namespace, self.selector)
      let (changes, next) = self.machine.withLock { $0.listed(list) }
      if !changes.isEmpty { await changed(changes) }
      return next
    } catch {
      return self.machine.withLock { $0.failed(error, fraction: .random(in: 0..<1)) }
    }
  }

  private func watch(
    after version: String, _ changed: @Sendable ([CacheChange<Object>]) async -> Void
  ) async -> ListWatchMachine<Object>.Next {
    var hadNews = false
    do throws(KubernetesFault) {
      let watch = try await self.client.watch(Object.self, in: self.namespace, self.selector, after: version)
      self.machine.withLock { $0.watching() }
      var events = watch.makeAsyncIterator()
      while let event = try await events.next() {
        let (changes, next) = self.machine.withLock { $0.received(event, fraction: .random(in: 0..<1)) }
        hadNews = true
        if !changes.isEmpty { await changed(changes) }
        if let next { return next }
      }
      return self.machine.withLock { $0.ended(hadNews: hadNews, fraction: .random(in: 0..<1)) }
    } catch {
      return self.machine.withLock { $0.failed(error, fraction: .random(in: 0..<1)) }
    }
  }
}
