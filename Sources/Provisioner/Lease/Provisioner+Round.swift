internal import Gate
internal import Synchronization

/// Compares book and backend: at start, and on a timer.
extension Provisioner {
  func compareOnTimer() async {
    var orphans = Orphans(grace: self.settings.rhythm.orphanGrace)
    while !Task.isCancelled {
      do throws(Outage) {
        try await self.compare(&orphans)
        try await self.closeAbandoned()
      } catch {
        self.observer.failed(error)
      }
      self.desk.withLock { $0.forget(before: .now - WorkloadGrant.lifetime) }
      try? await self.sleeper.sleep(for: self.settings.rhythm.round)
    }
  }

  private func compare(_ orphans: inout Orphans) async throws(Outage) {
    // First what is there, then the book: a machine is written down before it exists.
    let inventory = await self.inventory()
    let live = try await self.book.liveLeases(in: self.backend.name, limit: Self.maxRows)
    self.census.withLock { $0.replace(live: live) }
    self.observer.counted(Dictionary(grouping: live, by: \.state).mapValues(\.count))
    for lease in live { self.look(at: lease.id) }
    guard let inventory else { return }
    for id in orphans.judge(inventory, live: Set(live.map(\.id)), at: self.clock.now()) {
      try await self.removeOrphan(id)
    }
  }

  /// Machines of a host that never came back have ended by their own deadline, or were never made: their rows are
  /// closed by whoever shares the book.
  private func closeAbandoned() async throws(Outage) {
    let now = self.clock.now()
    for lease in try await self.book.liveLeases(in: nil, limit: Self.maxRows)
    where lease.backend != self.backend.name {
      guard let change = lease.closing(at: now, after: self.settings.rhythm.abandonment),
        let changed = try await self.book.change(lease, by: change)
      else { continue }
      self.observer.changed(changed, from: lease.state)
    }
  }

  /// Nil when the backend does not say.
  private func inventory() async -> [WorkloadID]? {
    do throws(BackendFault) {
      let inventory = try await self.backend.inventory()
      self.census.withLock { $0.heard(nil) }
      return inventory
    } catch {
      self.heard(error, during: "inventory", of: nil)
      return nil
    }
  }

  private func removeOrphan(_ id: WorkloadID) async throws(Outage) {
    let row = try await self.book.lease(id)
    // Of whatever backend: a name that was changed must not end machines that are paid for.
    if let row, row.state.isLive { return }
    do throws(BackendFault) {
      try await self.backend.remove(id, handle: row?.handle)
      self.observer.removedOrphan(id)
    } catch {
      self.heard(error, during: "remove", of: id)
    }
  }
}
