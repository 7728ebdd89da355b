internal import Gate

/// Passwords and keys on their way to machines: in memory only, and no longer than until the machine has them.
struct CredentialDrawer: Sendable {
  private var sheets: [WorkloadID: Sheet] = [:]
  private var starting: Set<WorkloadID> = []
  private var count: UInt64 = 0

  private struct Sheet {
    /// Nil where only the key is new, which is in the row.
    var password: WorkloadPassword?
    var number: UInt64
  }

  /// What was handed to a backend.
  struct Handout: Sendable {
    var password: WorkloadPassword?
    /// Nil where nothing waited.
    fileprivate var number: UInt64?
  }

  enum Deposit: Hashable, Sendable {
    case kept
    /// The machine is being started without it: wait until it is there, and set it then.
    case tooLate
  }

  func state(of id: WorkloadID) -> LeaseMachine.Circumstances.Drawer {
    self.sheets[id] == nil ? .empty : .filled
  }

  mutating func put(_ password: WorkloadPassword, for id: WorkloadID) -> Deposit {
    guard !self.starting.contains(id) else { return .tooLate }
    self.store(password, for: id)
    return .kept
  }

  /// The row has another key.
  mutating func putKey(for id: WorkloadID) { self.store(self.sheets[id]?.password, for: id) }

  /// For a start: until ``landed(_:)``, what comes is too late for it.
  mutating func handOutForStart(_ id: WorkloadID) -> Handout {
    self.starting.insert(id)
    return self.handOut(id)
  }

  func handOut(_ id: WorkloadID) -> Handout {
    Handout(password: self.sheets[id]?.password, number: self.sheets[id]?.number)
  }

  /// The machine has it, or will never: what came since stays.
  mutating func drop(_ handout: Handout, of id: WorkloadID) {
    guard let number = handout.number, self.sheets[id]?.number == number else { return }
    self.sheets[id] = nil
  }

  /// A start is over, well or badly, and the row says so.
  mutating func landed(_ id: WorkloadID) { self.starting.remove(id) }

  /// Another password was set past the drawer, or the machine is gone.
  mutating func clear(_ id: WorkloadID) { self.sheets[id] = nil }

  private mutating func store(_ password: WorkloadPassword?, for id: WorkloadID) {
    self.count += 1
    self.sheets[id] = Sheet(password: password, number: self.count)
  }
}
