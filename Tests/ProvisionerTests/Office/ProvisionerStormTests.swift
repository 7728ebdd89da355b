import Gate
import Store
import Synchronization
import TestKit
import Testing

@testable import Provisioner

/// A fixed sequence of numbers, so that a storm that fails fails again.
private struct Dice: RandomNumberGenerator {
  var state: UInt64

  /// SplitMix64 (Steele, Lea, Flood 2014).
  mutating func next() -> UInt64 {
    self.state &+= 0x9e37_79b9_7f4a_7c15
    var z = self.state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite("Machines in a storm", .timeLimit(.minutes(2)))
struct ProvisionerStormTests {
  private static let grants = 12

  @Test(
    "whatever fails and whoever is killed, nobody ever has two machines, and everybody has the time that he paid for",
    arguments: [1, 2, 3, 4, 5, 6])
  func storm(_ seed: UInt64) async throws {
    let town = Town()
    var settings = town.settings
    settings.maximum = 100
    settings.rhythm.steps = 4
    var dice = Dice(state: seed)
    var serials: [Serial] = []
    for number in 0..<Self.grants { serials.append(try await town.pay("p\(number)")) }
    for _ in 0..<8 {
      let deeds = (0..<20).map { _ in dice.next() }
      try await self.live(town, settings, serials, deeds)
      // Killed there; some time passes until the next.
      town.clock.advance(by: .seconds(Int(dice.next() % 20)))
    }
    try await self.calm(town, settings, serials)
  }

  /// One process's life: things go wrong, people come back, and then it is killed in the middle of it.
  private func live(
    _ town: Town, _ settings: ProvisionerSettings, _ serials: [Serial], _ deeds: [UInt64]
  ) async throws {
    try await town.withProcess(settings: settings) { office in
      for deed in deeds {
        let verbs = ScriptedSite.Verb.allCases
        let verb = verbs[Int(deed >> 8) % verbs.count]
        let serial = serials[Int(deed >> 16) % serials.count]
        switch deed % 8 {
        case 0: town.site.set(.hangsBefore, for: verb)
        case 1: town.site.set(.hangsAfter, for: verb)
        case 2: town.site.set(.fault(.unavailable("storm")), for: verb)
        case 3: town.site.set(nil, for: verb)
        case 4: town.site.running.keys.first.map { town.site.kill($0) }
        case 5: town.clock.advance(by: .seconds(1))
        case 6:
          // Ended without waiting for it.
          if let lease = try await town.ledger.lease(of: serial), lease.state.isLive {
            _ = try await town.ledger.change(lease, by: .expiring(.credited, note: "storm"))
          }
        default: _ = try? await office.book.order(Town.order(serial), as: .random(), in: "scripted")
        }
        try await Task.sleep(for: .milliseconds(Int(deed >> 24) % 6))
      }

    }
  }

  /// Nothing fails any more: everybody gets his machine, and the rest of his hour on it.
  private func calm(_ town: Town, _ settings: ProvisionerSettings, _ serials: [Serial]) async throws {
    town.site.state.withLock { $0.mishaps = [:] }
    try await town.withProcess(settings: settings) { office in
      // Some find that theirs has died, and come again.
      for _ in 0..<1000 where try await !self.haveAll(town, office, serials) {
        try await Task.sleep(for: .milliseconds(4))
        // What is looked at twice before it is believed needs time to pass.
        town.clock.advance(by: .milliseconds(20))
      }
      #expect(town.site.running.count == serials.count)
      town.clock.advance(by: Town.hour)
      try await town.until("all are gone") { town.site.running.isEmpty }
      for serial in serials {
        let lease = try #require(try await town.ledger.lease(of: serial))
        try await town.lease(lease.id) { $0.state == .gone && $0.credit == .zero }
        let standing = try await office.present(Town.order(serial))
        #expect(standing == .over)
      }
      // What a dead process left half made goes too.
      town.clock.advance(by: .seconds(31))
      try await town.until("nothing is left") { town.site.state.withLock { $0.machines.isEmpty } }
    }
    #expect(town.site.state.withLock { $0.doubles } == [])
  }

  private func haveAll(_ town: Town, _ office: Provisioner, _ serials: [Serial]) async throws -> Bool {
    for serial in serials {
      let lease = try await office.machine(serial)
      guard lease.state == .ready, lease.toldEnd == lease.end else { return false }
      guard let machine = town.site.machine(lease.id), machine.isRunning else { return false }
      #expect(machine.end == lease.end)
      #expect(lease.end > town.clock.now() && lease.end <= town.clock.now() + Town.hour)
    }
    return true
  }
}
