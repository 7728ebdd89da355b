internal import Gate

/// Which machine listens where, who is connected to it, and who may connect: no socket, no clock.
struct PortTable {
  typealias Connection = UInt64

  struct Machine {
    var port: UInt16
    var end: Timestamp
    /// Where its SSH is; nil while it boots.
    var target: GatewayTarget?
    var connections: [Connection: Visit] = [:]

    var held: Int { self.connections.values.count { $0.isHeld } }
  }

  struct Visit {
    var source: ConnectionSource
    var isHeld: Bool
  }

  enum Admission: Equatable {
    case splice(Connection, to: GatewayTarget)
    /// Its machine boots: kept open without a byte.
    case hold(Connection)
    case refuse(GatewayRefusal)

    var connection: Connection? {
      switch self {
      case .splice(let connection, _), .hold(let connection): connection
      case .refuse: nil
      }
    }
  }

  private let limits: GatewayLimits
  private(set) var machines: [WorkloadID: Machine] = [:]
  private(set) var owners: [UInt16: WorkloadID] = [:]
  private var visits: [ConnectionSource: Int] = [:]
  private var total = 0
  private var nextConnection: Connection = 0

  init(limits: GatewayLimits) { self.limits = limits }

  /// False when another has it.
  mutating func reserve(_ port: UInt16, for id: WorkloadID) -> Bool {
    if let owner = self.owners[port] { return owner == id }
    guard self.machines[id] == nil else { return false }
    self.owners[port] = id
    self.machines[id] = Machine(port: port, end: Timestamp(milliseconds: .max))
    return true
  }

  /// The connections that it had.
  mutating func release(_ id: WorkloadID) -> [Connection] {
    guard let machine = self.machines.removeValue(forKey: id) else { return [] }
    self.owners[machine.port] = nil
    for visit in machine.connections.values { self.leave(visit.source) }
    return Array(machine.connections.keys)
  }

  mutating func setEnd(_ end: Timestamp, of id: WorkloadID) { self.machines[id]?.end = end }

  /// The connections that were held for it.
  mutating func setTarget(_ target: GatewayTarget?, of id: WorkloadID) -> [Connection] {
    guard var machine = self.machines[id] else { return [] }
    machine.target = target
    var freed: [Connection] = []
    if target != nil {
      for (connection, visit) in machine.connections where visit.isHeld {
        freed.append(connection)
        machine.connections[connection]?.isHeld = false
      }
    }
    self.machines[id] = machine
    return freed.sorted()
  }

  mutating func admit(on port: UInt16, from source: ConnectionSource, now: Timestamp) -> Admission {
    guard let id = self.owners[port], let machine = self.machines[id] else { return .refuse(.gone) }
    guard now < machine.end else { return .refuse(.over) }
    guard self.total < self.limits.total, machine.connections.count < self.limits.perMachine,
      machine.connections.values.count(where: { $0.source == source }) < self.limits.perSourceAndMachine,
      self.visits[source, default: 0] < self.limits.perSource
    else { return .refuse(.tooMany) }
    if machine.target == nil, machine.held >= self.limits.heldPerMachine { return .refuse(.booting) }
    let connection = self.nextConnection
    self.nextConnection += 1
    self.total += 1
    self.visits[source, default: 0] += 1
    let isHeld = machine.target == nil
    self.machines[id]?.connections[connection] = Visit(source: source, isHeld: isHeld)
    return machine.target.map { .splice(connection, to: $0) } ?? .hold(connection)
  }

  func isHeld(_ connection: Connection, of id: WorkloadID) -> Bool {
    self.machines[id]?.connections[connection]?.isHeld == true
  }

  mutating func ended(_ connection: Connection, of id: WorkloadID) {
    guard let visit = self.machines[id]?.connections.removeValue(forKey: connection) else { return }
    self.leave(visit.source)
  }

  private mutating func leave(_ source: ConnectionSource) {
    self.total -= 1
    let left = self.visits[source, default: 1] - 1
    self.visits[source] = left > 0 ? left : nil
  }
}

/// Where a machine's SSH can be reached from here.
package struct GatewayTarget: Hashable, Sendable {
  /// Numeric.
  package var address: String
  package var port: UInt16

  package init(address: String, port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// Whom a connection counts for: an IPv4 address, or the /64 of an IPv6 one, which one subscriber has whole.
struct ConnectionSource: Hashable, Sendable {
  var prefix: [UInt8]
}

/// Why a connection was sent away.
package enum GatewayRefusal: String, Hashable, Sendable, CaseIterable {
  case gone, over, tooMany, booting, unreachable

  /// A line before the version string, as RFC 4253 §4.2 lets a server send; OpenSSH shows it with `-v`.
  var line: String {
    switch self {
    case .gone: "There is no machine here.\r\n"
    case .over: "This machine's paid time is over.\r\n"
    case .tooMany: "Too many connections; try again later.\r\n"
    case .booting: "This machine is still starting; try again in a minute.\r\n"
    case .unreachable: "This machine does not answer; try again in a minute.\r\n"
    }
  }
}

/// Bounds of a gateway's connections and of its waits.
package struct GatewayLimits: Hashable, Sendable {
  package var total = 8192
  package var perMachine = 32
  package var perSource = 128
  package var perSourceAndMachine = 16
  package var heldPerMachine = 8
  /// How long a connection waits for a machine to boot.
  package var holdTime: Duration = .seconds(60)
  /// How long a machine that is said to be ready may refuse connections.
  package var connectTime: Duration = .seconds(5)

  package init() {}
}
