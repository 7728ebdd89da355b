internal import Gate

/// Passwords and keys on their way to machines: in memory only, and no longer than until the machine has them.
struct CredentialDrawer: Sendable {
  private var sheets: [WorkloadID: Sheet] = [:]
  private var starting: Set<WorkloadID> = []
  private var count: UInt64 = 0

  private struct Sheet {
    /// Nil where only the key is new.
    var password: WorkloadPassword?
    /// Newer than that of a row which was read before; nil where only the password is new.
    var key: String?
    var number: UInt64
  }

  /// What was handed to a backend.
  struct Handout: Sendable {
    var password: WorkloadPassword?
    var key: String?
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
    self.store(password, self.sheets[id]?.key, for: id)
    return .kept
  }

  /// The row has another key.
  mutating func putKey(_ key: String, for id: WorkloadID) {
    self.store(self.sheets[id]?.password, key, for: id)
  }

  /// For a start: until ``landed(_:)``, what comes is too late for it.
  mutating func handOutForStart(_ id: WorkloadID) -> Handout {
    self.starting.insert(id)
    return self.handOut(id)
  }

  func handOut(_ id: WorkloadID) -> Handout {
    let sheet = self.sheets[id]
    return Handout(password: sheet?.password, key: sheet?.key, number: sheet?.number)
  }

  /// For who sets a password past the drawer: the key goes along, the password that waited is void.
  mutating func takeKey(of id: WorkloadID) -> String? { self.sheets.removeValue(forKey: id)?.key }

  /// The machine has it, or will never: what came since stays.
  mutating func drop(_ handout: Handout, of id: WorkloadID) {
    guard let number = handout.number, self.sheets[id]?.number == number else { return }
    self.sheets[id] = nil
  }

  /// A start is over, well or badly, and the row says so.
  mutating func landed(_ id: WorkloadID) { self.starting.remove(id) }

  /// The machine is gone, or takes none.
  mutating func clear(_ id: WorkloadID) { self.sheets[id] = nil }

  private mutating func store(_ password: WorkloadPassword?, _ key: String?, for id: WorkloadID) {
    self.count += 1
    self.sheets[id] = Sheet(password: password, key: key, number: self.count)
  }
}
