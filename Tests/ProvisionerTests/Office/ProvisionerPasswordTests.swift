import Gate
import Synchronization
import TestKit
import Testing

@testable import Provisioner

@Suite("The password that an answer shows", .timeLimit(.minutes(1)))
struct ProvisionerPasswordTests {
  private let town = Town()

  @Test(
    "answers that are asked for at the same time hold one password, and it is the machine's",
    arguments: [true, false])
  func parallel(isReady: Bool) async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      if isReady { _ = try await town.settled(id) }
      let asked = ContinuousClock.now
      let told = try await withThrowingTaskGroup(of: String?.self) { group in
        for number in 0..<12 {
          group.addTask {
            try? await Task.sleep(for: .milliseconds(number % 4))
            return try await office.access(
              to: id, setting: ProposedPassword(WorkloadPassword("pw-\(number)"), asked: asked),
              until: .now + .seconds(20))?.told
          }
        }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(told.count == 1)
      #expect(told == [town.site.machine(id)?.password])
      _ = try await town.settled(id)
      #expect(told == [town.site.machine(id)?.password])
    }
  }

  @Test("who asks after an answer was given gets a new one, and who asked before it still gets that")
  func sequence() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      let before = ContinuousClock.now
      #expect(try await office.login(id, "one")?.told == "one")
      #expect(try await office.login(id, "two")?.told == "two")
      let late = try await office.access(
        to: id, setting: ProposedPassword(WorkloadPassword("late"), asked: before), until: .now + .seconds(20)
      )
      #expect(late?.told == "two")
      #expect(town.site.machine(id)?.password == "two")
    }
  }

  @Test("one that could not be set is not shown to those who waited for it: they set their own")
  func failure() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      _ = try await town.settled(id)
      town.site.set(.fault(.unavailable("no route")), for: .setCredentials)
      async let first = office.login(id, "one")
      async let second = office.login(id, "two")
      try await town.until("both were tried") { town.site.calls(.setCredentials) > 2 }
      town.site.set(nil, for: .setCredentials)
      let told = [try await first?.told, try await second?.told]
      #expect(Set(told) == [town.site.machine(id)?.password])
    }
  }

  @Test("a key that was brought before is the machine's when the password is told", arguments: [true, false])
  func key(isReady: Bool) async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      if isReady { _ = try await town.settled(id) }
      let asked = ContinuousClock.now
      // The second holds the first one's password, and its key goes its own way.
      for key in [SampleKeys.ed25519, SampleKeys.nistp256] {
        try await office.setKey("\(key) me", of: id)
        let access = try await office.access(
          to: id, setting: ProposedPassword(WorkloadPassword("pw"), asked: asked), until: .now + .seconds(20))
        #expect(access?.told == "pw")
        #expect(town.site.machine(id)?.publicKey == key)
        #expect(town.site.machine(id)?.password == "pw")
      }
      // A replacement of this machine has it as well.
      #expect(try await office.lease(id)?.wishes.publicKey == SampleKeys.nistp256)
    }
  }

  @Test("no login is told for a machine that is not made: the answer waits until it exists")
  func notMade() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    town.site.set(.fault(.unavailable("connection refused")), for: .start)
    try await town.withProcess { office in
      let id = try await office.machine(serial).id
      try await town.until("it was tried") { town.site.calls(.start) > 0 }
      await #expect(throws: Outage.self) {
        try await office.access(
          to: id, setting: ProposedPassword(WorkloadPassword("x")), until: .now + .milliseconds(50))
      }
      // Where it will be is known all the same.
      #expect(try await office.login(id, nil)?.port == 22000)
      town.site.set(nil, for: .start)
      town.clock.advance(by: .seconds(1))
      #expect(try await office.login(id, "y")?.told == "y")
      #expect(town.site.machine(id)?.password == "y")
    }
  }

  @Test("one order opens the machine, and the others find it")
  func opened() async throws {
    let town = self.town
    let serial = try await town.pay("one")
    try await town.withProcess { office in
      let standings = try await withThrowingTaskGroup(of: WorkloadStanding.self) { group in
        for _ in 0..<8 { group.addTask { try await office.present(Town.order(serial)) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let firsts = standings.count { if case .lease(_, .first) = $0 { true } else { false } }
      #expect(firsts == 1)
    }
  }
}
