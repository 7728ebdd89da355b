internal import Gate
internal import Octets
private import Synchronization

/// What is known of the processes that share the database: our own name, and who is proven dead.
///
/// A process holds an advisory lock named for it, in a session of its own (``OwnerKeeper``). When the process
/// ends, however it ends, the server drops the lock. But a lock also goes when only the *connection* broke or
/// the server was started again, so a free lock is no proof yet. It is one after it was seen free for a whole
/// ``grace`` in one unbroken session of ours: within half of that time the other would have taken it again, or
/// given up its name for ever.
final class OwnerWatch: Sendable {
  /// The most names watched; beyond it a name is taken for alive, and its lease ends.
  private static let maxWatched = 1_024

  private enum Sight {
    case unseen, held
    case free(since: ContinuousClock.Instant)
    case dead
  }

  private struct State {
    var owner: Owner
    /// When the server last confirmed our lock.
    var proven: ContinuousClock.Instant
    var sights: [Owner: Sight] = [:]
  }

  let grace: Duration
  private let state: Mutex<State>

  init(grace: Duration) {
    self.grace = grace
    self.state = Mutex(State(owner: Self.newName(), proven: .now))
  }

  var owner: Owner { self.state.withLock { $0.owner } }

  func liveness(of other: Owner) -> OwnerLiveness {
    // A name that we never make is nobody's.
    guard Self.key(of: other) != nil else { return .dead }
    return self.state.withLock { state in
      guard other != state.owner else { return .alive }
      switch state.sights[other] {
      case .dead?: return .dead
      case .unseen?, .held?, .free?: return .alive
      case nil:
        if state.sights.count >= Self.maxWatched {
          state.sights = state.sights.filter { if case .held = $0.value { false } else { true } }
        }
        if state.sights.count < Self.maxWatched { state.sights[other] = .unseen }
        return .alive
      }
    }
  }

  /// The advisory lock's key: the first 8 bytes of a name of 16 random ones.
  static func key(of owner: Owner) -> Int64? {
    guard owner.text.utf8.count == 32, let bytes = Hex.decode(owner.text) else { return nil }
    return Int64(bitPattern: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
  }

  static func newName() -> Owner { Owner(Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) })) }

  // MARK: The keeper's part

  /// Names whose locks are to be looked for.
  var watched: [Owner] {
    self.state.withLock { state in
      state.sights.compactMap { if case .dead = $0.value { nil } else { $0.key } }
    }
  }

  /// - Parameters:
  ///   - held: keys of all locks that are held.
  ///   - asked: before the question went out; answers come later, so an absence is never made longer than it was.
  func note(_ owners: [Owner], held: Set<Int64>, asked: ContinuousClock.Instant) {
    let now = ContinuousClock.now
    self.state.withLock { state in
      for owner in owners {
        guard let sight = state.sights[owner], let key = Self.key(of: owner) else { continue }
        switch (held.contains(key), sight) {
        case (_, .dead): break
        case (true, _): state.sights[owner] = .held
        case (false, .free(let since)):
          if asked - since >= self.grace { state.sights[owner] = .dead }
        case (false, .unseen), (false, .held): state.sights[owner] = .free(since: now)
        }
      }
    }
  }

  /// Our own session broke: what we saw before proves nothing any more.
  func forgetSights() {
    self.state.withLock { state in
      state.sights = state.sights.mapValues { if case .dead = $0 { .dead } else { .unseen } }
    }
  }

  /// - Parameter moment: before the server was asked.
  func prove(_ owner: Owner, at moment: ContinuousClock.Instant) {
    self.state.withLock { state in
      state.owner = owner
      state.proven = moment
    }
  }

  /// How long ago our lock was confirmed.
  var silence: Duration { self.state.withLock { .now - $0.proven } }

  /// Within half the grace others cannot have seen us absent for a whole one.
  var isProven: Bool { self.silence < self.grace / 2 }
}
