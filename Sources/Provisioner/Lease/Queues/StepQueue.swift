package import Gate

/// Which leases are worked on: each by one task at most, and only so many at a time; the rest wait in line.
package struct StepQueue: Sendable {
  /// More who wait than this are left to the next timer round, which finds them in the book.
  package static let maxWaiting = 16_384

  private let limit: Int
  private var line: [WorkloadID] = []
  private var waiting: Set<WorkloadID> = []
  private var busy: [WorkloadID: Sequel] = [:]

  private enum Sequel { case done, again }

  package init(limit: Int) {
    precondition(limit > 0, "Somebody must work.")
    self.limit = limit
  }

  /// What the caller does about one more lease.
  package enum Admission: Hashable, Sendable {
    /// Start a task for it now.
    case start
    /// A task that is under way sees to it.
    case follows
  }

  package mutating func add(_ id: WorkloadID) -> Admission {
    if self.busy[id] != nil {
      self.busy[id] = .again
      return .follows
    }
    if self.busy.count < self.limit {
      self.busy[id] = .done
      return .start
    }
    if self.line.count < Self.maxWaiting, self.waiting.insert(id).inserted { self.line.append(id) }
    return .follows
  }

  /// What the task that has finished with `id` does next; nil: it ends.
  package mutating func next(after id: WorkloadID) -> WorkloadID? {
    if self.busy.removeValue(forKey: id) == .again, self.waiting.insert(id).inserted { self.line.append(id) }
    guard !self.line.isEmpty else { return nil }
    let next = self.line.removeFirst()
    self.waiting.remove(next)
    self.busy[next] = .done
    return next
  }
}
