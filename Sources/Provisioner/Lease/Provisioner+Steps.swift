internal import Gate
internal import Synchronization

/// Does what a ``LeaseMachine`` decides.
extension Provisioner {
  /// Steps of one lease in a row; a row that is always changed under our hands waits for its next turn.
  private static let maxSteps = 64
  /// After the book failed.
  private static let bookPause: Duration = .seconds(1)

  /// Takes a lease as far as it goes now, and sets when it goes on.
  func advance(_ id: WorkloadID) async {
    do throws(Outage) {
      try await self.take(id)
    } catch {
      self.observer.failed(error)
      self.wakeTimes.set(id, to: self.clock.now() + Self.bookPause)
    }
    self.drawer.withLock { $0.landed(id) }
  }

  private func take(_ id: WorkloadID) async throws(Outage) {
    guard var lease = try await self.book.lease(id), lease.backend == self.backend.name else {
      return self.forget(id)
    }
    let resting = self.machines.withLock { $0.removeValue(forKey: id) }
    var machine = resting ?? LeaseMachine(lease, rules: self.settings.rules)
    defer { self.keep(machine, of: lease) }
    var event = LeaseMachine.Event.row(lease)
    for _ in 0..<Self.maxSteps {
      let action = machine.receive(event, try await self.circumstances(of: lease))
      switch action {
      case .rest(let moment):
        self.wakeTimes.set(id, to: moment)
        return
      case .forget:
        self.forget(id)
        return
      case .write(let change):
        event = try await self.write(change, to: lease)
      case .ask(let ask):
        event = await self.ask(ask, of: lease)
        // What a cancelled call answers says nothing of the backend.
        if Task.isCancelled { return }
      }
      switch event {
      case .row(let changed), .written(let changed): lease = changed
      default: break
      }
    }
    self.wakeTimes.set(id, to: self.clock.now() + Self.bookPause)
  }

  private func keep(_ machine: LeaseMachine, of lease: Lease) {
    guard lease.state.isLive else { return }
    self.machines.withLock { $0[lease.id] = machine }
  }

  private func forget(_ id: WorkloadID) {
    self.wakeTimes.set(id, to: nil)
    self.machines.withLock { $0[id] = nil }
    self.drawer.withLock { $0.clear(id) }
  }

  private func circumstances(of lease: Lease) async throws(Outage) -> LeaseMachine.Circumstances {
    var holder = LeaseMachine.Holder.ours
    let owner = self.book.owner
    if lease.state == .starting, lease.owner != owner {
      let others = lease.owner.map { [$0] } ?? []
      holder = try await self.book.dead(among: others).count == others.count ? .dead : .other
    }
    return LeaseMachine.Circumstances(
      now: self.clock.now(), owner: owner, holder: holder,
      drawer: self.drawer.withLock { $0.state(of: lease.id) })
  }

  // MARK: The book

  private func write(_ change: LeaseChange, to lease: Lease) async throws(Outage) -> LeaseMachine.Event {
    guard let changed = try await self.book.change(lease, by: change) else {
      guard let found = try await self.book.lease(lease.id) else {
        throw Outage(.outage, "the row of machine \(lease.id) is gone")
      }
      self.note(found, after: found)
      if case .prepared = change, found == lease {
        return .portsTaken(try await self.portsTaken(besides: lease))
      }
      return .row(found)
    }
    if changed.handle != nil { self.drawer.withLock { $0.landed(lease.id) } }
    self.note(changed, after: lease)
    return .written(changed)
  }

  private func portsTaken(besides lease: Lease) async throws(Outage) -> Set<UInt16> {
    let live = try await self.book.liveLeases(in: self.backend.name, limit: Self.maxRows)
    return Set(live.filter { $0.id != lease.id }.compactMap(\.port))
  }

  /// Tells who waits and who counts; `old` is nil for a new one.
  func note(_ lease: Lease, after old: Lease?) {
    self.census.withLock { $0.note(lease) }
    self.signals.changed(lease.id)
    guard old?.state != lease.state else { return }
    self.observer.changed(lease, from: old?.state)
    if lease.state == .ready { self.observer.ready(lease, after: self.clock.now() - lease.ordered) }
  }

  // MARK: The backend

  private func ask(_ ask: LeaseMachine.Ask, of lease: Lease) async -> LeaseMachine.Event {
    do throws(BackendFault) {
      let event = try await self.perform(ask, for: lease)
      self.census.withLock { $0.heard(nil) }
      return event
    } catch {
      self.heard(error, during: ask.verb, of: lease.id)
      guard ask == .setCredentials, case .refused = error else { return .fault(error, during: ask) }
      // It will never take them; what waits for nothing is not kept.
      self.drawer.withLock { $0.clear(lease.id) }
      return .credentialsSet
    }
  }

  func heard(_ fault: BackendFault, during verb: String, of id: WorkloadID?) {
    // What is wrong with one machine that runs says nothing of the next.
    if id == nil || verb == "prepare" || verb == "start" { self.census.withLock { $0.heard(fault) } }
    self.observer.faulted(fault, during: verb, of: id)
  }

  private func perform(_ ask: LeaseMachine.Ask, for lease: Lease) async throws(BackendFault)
    -> LeaseMachine.Event
  {
    let id = lease.id
    switch ask {
    case .prepare(let taken):
      return .prepared(try await self.backend.prepare(lease, try self.spec(of: lease), besides: taken))
    case .start(let end):
      var asked = lease
      asked.end = end
      let spec = try self.spec(of: lease)
      let handout = self.drawer.withLock { $0.handOutForStart(id) }
      let handle = try await self.backend.start(
        asked, spec, credentials: self.credentials(handout.password, handout.key, for: lease))
      self.drawer.withLock { $0.drop(handout, of: id) }
      return .started(handle: handle)
    case .look: return .sighted(try await self.backend.look(lease))
    case .setEnd(let end):
      try await self.backend.setEnd(end, of: lease)
      return .told(end)
    case .setCredentials:
      let handout = self.drawer.withLock { $0.handOut(id) }
      try await self.backend.setCredentials(
        self.credentials(handout.password, handout.key, for: lease), of: lease)
      self.drawer.withLock { $0.drop(handout, of: id) }
      self.signals.changed(id)
      return .credentialsSet
    case .remove:
      try await self.backend.remove(id, handle: lease.handle)
      return .removed
    }
  }

  /// - Parameter key: newer than the row's.
  func credentials(_ password: WorkloadPassword?, _ key: String?, for lease: Lease) -> WorkloadCredentials {
    WorkloadCredentials(password: password, publicKey: key ?? lease.wishes.publicKey)
  }

  private func spec(of lease: Lease) throws(BackendFault) -> WorkloadSpec {
    guard let spec = self.specs[lease.spec] else {
      throw .refused("machines of kind \(lease.spec) are not offered any more")
    }
    return spec
  }
}
