internal import Gate

/// The password that was set on each machine last, and when it was given out: answers that overlap in time hold the same
/// one, so that none is void when it arrives.
///
/// In memory only, and no longer than someone may come who asked before.
struct PasswordDesk: Sendable {
  private var entries: [WorkloadID: Entry] = [:]

  private struct Entry {
    /// Nil while it is being set.
    var password: WorkloadPassword?
    /// Answers under way that hold it.
    var holders = 0
    var given: ContinuousClock.Instant?
  }

  /// What the one who comes does.
  enum Turn: Sendable {
    /// Sets his own; ``set(_:on:)`` or ``failed(_:)`` follows.
    case sets
    /// Holds what another has set; ``gave(_:at:)`` follows.
    case holds(WorkloadPassword)
    /// Comes again: another is setting one.
    case waits
  }

  mutating func turn(at id: WorkloadID, asked: ContinuousClock.Instant) -> Turn {
    if let entry = self.entries[id] {
      guard let password = entry.password else { return .waits }
      if entry.holders > 0 || entry.given.map({ asked <= $0 }) ?? false {
        self.entries[id]?.holders += 1
        return .holds(password)
      }
    }
    self.entries[id] = Entry()
    return .sets
  }

  /// Its setter holds it.
  mutating func set(_ password: WorkloadPassword, on id: WorkloadID) {
    self.entries[id] = Entry(password: password, holders: 1)
  }

  /// None is known to be set.
  mutating func failed(_ id: WorkloadID) { self.entries[id] = nil }

  /// An answer with it is given, or given up.
  mutating func gave(_ id: WorkloadID, at now: ContinuousClock.Instant) {
    self.entries[id]?.holders -= 1
    self.entries[id]?.given = now
  }

  /// Those that nobody holds and that were given out before.
  mutating func forget(before moment: ContinuousClock.Instant) {
    self.entries = self.entries.filter { $0.value.holders > 0 || $0.value.given.map { moment <= $0 } ?? true }
  }
}
