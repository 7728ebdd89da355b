internal import Synchronization

/// Which passes are revoked, as far as this process knows: time passes are judged by it without asking the store.
public final class Revocations: Sendable {
  /// What can be said of one serial now.
  enum Word {
    case valid, revoked
    /// Never loaded, or too old to be believed: a pass may have been revoked since.
    case stale
    /// More are revoked than are held here: the store must be asked.
    case askTheLedger
  }

  /// How many are held; 64 Ki of 16 bytes each. Beyond, every time pass is looked up in the ledger.
  public static let capacity = 65_536
  /// Design §4: older than this, time passes are 503.
  public static let maxAge: Duration = .seconds(10)
  /// Design §4: how often they are read again.
  public static let refreshInterval: Duration = .seconds(1)

  private struct State {
    var serials: Set<Serial> = []
    var isComplete = true
    var loaded: Timestamp?
  }

  private let state = Mutex(State())

  public init() {}

  /// Replaces what is known; `serials` may hold one more than the capacity, which says that there are more.
  public func load(_ serials: [Serial], at now: Timestamp) {
    self.state.withLock { state in
      state.serials = Set(serials.prefix(Self.capacity))
      state.isComplete = serials.count <= Self.capacity
      state.loaded = now
    }
  }

  func word(on serial: Serial, at now: Timestamp) -> Word {
    self.state.withLock { state in
      // A clock that was set back tells no age.
      guard let loaded = state.loaded, now - loaded <= Self.maxAge, loaded - now <= Self.maxAge else {
        return .stale
      }
      if state.serials.contains(serial) { return .revoked }
      return state.isComplete ? .valid : .askTheLedger
    }
  }
}
