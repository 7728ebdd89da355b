import Gate
import Store
import Synchronization
import TestKit
import Testing

@testable import Provisioner

@Suite("A machine's life", .timeLimit(.minutes(1)))
struct ProvisionerLifeTests {
  private let town = Town()

  @Test("who pays gets a machine, its access, its hour, and nothing of it is left after it")
  func wholeLife() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      let access = try #require(try await office.login(id, "secret"))
      #expect(access.host == "ssh.example")
      #expect(access.port == 22000)
      #expect(access.username == "dev")
      #expect(access.knownHosts == "[ssh.example]:22000 \(SampleKeys.ed25519)")
      #expect(access.fingerprint == SampleKeys.ed25519Fingerprint)
      let lease = try await town.settled(id)
      #expect(town.site.machine(id)?.password == "secret")
      #expect(town.site.machine(id)?.end == lease.end)
      #expect(office.condition == OfficeCondition(live: 1))
      town.clock.advance(by: Town.hour - .seconds(1))
      try await Task.sleep(for: .milliseconds(50))
      #expect(town.site.running.count == 1)
      town.clock.advance(by: .seconds(1))
      let gone = try await town.lease(id) { $0.state == .gone }
      #expect(gone.credit == .zero)
      #expect(town.site.machine(id) == nil)
      #expect(try await office.login(id, "again") == nil)
      #expect(try await office.present(Town.order(serial)) == .over)
    }
  }

  @Test("who wants less time than he paid for gets that, and the rest with the next machine")
  func wanted() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let wishes = WorkloadWishes(duration: .seconds(600))
      let order = WorkloadOrder(serial: serial, route: Town.route, spec: Town.spec.name, wishes: wishes)
      guard case .lease(let ordered, _) = try await office.present(order) else { throw Town.Gone() }
      let lease = try await town.lease(ordered.id) { $0.state == .ready && $0.toldEnd == $0.stop }
      #expect(lease.stop == town.clock.now() + .seconds(600))
      #expect(town.site.machine(lease.id)?.end == lease.stop)
      town.clock.advance(by: .seconds(599))
      try await Task.sleep(for: .milliseconds(50))
      #expect(Set(town.site.running.keys) == [lease.id])
      town.clock.advance(by: .seconds(1))
      let gone = try await town.lease(lease.id) { $0.state == .gone }
      #expect(gone.credit == .seconds(3000))
      let next = try await town.settled(try await office.machine(serial).id)
      #expect(next.id != lease.id)
      #expect(next.end == town.clock.now() + .seconds(3000))
    }
  }

  @Test("presenting the payment again gives the same machine and a new password")
  func again() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let first = try await office.machine(serial).id
      _ = try await office.login(first, "one")
      _ = try await town.settled(first)
      let second = try await office.machine(serial).id
      #expect(first == second)
      _ = try await office.login(second, "two")
      #expect(town.site.machine(first)?.password == "two")
      // Asking without one changes none.
      #expect(try await office.login(first, nil)?.port == 22000)
      #expect(town.site.machine(first)?.password == "two")
    }
  }

  @Test("another key is set on the machine that runs, and its user name stays")
  func otherKey() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial, key: SampleKeys.ed25519).id
      _ = try await town.settled(id)
      #expect(town.site.machine(id)?.publicKey == SampleKeys.ed25519)
      let wishes = WorkloadWishes(username: "other", publicKey: "\(SampleKeys.nistp256) me")
      _ = try await office.present(
        WorkloadOrder(serial: serial, route: Town.route, spec: Town.spec.name, wishes: wishes))
      try await town.until("the new key is set") {
        town.site.machine(id)?.publicKey == SampleKeys.nistp256
      }
      #expect(try await office.login(id, nil)?.username == "dev")
    }
  }

  @Test("many orders for one grant at a time make one machine")
  func parallel() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { first in
      try await town.withProcess { second in
        let ids = try await withThrowingTaskGroup(of: WorkloadID.self) { group in
          for number in 0..<20 {
            group.addTask { try await (number % 2 == 0 ? first : second).machine(serial).id }
          }
          return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        let id = try #require(ids.first)
        #expect(ids.count == 1)
        _ = try await town.settled(id)
        #expect(town.site.machine(id)?.starts == 1)
        #expect(town.site.state.withLock { $0.everStarted } == [id])
      }
    }
  }

  @Test("a password that is presented to another process than the one that makes the machine is set")
  func otherProcess() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.state.withLock { $0.isSlowToBoot = true }
    try await town.withProcess { first in
      let id = try await first.machine(serial).id
      try await town.withProcess { second in
        _ = try #require(try await second.login(id, "from afar"))
        #expect(town.site.machine(id)?.password == "from afar")
      }
    }
  }

  @Test("a password is not promised by a process that does not start the machine")
  func foreignStart() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.set(.hangsBefore, for: .start)
    try await town.withProcess { first in
      let id = try await first.machine(serial).id
      try await town.until("the start is on its way") { town.site.hasHung(.start) }
      try await town.withProcess { second in
        await #expect(throws: Outage.self) {
          try await second.access(
            to: id, setting: ProposedPassword(WorkloadPassword("x")), until: .now + .milliseconds(100))
        }
        // Nor by the one that starts it without.
        await #expect(throws: Outage.self) {
          try await first.access(
            to: id, setting: ProposedPassword(WorkloadPassword("x")), until: .now + .milliseconds(100))
        }
      }
    }
  }

  @Test("ends, top-ups, deaths and second tries do not wait for the timer round")
  func promptness() async throws {
    let town = self.town
    var settings = town.settings
    settings.rhythm.round = Town.hour
    let serials = [try await town.pay("one"), try await town.pay("two"), try await town.pay("three")]
    try await town.withProcess(settings: settings) { office in
      let ids = [
        try await office.machine(serials[0]).id, try await office.machine(serials[1]).id,
      ]
      for id in ids { _ = try await town.settled(id) }
      town.site.kill(ids[0])
      try await town.lease(ids[0]) { $0.state == .failed }
      _ = try await town.pay("more", onto: serials[1])
      office.changed(serials[1])
      try await town.lease(ids[1]) { $0.toldEnd == $0.end && $0.end > town.clock.now() + Town.hour }
      town.clock.advance(by: Town.hour * 2)
      try await town.lease(ids[1]) { $0.state == .gone }
      town.site.set(.fault(.unavailable("later")), for: .prepare)
      let third = try await office.machine(serials[2]).id
      try await town.until("it was tried") { town.site.calls(.prepare) == 3 }
      town.site.set(nil, for: .prepare)
      town.clock.advance(by: .seconds(1))
      _ = try await town.settled(third)
    }
  }

  @Test("a top-up moves the end of the machine that runs")
  func topUp() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      let before = try await town.settled(id).end
      _ = try await town.pay("two", onto: serial)
      office.changed(serial)
      let lease = try await town.lease(id) { $0.toldEnd == before + Town.hour }
      #expect(lease.end == before + Town.hour)
      #expect(town.site.machine(id)?.end == before + Town.hour)
      town.clock.advance(by: Town.hour + .seconds(1))
      try await Task.sleep(for: .milliseconds(50))
      #expect(town.site.running.count == 1)
      town.clock.advance(by: Town.hour)
      try await town.lease(id) { $0.state == .gone }
    }
  }

  @Test("a top-up that nobody told of is found by the timer, and counts at the last moment")
  func silentTopUp() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      let before = try await town.settled(id).end
      _ = try await town.pay("two", onto: serial)
      town.clock.advance(by: Town.hour)
      try await town.lease(id) { $0.toldEnd == before + Town.hour }
      #expect(town.site.running.count == 1)
    }
  }

  @Test("a machine ended early leaves its time, and the same payment gets another with the rest")
  func endEarly() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let first = try await office.machine(serial).id
      _ = try await town.settled(first)
      town.clock.advance(by: .seconds(600))
      let ended = try #require(try await office.end(first, note: "its owner ended it"))
      #expect(ended.state == .gone)
      #expect(ended.credit == .seconds(3000))
      #expect(town.site.machine(first) == nil)
      town.clock.advance(by: .seconds(86_400))
      let second = try await office.machine(serial)
      #expect(second.id != first)
      let lease = try await town.settled(second.id)
      #expect(lease.end == town.clock.now() + .seconds(3000))
      town.clock.advance(by: .seconds(3000))
      try await town.lease(second.id) { $0.state == .gone }
      #expect(try await office.present(Town.order(serial)) == .over)
      #expect(town.site.state.withLock { $0.mostRunning } == 1)
    }
  }

  @Test("a machine that another process ended in the book is removed by who runs")
  func endedElsewhere() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      let lease = try await town.settled(id)
      _ = try await town.ledger.change(lease, by: .expiring(.credited, note: "by hand"))
      try await town.lease(id) { $0.state == .gone }
      #expect(town.site.machine(id) == nil)
    }
  }

  @Test("an unknown machine has no access and no end")
  func unknown() async throws {
    try await self.town.withProcess { office in
      let ended = try await office.end(.random(), note: "")
      #expect(ended == nil)
      let access = try await office.login(.random(), nil)
      #expect(access == nil)
    }
  }

  @Test("a revoked grant's machine ends at once and leaves no credit")
  func revoked() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      _ = try await town.ledger.revoke(serial)
      office.changed(serial)
      let gone = try await town.lease(id) { $0.state == .gone }
      #expect(gone.credit == .zero)
      #expect(town.site.running.isEmpty)
      #expect(try await office.present(Town.order(serial)) == .revoked)
    }
  }

  @Test("a machine that dies leaves what is left of its time, and the payment gets another")
  func dies() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      town.clock.advance(by: .seconds(600))
      town.site.kill(id)
      let failed = try await town.lease(id) { $0.state == .failed }
      #expect(failed.credit == .seconds(3000))
      #expect(failed.note == "it was killed")
      try await town.until("its remains are removed") { town.site.machine(id) == nil }
      let second = try await office.machine(serial).id
      #expect(second != id)
      _ = try await town.settled(second)
    }
  }
}
