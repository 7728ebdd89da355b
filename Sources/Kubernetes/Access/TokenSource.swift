private import Synchronization

/// The bearer token of each call: a constant, or a file that is read again as it rotates.
struct TokenSource: Sendable {
  /// As client-go does; a projected token is replaced when 80 % of its life is over, which is many minutes
  /// early.
  private static let maxAge: Duration = .seconds(60)
  private static let maxBytes = 64 << 10

  private let credential: ClusterAccess.Credential
  private let shelf = Shelf()

  init(_ credential: ClusterAccess.Credential) { self.credential = credential }

  func current() throws(KubernetesFault) -> BearerToken? {
    switch self.credential {
    case .none: return nil
    case .token(let token): return token
    case .tokenFile(let path):
      let now = ContinuousClock.now
      if let kept = self.shelf.read(now) { return kept }
      // A few hundred bytes that the kubelet keeps in memory: not worth a thread.
      guard let bytes = try? AccessFile.read(path, maxBytes: Self.maxBytes),
        let token = BearerToken(AccessFile.trimmed(bytes))
      else {
        throw .unreachable(.credential("the token file cannot be read"))
      }
      self.shelf.keep(token, until: now + Self.maxAge)
      return token
    }
  }

  /// After a 401: whether reading the token again could give another.
  func forget() -> Bool {
    guard case .tokenFile = self.credential else { return false }
    return self.shelf.clear()
  }

  private final class Shelf: Sendable {
    private let kept = Mutex<(token: BearerToken, until: ContinuousClock.Instant)?>(nil)

    func read(_ now: ContinuousClock.Instant) -> BearerToken? {
      self.kept.withLock { kept in
        guard let kept, now < kept.until else { return nil }
        return kept.token
      }
    }

    func keep(_ token: BearerToken, until: ContinuousClock.Instant) {
      self.kept.withLock { $0 = (token, until) }
    }

    func clear() -> Bool {
      self.kept.withLock { kept in
        defer { kept = nil }
        return kept != nil
      }
    }
  }
}
