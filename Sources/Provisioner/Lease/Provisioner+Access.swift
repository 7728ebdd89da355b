package import Gate
internal import Synchronization

/// How buyers log in.
extension Provisioner {
  private enum Outlook {
    case access(WorkloadAccess)
    case dead
  }

  package func access(
    to id: WorkloadID, settingPassword password: WorkloadPassword?, until deadline: ContinuousClock.Instant
  ) async throws(Outage) -> WorkloadAccess? {
    var unset = password
    var setting: WorkloadAccess.PasswordSetting = password == nil ? .untouched : .set
    var silence: String?
    let outlook = try await self.wait(for: id, until: deadline) { lease throws(Outage) -> Outlook? in
      switch lease.state {
      case .expiring, .gone, .failed: return .dead
      case .ordered, .starting, .ready: break
      }
      guard lease.backend == self.backend.name else {
        throw Outage(.outage, "machine \(id) is kept by \(lease.backend), not here", retryAfterSeconds: 30)
      }
      if let password = unset {
        switch await self.hand(password, to: lease) {
        case .kept: unset = nil
        case .refused: (unset, setting) = (nil, .refused)
        case .later(let reason): silence = reason
        }
      }
      guard unset == nil, let port = lease.port, let key = lease.hostKey else { return nil }
      return .access(try self.access(to: lease, port: port, hostKey: key, setting))
    }
    switch outlook {
    case .access(let access): return access
    case .dead: return nil
    case nil:
      guard try await self.book.lease(id) != nil else { return nil }
      if unset != nil, let silence {
        throw Outage(.outage, "machine \(id) takes no password now: \(silence)", retryAfterSeconds: 2)
      }
      throw Outage(.inFlight, "machine \(id) is not prepared yet", retryAfterSeconds: 1)
    }
  }

  private enum Handover {
    case kept
    /// It takes none while it runs.
    case refused
    /// Not now; with the backend's reason, where it was asked.
    case later(String?)
  }

  private func hand(_ password: WorkloadPassword, to lease: Lease) async -> Handover {
    guard lease.handle != nil else {
      // Another process starts it, without what is in our drawer.
      if let owner = lease.owner, owner != self.book.owner { return .later(nil) }
      switch self.drawer.withLock({ $0.put(password, for: lease.id) }) {
      case .kept: return .kept
      case .tooLate: return .later(nil)
      }
    }
    do throws(BackendFault) {
      self.drawer.withLock { $0.clear(lease.id) }
      try await self.backend.setCredentials(self.credentials(password, for: lease), of: lease)
      return .kept
    } catch {
      self.heard(error, during: LeaseMachine.Ask.setCredentials.verb, of: lease.id)
      switch error {
      case .refused: return .refused
      case .unavailable(let reason):
        // What the drawer had of a new key went with it.
        if lease.wishes.publicKey != nil { self.drawer.withLock { $0.putKey(for: lease.id) } }
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
