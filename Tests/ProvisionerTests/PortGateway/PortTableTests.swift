import Gate
import Testing

@testable import Provisioner

@Suite("PortTable") struct PortTableTests {
  private let id = WorkloadID.random()
  private let here = ConnectionSource(prefix: [1])
  private let there = ConnectionSource(prefix: [2])
  private let target = GatewayTarget(address: "127.0.0.1", port: 2222)
  private let now = Timestamp(seconds: 100)

  private func table(_ change: (inout GatewayLimits) -> Void = { _ in }) -> Table {
    var limits = GatewayLimits()
    change(&limits)
    var table = PortTable(limits: limits)
    _ = table.reserve(22_000, for: self.id)
    table.setEnd(Timestamp(seconds: 200), of: self.id)
    return Table(table)
  }

  @Test("a port has one machine, and a machine one port")
  func exclusive() {
    let table = self.table()
    #expect(!table.reserve(22_000, for: .random()))
    #expect(!table.reserve(22_001, for: self.id))
    #expect(table.reserve(22_000, for: self.id), "asked again")
    _ = table.release(self.id)
    #expect(table.reserve(22_000, for: .random()))
  }

  @Test("a connection is held while the machine boots, and freed once")
  func holding() {
    let table = self.table { $0.heldPerMachine = 2 }
    let first = table.admit(on: 22_000, from: self.here, now: self.now)
    guard case .hold(let connection) = first else {
      Issue.record("\(first)")
      return
    }
    _ = table.admit(on: 22_000, from: self.here, now: self.now)
    #expect(table.admit(on: 22_000, from: self.here, now: self.now) == .refuse(.booting))
    table.ended(connection, of: self.id)
    #expect(table.setTarget(self.target, of: self.id).count == 1)
    #expect(table.setTarget(self.target, of: self.id).isEmpty)
    guard case .splice(_, self.target) = table.admit(on: 22_000, from: self.here, now: self.now) else {
      Issue.record("not let through")
      return
    }
  }

  @Test("nobody connects after the end, to a port without a machine, or when there are too many")
  func refusals() {
    let table = self.table {
      $0.perSourceAndMachine = 2
      $0.perMachine = 3
    }
    _ = table.setTarget(self.target, of: self.id)
    #expect(table.admit(on: 22_000, from: self.here, now: Timestamp(seconds: 200)) == .refuse(.over))
    #expect(table.admit(on: 22_999, from: self.here, now: self.now) == .refuse(.gone))
    for _ in 0..<2 { #expect(table.admit(on: 22_000, from: self.here, now: self.now).connection != nil) }
    #expect(table.admit(on: 22_000, from: self.here, now: self.now) == .refuse(.tooMany))
    #expect(table.admit(on: 22_000, from: self.there, now: self.now).connection != nil)
    #expect(table.admit(on: 22_000, from: self.there, now: self.now) == .refuse(.tooMany))
    table.setEnd(Timestamp(seconds: 50), of: self.id)
    #expect(table.admit(on: 22_000, from: self.there, now: self.now) == .refuse(.over))
  }

  @Test("a source counts over all machines, and only while it is connected")
  func sources() {
    let table = self.table { $0.perSource = 1 }
    let other = WorkloadID.random()
    _ = table.reserve(22_001, for: other)
    let first = table.admit(on: 22_000, from: self.here, now: self.now)
    #expect(table.admit(on: 22_001, from: self.here, now: self.now) == .refuse(.tooMany))
    if let connection = first.connection { table.ended(connection, of: self.id) }
    #expect(table.admit(on: 22_001, from: self.here, now: self.now).connection != nil)
    #expect(table.release(other).count == 1)
    #expect(table.admit(on: 22_000, from: self.here, now: self.now).connection != nil)
  }
}

/// A table by reference: an expectation may not change a variable.
private final class Table {
  private var table: PortTable

  init(_ table: PortTable) { self.table = table }

  func reserve(_ port: UInt16, for id: WorkloadID) -> Bool { self.table.reserve(port, for: id) }
  func release(_ id: WorkloadID) -> [PortTable.Connection] { self.table.release(id) }
  func setEnd(_ end: Timestamp, of id: WorkloadID) { self.table.setEnd(end, of: id) }
  func ended(_ connection: PortTable.Connection, of id: WorkloadID) { self.table.ended(connection, of: id) }
  func setTarget(_ target: GatewayTarget?, of id: WorkloadID) -> [PortTable.Connection] {
    self.table.setTarget(target, of: id)
  }
  func admit(on port: UInt16, from source: ConnectionSource, now: Timestamp) -> PortTable.Admission {
    self.table.admit(on: port, from: source, now: now)
  }
}
