package import Gate
internal import Synchronization

/// How buyers log in.
extension Provisioner {
  private enum Outlook {
    case access(WorkloadAccess)
    case dead
  }

  package func access(
    to id: WorkloadID, setting proposed: ProposedPassword?, until deadline: ContinuousClock.Instant
  ) async throws(Outage) -> WorkloadAccess? {
    var setting: WorkloadAccess.PasswordSetting? = proposed == nil ? .untouched : nil
    defer { if case .set? = setting { self.desk.withLock { $0.gave(id, at: .now) } } }
    var silence: String?
    let outlook = try await self.wait(for: id, until: deadline) { lease throws(Outage) -> Outlook? in
      switch lease.state {
      case .expiring, .gone, .failed: return .dead
      case .ordered, .starting, .ready: break
      }
      guard lease.backend == self.backend.name else {
        throw Outage(.outage, "machine \(id) is kept by \(lease.backend), not here", retryAfterSeconds: 30)
      }
      if let proposed, setting == nil {
        switch await self.settle(proposed, on: lease) {
        case .has(let password): setting = .set(password)
        case .refused: setting = .refused
        case .later(let reason): silence = reason
        }
      }
      guard let setting, let port = lease.port, let key = lease.hostKey else { return nil }
      // A password is promised for a machine that exists: one that is only ordered would be made without it by
      // whoever finds it after a crash.
      // So is a key that came before.
      if case .set = setting {
        guard lease.handle != nil, self.drawer.withLock({ $0.state(of: id) }) == .empty else { return nil }
      }
      return .access(try self.access(to: lease, port: port, hostKey: key, setting))
    }
    switch outlook {
    case .access(let access): return access
    case .dead: return nil
    case nil:
      guard try await self.book.lease(id) != nil else { return nil }
      if setting == nil, let silence {
        throw Outage(.outage, "machine \(id) takes no password now: \(silence)", retryAfterSeconds: 2)
      }
      throw Outage(.inFlight, "machine \(id) is not there yet", retryAfterSeconds: 1)
    }
  }

  private enum Handover {
    /// This one, whoever set it.
    case has(WorkloadPassword)
    /// It takes none while it runs.
    case refused
    /// Not now; with the backend's reason, where it was asked.
    case later(String?)
  }

  /// The proposed password, or the one that another answer has set since it was asked for.
  private func settle(_ proposed: ProposedPassword, on lease: Lease) async -> Handover {
    switch self.desk.withLock({ $0.turn(at: lease.id, asked: proposed.asked) }) {
    case .holds(let password): return .has(password)
    case .waits: return .later(nil)
    case .sets: break
    }
    let handover = await self.hand(proposed.password, to: lease)
    guard case .has(let password) = handover else {
      self.desk.withLock { $0.failed(lease.id) }
      return handover
    }
    self.desk.withLock { $0.set(password, on: lease.id) }
    self.signals.changed(lease.id)
    return handover
  }

  private func hand(_ password: WorkloadPassword, to lease: Lease) async -> Handover {
    guard lease.handle != nil else {
      // Another process starts it, without what is in our drawer.
      if let owner = lease.owner, owner != self.book.owner { return .later(nil) }
      switch self.drawer.withLock({ $0.put(password, for: lease.id) }) {
      case .kept: return .has(password)
      case .tooLate: return .later(nil)
      }
    }
    let key = self.drawer.withLock { $0.takeKey(of: lease.id) }
    do throws(BackendFault) {
      try await self.backend.setCredentials(self.credentials(password, key, for: lease), of: lease)
      return .has(password)
    } catch {
      self.heard(error, during: LeaseMachine.Ask.setCredentials.verb, of: lease.id)
      switch error {
      case .refused: return .refused
      case .unavailable(let reason):
        if let key { self.drawer.withLock { $0.putKey(key, for: lease.id) } }
        return .later(reason)
      }
    }
  }

  private func access(
    to lease: Lease, port: UInt16, hostKey text: String, _ password: WorkloadAccess.PasswordSetting
  ) throws(Outage) -> WorkloadAccess {
    guard let key = PublicHostKey(text) else {
      throw Outage(.outage, "the host key of machine \(lease.id) cannot be read")
    }
    let host = self.settings.host
    return WorkloadAccess(
      lease: lease, host: host, port: port, username: self.username(of: lease),
      knownHosts: key.knownHosts(host: host, port: port), fingerprint: key.fingerprint,
      reducedIsolation: self.condition.reducedIsolation, password: password)
  }

  private func username(of lease: Lease) -> String {
    lease.wishes.username ?? self.specs[lease.spec]?.username ?? WorkloadSpec.defaultUsername
  }
}
