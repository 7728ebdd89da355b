import Gate
import Store
import Synchronization
import TestKit
import Testing

@testable import Provisioner

@Suite("A machine in trouble", .timeLimit(.minutes(1)))
struct ProvisionerTroubleTests {
  private let town = Town()

  @Test(
    "a process killed at any step is followed by one that goes on: one machine, at its port, with its whole hour",
    arguments: [ScriptedSite.Verb.prepare, .start, .look, .setEnd], ["before", "after"])
  func killed(_ verb: ScriptedSite.Verb, _ moment: String) async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.set(moment == "before" ? .hangsBefore : .hangsAfter, for: verb)
    let id = try await town.withProcess { office in
      let id = try await office.machine(serial).id
      try await town.until("the call is on its way") { town.site.hasHung(verb) }
      return id
    }
    town.clock.advance(by: .seconds(30))
    try await town.withProcess { office in
      let lease = try await town.settled(id)
      // What was paid for counts from when it takes logins.
      let readySince = try #require(lease.readySince)
      #expect(lease.end == readySince + Town.hour)
      #expect(town.site.machine(id)?.end == lease.end)
      #expect(town.site.machine(id)?.starts == 1)
      #expect(town.site.state.withLock { $0.everStarted } == [id])
      #expect(try await office.machine(serial).id == id)
      #expect(try await office.login(id, "new")?.port == 22000)
      #expect(town.site.machine(id)?.password == "new")
      town.clock.advance(by: lease.end - town.clock.now())
      try await town.lease(id) { $0.state == .gone }
      #expect(town.site.running.isEmpty)
    }
  }

  @Test("a process killed while it removes is followed by one that removes", arguments: ["before", "after"])
  func killedAtTheEnd(_ moment: String) async throws {
    let town = self.town
    let serial = try await town.pay("one")
    let id = try await town.withProcess { office in
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      town.site.set(moment == "before" ? .hangsBefore : .hangsAfter, for: .remove)
      town.clock.advance(by: Town.hour)
      try await town.until("the call is on its way") { town.site.hasHung(.remove) }
      return id
    }
    try await town.withProcess { _ in
      try await town.lease(id) { $0.state == .gone }
      #expect(town.site.machine(id) == nil)
    }
  }

  @Test("machines that ended while nobody ran are found, and so are those that go on")
  func restart() async throws {
    let town = self.town
    let serials = [try await town.pay("one"), try await town.pay("two"), try await town.pay("three")]
    let ids = try await town.withProcess { office in
      var ids: [WorkloadID] = []
      for serial in serials {
        ids.append(try await office.machine(serial).id)
        _ = try await town.settled(ids[ids.count - 1])
      }
      return ids
    }
    town.clock.advance(by: .seconds(1800))
    town.site.kill(ids[0])
    // Topped up while nobody ran.
    _ = try await town.pay("more", onto: serials[1])
    try await town.withProcess { _ in
      let dead = try await town.lease(ids[0]) { $0.state == .failed }
      #expect(dead.credit == .seconds(1800))
      let extended = try await town.lease(ids[1]) { $0.toldEnd == $0.end }
      #expect(extended.end - town.clock.now() == .seconds(1800 + 3600))
      #expect(town.site.machine(ids[1])?.end == extended.end)
      town.clock.advance(by: .seconds(1800))
      try await town.lease(ids[2]) { $0.state == .gone }
      #expect(Set(town.site.running.keys) == [ids[1]])
    }
  }

  @Test("a backend that is down between payment and creation is waited for: 503, then one machine")
  func backendDown() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.set(.fault(.unavailable("connection refused")), for: .prepare, .inventory)
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      await #expect(throws: Outage.self) {
        try await office.access(
          to: id, setting: ProposedPassword(WorkloadPassword("one")), until: .now + .milliseconds(100))
      }
      try await town.until("nobody else is sold one") {
        office.vacancy(for: Town.spec.name) == .unavailable("connection refused")
      }
      town.clock.advance(by: .seconds(60))
      town.site.set(nil, for: .prepare, .inventory)
      #expect(try await office.machine(serial).id == id)
      _ = try #require(try await office.login(id, "two"))
      let lease = try await town.settled(id)
      #expect(lease.end == town.clock.now() + Town.hour)
      try await town.until("it has the last password") { town.site.machine(id)?.password == "two" }
      #expect(office.vacancy(for: Town.spec.name) == .open)
      #expect(town.site.state.withLock { $0.everStarted } == [id])
    }
  }

  @Test("a backend that stays down fails the lease, and the same payment gets a machine later")
  func backendStaysDown() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.set(.fault(.unavailable("connection refused")), for: .prepare, .remove, .inventory)
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      try await town.until("it was tried") { town.site.calls(.prepare) > 0 }
      town.clock.advance(by: .seconds(200))
      let failed = try await town.lease(id) { $0.state == .failed }
      #expect(failed.credit == Town.hour)
      #expect(failed.note == "connection refused")
      #expect(try await office.login(id, "x") == nil)
      town.site.set(nil, for: .prepare, .remove, .inventory)
      let second = try await office.machine(serial).id
      #expect(second != id)
      let lease = try await town.settled(second)
      #expect(lease.end == town.clock.now() + Town.hour)
    }
  }

  @Test("a port that another replica's machine has is not given again: another one is prepared")
  func takenPort() async throws {
    let town = self.town
    let serials = [try await town.pay("one"), try await town.pay("two"), try await town.pay("three")]
    try await town.withProcess { office in
      let first = try await office.machine(serials[0]).id
      let kept = try await town.settled(first)
      let second = try await office.machine(serials[1]).id
      _ = try await town.settled(second)
      // As a replica that has not seen the others' machines.
      town.site.state.withLock { $0.nextPort = kept.port ?? 0 }
      let third = try await office.machine(serials[2]).id
      let lease = try await town.settled(third)
      let ports = try await town.ledger.leases(limit: 9).compactMap(\.port)
      #expect(ports.count == 3 && Set(ports).count == 3, "\(ports)")
      #expect(town.site.machine(third)?.port == lease.port)
      #expect(town.site.running.count == 3)
      #expect(lease.end == town.clock.now() + Town.hour)
    }
  }

  @Test("a pass whose grant was forgotten is over, and no outage")
  func forgotten() async throws {
    let town = self.town
    try await town.withProcess { office in
      let standing = try await office.present(Town.order(Serial(77)))
      #expect(standing == .over)
    }
  }

  @Test("a machine that takes no new password goes on with the one it has, and its owner is told")
  func refusedPassword() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      #expect(try await office.login(id, "first")?.told == "first")
      _ = try await town.settled(id)
      town.site.set(.fault(.refused("read once")), for: .setCredentials)
      let access = try #require(try await office.login(id, "second"))
      #expect(access.told == "refused")
      #expect(town.site.machine(id)?.password == "first")
      #expect(try await office.login(id, nil)?.told == "untouched")
      // Another key is refused as well, and fails nothing.
      _ = try await office.machine(serial, key: SampleKeys.nistp256)
      try await town.until("the key was tried") { town.site.calls(.setCredentials) > 1 }
      let lease = try await town.settled(id)
      #expect(lease.state == .ready)
    }
  }

  @Test("a machine that boots without the last password, and takes none, is not said to have it")
  func refusedWhileBooting() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.state.withLock { $0.isSlowToBoot = true }
    town.site.set(.fault(.refused("read once")), for: .setCredentials)
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      try await town.lease(id) { $0.handle != nil }
      #expect(try await office.login(id, "late")?.told == "refused")
      town.site.state.withLock { $0.isSlowToBoot = false }
      _ = try await town.settled(id)
      #expect(town.site.machine(id)?.password == nil)
    }
  }

  @Test("a machine that does not answer is asked to take the password until the request's time is up")
  func silentPassword() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      town.site.set(.fault(.unavailable("no route")), for: .setCredentials)
      let error = await #expect(throws: Outage.self) {
        try await office.access(
          to: id, setting: ProposedPassword(WorkloadPassword("x")), until: .now + .milliseconds(100))
      }
      #expect(error?.message.contains("no route") == true)
      let calls = town.site.calls(.setCredentials)
      #expect(calls > 1)
      async let late = office.login(id, "late")
      try await town.until("it is asked") { town.site.calls(.setCredentials) > calls }
      town.site.set(nil, for: .setCredentials)
      let access = try await late
      #expect(access?.told == "late")
      #expect(town.site.machine(id)?.password == "late")
    }
  }

  @Test("a refused start fails at once and leaves all time")
  func refused() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.set(.fault(.refused("no such image")), for: .start)
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      let failed = try await town.lease(id) { $0.state == .failed }
      #expect(failed.credit == Town.hour)
      #expect(failed.note == "no such image")
      #expect(town.site.calls(.start) == 1)
      #expect(town.site.machine(id) == nil)
    }
  }

  @Test("a machine that never takes logins is removed before it fails")
  func neverReady() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.state.withLock { $0.isSlowToBoot = true }
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      try await town.lease(id) { $0.handle != nil }
      town.clock.advance(by: .seconds(200))
      let failed = try await town.lease(id) { $0.state == .failed }
      #expect(failed.credit == Town.hour)
      #expect(town.site.running.isEmpty)
    }
  }

  @Test("the time a machine takes to boot is its buyer's, not the seller's")
  func slowBoot() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.state.withLock { $0.isSlowToBoot = true }
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      try await town.lease(id) { $0.handle != nil }
      town.clock.advance(by: .seconds(90))
      town.site.state.withLock { $0.isSlowToBoot = false }
      #expect(try await town.settled(id).end == town.clock.now() + Town.hour)
    }
  }

  @Test("what runs without a lease is removed after a while, and nothing else")
  func orphans() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    let orphan = town.site.makeOrphan()
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      town.clock.advance(by: .seconds(29))
      try await Task.sleep(for: .milliseconds(80))
      #expect(town.site.machine(orphan) != nil)
      town.clock.advance(by: .seconds(2))
      try await town.until("the orphan is gone") { town.site.machine(orphan) == nil }
      #expect(Set(town.site.running.keys) == [id])
    }
  }

  @Test("what has a live row under another backend's name is no orphan")
  func renamed() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    let stray = town.site.makeOrphan()
    _ = try await town.ledger.order(Town.order(serial), as: stray, in: "before it was renamed")
    try await town.withProcess { office in
      try await town.until("it was seen") { town.site.calls(.inventory) > 1 }
      town.clock.advance(by: .seconds(60))
      let calls = town.site.calls(.inventory)
      try await town.until("it was judged") { town.site.calls(.inventory) > calls + 2 }
      #expect(town.site.machine(stray) != nil)
      await #expect(throws: Outage.self) { try await office.login(stray, "x") }
    }
  }

  @Test("a host that never comes back: what ran there ends in the book, what was not made is credit")
  func lostHost() async throws {
    let town = self.town
    let serials = [try await town.pay("one"), try await town.pay("two"), try await town.pay("three")]
    let ids = serials.map { _ in WorkloadID.random() }
    for (serial, id) in zip(serials, ids) {
      _ = try await town.ledger.order(Town.order(serial), as: id, in: "local:far")
    }
    let steps: [LeaseChange] = [
      .began(by: Owner("far")), .prepared(port: 22000, hostKey: "k"), .started(handle: "h"), .ready,
    ]
    for change in steps {
      let lease = try #require(try await town.ledger.lease(ids[0]))
      _ = try await town.ledger.change(lease, by: change)
    }
    let ended = try #require(try await town.ledger.lease(ids[1]))
    _ = try await town.ledger.change(ended, by: .expiring(.credited, note: "ended by its owner"))
    try await town.withProcess { office in
      town.clock.advance(by: .seconds(899))
      let calls = town.site.calls(.inventory)
      try await town.until("rounds have passed") { town.site.calls(.inventory) > calls + 2 }
      #expect(try await office.book.liveLeases(in: "local:far", limit: 9).count == 3)
      town.clock.advance(by: .seconds(1))
      #expect(try await town.lease(ids[1]) { $0.state == .gone }.credit == Town.hour)
      #expect(try await town.lease(ids[2]) { $0.state == .failed }.credit == Town.hour)
      #expect(try await office.machine(serials[2]).backend == "scripted")
      town.clock.advance(by: Town.hour - .seconds(1))
      #expect(try await town.ledger.lease(ids[0])?.state == .ready)
      town.clock.advance(by: .seconds(1))
      #expect(try await town.lease(ids[0]) { $0.state == .gone }.credit == .zero)
      #expect(try await office.present(Town.order(serials[0])) == .over)
    }
  }

  @Test("an end that the backend does not hear is told again until it does; so is a key")
  func deafEnd() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      let before = try await town.settled(id).end
      town.site.set(.fault(.unavailable("connection refused")), for: .setEnd)
      _ = try await town.pay("two", onto: serial)
      office.changed(serial)
      try await town.until("it was tried") { town.site.calls(.setEnd) > 1 }
      // The book has it, whoever asks; the machine has the old one, and that is known.
      let lease = try #require(try await office.lease(id))
      #expect(lease.end == before + Town.hour && lease.toldEnd == before)
      for _ in 0..<3 {
        let calls = town.site.calls(.setEnd)
        town.clock.advance(by: .milliseconds(40))
        try await town.until("it is tried again") { town.site.calls(.setEnd) > calls }
      }
      town.site.set(nil, for: .setEnd)
      town.clock.advance(by: .milliseconds(40))
      #expect(try await town.settled(id).end == before + Town.hour)
      #expect(town.site.machine(id)?.end == before + Town.hour)
      town.site.set(.fault(.unavailable("connection refused")), for: .setCredentials)
      _ = try await office.machine(serial, key: SampleKeys.nistp256)
      try await town.until("the key was tried") { town.site.calls(.setCredentials) > 0 }
      town.site.set(nil, for: .setCredentials)
      town.clock.advance(by: .milliseconds(40))
      try await town.until("the key is set") { town.site.machine(id)?.publicKey == SampleKeys.nistp256 }
    }
  }

  @Test("a machine that never heard of its new end leaves the rest of its time")
  func neverHeard() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      town.site.set(.fault(.unavailable("connection refused")), for: .setEnd)
      _ = try await town.pay("two", onto: serial)
      office.changed(serial)
      try await town.until("it was tried") { town.site.calls(.setEnd) > 1 }
      town.clock.advance(by: Town.hour)
      // Its own deadline.
      town.site.kill(id)
      #expect(try await town.lease(id) { $0.state == .failed }.credit == Town.hour)
      #expect(try await office.machine(serial).id != id)
    }
  }

  @Test("no more machines are sold than allowed, and who waits is told how long")
  func full() async throws {
    let town = self.town
    var settings = town.settings
    settings.maximum = 1
    let serial = try await town.pay("one")
    try await town.withProcess(settings: settings) { office in
      try await town.until("it was examined") { office.vacancy(for: Town.spec.name) == .open }
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      #expect(office.vacancy(for: Town.spec.name) == .full(retryAfterSeconds: 3600))
      _ = try await office.end(id, note: "done")
      #expect(office.vacancy(for: Town.spec.name) == .open)
      town.site.state.withLock { $0.vacancy = .full(retryAfterSeconds: 5) }
      #expect(office.vacancy(for: Town.spec.name) == .full(retryAfterSeconds: 5))
      #expect(
        office.vacancy(for: WorkloadSpecName("huge"))
          == .unavailable("no machines of kind huge are offered"))
    }
  }

  @Test("kinds that can never be made here are told, until what they need is there")
  func impossible() async throws {
    let town = self.town
    let other = WorkloadSpecName("out")
    var settings = town.settings
    settings.specs.append(WorkloadSpec(name: other))
    town.site.state.withLock { $0.lacks = [other: "slirp4netns is missing"] }
    try await town.withProcess(settings: settings) { office in
      await office.examined()
      #expect(office.condition.fault == nil)
      #expect(office.condition.impossible == [other: "slirp4netns is missing"])
      #expect(office.census.withLock { $0.report?.impossible } == office.condition.impossible)
      town.site.state.withLock { $0.lacks[Town.spec.name] = "slirp4netns is missing" }
      #expect(office.condition.fault == "slirp4netns is missing")
      town.site.state.withLock { $0.lacks = [:] }
      #expect(office.condition == OfficeCondition())
    }
  }

  @Test("a host that is unfit sells nothing and says why; a reduced one says what it lacks")
  func fitness() async throws {
    let town = self.town
    town.site.state.withLock { $0.fitness = .unfit("bwrap is missing") }
    try await town.withProcess { office in
      try await town.until("it says so") {
        office.condition.fault == "bwrap is missing"
          && office.vacancy(for: Town.spec.name) == .unavailable("bwrap is missing")
      }
    }
    town.site.state.withLock { $0.fitness = .reduced(["no memory limit"]) }
    try await town.withProcess { office in
      try await town.until("it says so") { office.condition.reducedIsolation == ["no memory limit"] }
      #expect(office.vacancy(for: Town.spec.name) == .open)
    }
  }

  @Test("until it was examined it sells nothing and says to ask again soon; then who waited for that is told")
  func examination() async throws {
    let town = self.town
    let idle = Provisioner(
      book: town.ledger, backend: ScriptedBackend(town.site), settings: town.settings, clock: town.clock)
    #expect(
      idle.vacancy(for: Town.spec.name)
        == .unavailable("the backend was not examined yet", retryAfterSeconds: 1))
    try await town.withProcess { office in
      await office.examined()
      #expect(office.vacancy(for: Town.spec.name) == .open)
    }
  }

  @Test("a host that is unfit is examined again, and sells when what it lacked is there")
  func mended() async throws {
    let town = self.town
    var settings = town.settings
    settings.rhythm.examination = .milliseconds(5)
    town.site.state.withLock { $0.fitness = .unfit("bwrap is missing") }
    try await town.withProcess(settings: settings) { office in
      await office.examined()
      #expect(office.vacancy(for: Town.spec.name) == .unavailable("bwrap is missing"))
      town.site.state.withLock { $0.fitness = .full }
      try await town.until("it sells") { office.vacancy(for: Town.spec.name) == .open }
    }
  }

  @Test("wishes that cannot be had are named, and others are not")
  func wishes() async throws {
    try await self.town.withProcess { office in
      let name = Town.spec.name
      #expect(office.check(WorkloadWishes(), for: name) == nil)
      let good = WorkloadWishes(username: "me", publicKey: SampleKeys.nistp384, image: "alpine")
      #expect(office.check(good, for: name) == nil)
      #expect(office.check(WorkloadWishes(username: "root"), for: name) == .username)
      #expect(office.check(WorkloadWishes(publicKey: "ssh-rsa x"), for: name) == .publicKey)
      #expect(office.check(WorkloadWishes(image: "evil"), for: name) == .image)
      #expect(office.check(WorkloadWishes(), for: WorkloadSpecName("huge")) == .spec)
    }
  }
}
