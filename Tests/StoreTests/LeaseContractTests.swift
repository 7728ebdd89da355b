import Gate
import Store
import TestKit
import Testing

/// What every backend says of machines: who gets one, what their steps are, and where their time goes.
@Suite(.timeLimit(.minutes(3))) struct LeaseContractTests {
  // MARK: Orders

  @Test("a grant gets one machine, in writing", arguments: Backend.allCases)
  func opened(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.hour("a").serial
    let order = WorkloadOrder(
      serial: serial, route: paid.route, spec: WorkloadSpecName("ssh"),
      wishes: WorkloadWishes(
        username: "eve", publicKey: "ssh-ed25519 AAAA eve", image: "debian:12", duration: .seconds(61)))
    let id = WorkloadID.random()
    let expected = Lease(
      id: id, serial: serial, payment: PaymentID("a"), spec: order.spec, wishes: order.wishes,
      backend: "local",
      ordered: bench.clock.now(), end: bench.clock.now() + .seconds(3600))
    #expect(try await ledger.order(order, as: id, in: "local") == .opened(expected))
    #expect(try await ledger.order(order, as: .random(), in: "local") == .live(expected))
    #expect(try await ledger.lease(id) == expected)
    #expect(try await ledger.lease(of: serial) == expected)
    #expect(try await ledger.lease(.random()) == nil)
    #expect(try await ledger.lease(of: Serial(1)) == nil)
    #expect(try await bench.open().leases(limit: 9) == [expected])
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("of parallel orders of one grant one is opened, and all get it", arguments: Backend.allCases)
  func parallel(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let serial = try await ledgers[0].hour("a").serial
    let outcomes = try await withThrowingTaskGroup(of: OrderOutcome.self) { group in
      for index in 0..<24 {
        group.addTask {
          try await ledgers[index % 2].order(order(of: serial), as: .random(), in: "local")
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { if case .opened = $0 { true } else { false } } == 1)
    #expect(Set(outcomes.compactMap(\.lease?.id)).count == 1)
    #expect(outcomes.allSatisfy { $0.lease != nil })
    #expect(try await ledgers[0].leases(limit: 99).count == 1)
  }

  @Test("parallel orders of many grants get a machine each", arguments: Backend.allCases)
  func parallelGrants(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    var serials: [Serial] = []
    for index in 0..<8 { serials.append(try await ledgers[0].hour("p\(index)").serial) }
    let opened = try await withThrowingTaskGroup(of: Lease?.self) { group in
      for index in 0..<16 {
        let serial = serials[index / 2]
        group.addTask {
          let outcome = try await ledgers[index % 2].order(order(of: serial), as: .random(), in: "local")
          guard case .opened(let lease) = outcome else { return nil }
          return lease
        }
      }
      return try await group.reduce(into: [Lease]()) { leases, lease in
        if let lease { leases.append(lease) }
      }
    }
    #expect(Set(opened.map(\.serial)) == Set(serials))
    #expect(opened.count == 8)
  }

  @Test("no grant, a revoked one and one without time get no machine", arguments: Backend.allCases)
  func refused(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    #expect(try await ledger.ordering(Serial(1)) == .missing)
    let counted = try await ledger.granted(payment("counted")).serial
    await #expect(throws: Outage.self) { try await ledger.ordering(counted) }
    let serial = try await ledger.hour("a").serial
    _ = try await ledger.revoke(serial)
    #expect(try await ledger.ordering(serial) == .revoked)
    #expect(try await ledger.leases(limit: 9) == [])
  }

  @Test("a grant of another route pays for no machine, whatever it cost", arguments: Backend.allCases)
  func otherRoute(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    var order = order(of: try await ledger.hour("a").serial)
    order.route = RouteID("/dear")
    #expect(try await ledger.order(order, as: .random(), in: "local") == .otherRoute)
    let lease = try await ledger.opening(order.serial)
    #expect(try await ledger.order(order, as: .random(), in: "local") == .otherRoute, "nor when one runs")
    _ = try #require(try await ledger.change(lease, by: .failed(note: "no")))
    #expect(try await ledger.order(order, as: .random(), in: "local") == .otherRoute, "nor by its credit")
    #expect(try await ledger.leases(limit: 9).count == 1)
  }

  @Test("a machine id is given once", arguments: Backend.allCases)
  func identity(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let (first, second) = (try await ledger.hour("a").serial, try await ledger.hour("b").serial)
    let id = WorkloadID.random()
    _ = try await ledger.order(order(of: first), as: id, in: "local")
    await #expect(throws: Outage.self) {
      try await ledger.order(order(of: second), as: id, in: "local")
    }
    #expect(try await ledger.lease(id)?.serial == first)
    #expect(try await ledger.lease(of: second) == nil)
    #expect(try await ledger.payment(PaymentID("b"))?.grant?.unused == nil)
  }

  @Test("who paid and got no machine has all his time, however late he comes", arguments: Backend.allCases)
  func late(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let (soon, never) = (try await ledger.hour("soon").serial, try await ledger.hour("late").serial)
    bench.clock.advance(by: .seconds(1800))
    #expect(try await ledger.opening(soon).end == bench.clock.now() + .seconds(3600))
    _ = try await ledger.topUp("more", onto: never)
    bench.clock.advance(by: .seconds(90_000))
    _ = try await ledger.topUp("yet more", onto: never)
    bench.clock.advance(by: .seconds(90_000))
    #expect(try await ledger.timeKept(of: never) == .seconds(3 * 3600))
    #expect(try await ledger.timeKept(of: soon) == nil)
    #expect(try await ledger.timeKept(of: Serial(999)) == nil)
    let lease = try await ledger.opening(never)
    #expect(lease.end == bench.clock.now() + .seconds(3 * 3600))
    #expect(try await ledger.payment(PaymentID("late"))?.grant?.end == lease.end)
  }

  @Test(
    "a machine is found by each payment that opened its grant or topped it up", arguments: Backend.allCases)
  func boughtBy(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let serial = try await ledger.hour("a").serial
    #expect(try await ledger.lease(boughtBy: PaymentID("a")) == nil)
    let lease = try await ledger.opening(serial)
    _ = try await ledger.topUp("b", onto: serial)
    _ = try await ledger.claiming(payment("c"))
    for name in ["a", "b"] {
      #expect(try await ledger.lease(boughtBy: PaymentID(name))?.id == lease.id)
    }
    for name in ["c", "nobody's"] { #expect(try await ledger.lease(boughtBy: PaymentID(name)) == nil) }
    #expect(try await ledger.lease(lease.id)?.payment == PaymentID("a"))
  }

  @Test("live machines are told oldest first, all of them newest first", arguments: Backend.allCases)
  func lists(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    var leases: [Lease] = []
    for (index, place) in ["local", "kubernetes", "local", "local"].enumerated() {
      leases.append(try await ledger.opening(try await ledger.hour("p\(index)").serial, in: place))
      bench.clock.advance(by: .seconds(1))
    }
    _ = try #require(try await ledger.change(leases[2], by: .failed(note: "no")))
    let ids = leases.map(\.id)
    #expect(try await ledger.liveLeases(in: nil, limit: 9).map(\.id) == [ids[0], ids[1], ids[3]])
    #expect(try await ledger.liveLeases(in: "local", limit: 9).map(\.id) == [ids[0], ids[3]])
    #expect(try await ledger.liveLeases(in: "local", limit: 1).map(\.id) == [ids[0]])
    #expect(try await ledger.liveLeases(in: "elsewhere", limit: 9) == [])
    #expect(try await ledger.leases(limit: 9).map(\.id) == ids.reversed())
    #expect(try await ledger.leases(limit: 2).map(\.id) == [ids[3], ids[2]])
  }

  // MARK: Steps

  @Test("a machine's whole life is kept, also across a restart", arguments: Backend.allCases)
  func life(backend: Backend) async throws {
    let bench = try Bench(backend)
    var lease = try await bench.open().opening(try await bench.open().hour("a").serial)
    let (ordered, owner) = (bench.clock.now(), Owner("maker"))
    let key = "ssh-ed25519 AAAA"
    let wishes = WorkloadWishes(username: "bob", publicKey: nil, image: "b")
    let told = Timestamp(seconds: 7)
    func step(_ change: LeaseChange, _ expect: (inout Lease) -> Void) async throws {
      var expected = lease
      expected.version += 1
      expect(&expected)
      bench.clock.advance(by: .seconds(1))
      // Each time by a process of its own.
      lease = try #require(try await bench.open().change(lease, by: change))
      #expect(lease == expected)
      #expect(try await bench.open().lease(lease.id) == expected)
    }
    try await step(.began(by: Owner("dead"))) { ($0.state, $0.owner) = (.starting, Owner("dead")) }
    try await step(.began(by: owner)) { $0.owner = owner }
    try await step(.prepared(port: 65535, hostKey: key)) { ($0.port, $0.hostKey) = (65535, key) }
    try await step(.started(handle: "41 7")) { $0.handle = "41 7" }
    try await step(.ready) {
      ($0.state, $0.readySince, $0.end) = (.ready, ordered + .seconds(5), ordered + .seconds(3605))
    }
    try await step(.told(end: told)) { $0.toldEnd = told }
    try await step(.wished(wishes)) { $0.wishes = wishes }
    try await step(.expiring(.none, note: "enough")) {
      ($0.state, $0.note, $0.end) = (.expiring, "enough", ordered + .seconds(8))
    }
    try await step(.gone) { $0.state = .gone }
    await #expect(throws: Outage.self) { try await bench.open().change(lease, by: .ready) }
    #expect(try await bench.open().lease(lease.id) == lease)
  }

  @Test("two live machines of a backend never have one port", arguments: Backend.allCases)
  func ports(backend: Backend) async throws {
    let bench = try Bench(backend)
    // Each by a process of its own.
    let ledgers = [try bench.open(), try bench.open()]
    let take = LeaseChange.prepared(port: 22_040, hostKey: "ssh-ed25519 AAAA")
    var leases: [Lease] = []
    for (index, place) in ["local", "local", "elsewhere"].enumerated() {
      let lease = try await ledgers[0].opening(try await ledgers[0].hour("p\(index)").serial, in: place)
      leases.append(try #require(try await ledgers[0].change(lease, by: .began(by: Owner("o")))))
    }
    let first = try #require(try await ledgers[0].change(leases[0], by: take))
    #expect(try await ledgers[1].change(leases[1], by: take) == nil)
    #expect(try await ledgers[1].lease(leases[1].id) == leases[1], "and the row is as it was")
    #expect(try await ledgers[1].change(leases[2], by: take)?.port == 22_040, "of another backend")
    let again = try #require(try await ledgers[0].change(first, by: take), "its own")
    // The port is free when nothing of its machine is left, and not before.
    let going = try #require(try await ledgers[0].change(again, by: .expiring(.none, note: "over")))
    #expect(try await ledgers[1].change(leases[1], by: take) == nil)
    _ = try #require(try await ledgers[0].change(going, by: .gone))
    #expect(try await ledgers[1].change(leases[1], by: take)?.port == 22_040)
  }

  @Test("of many who take one port at once, one gets it", arguments: Backend.allCases)
  func portRace(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    var leases: [Lease] = []
    for index in 0..<8 {
      let lease = try await ledgers[0].opening(try await ledgers[0].hour("p\(index)").serial)
      leases.append(try #require(try await ledgers[0].change(lease, by: .began(by: Owner("o")))))
    }
    let taken = try await withThrowingTaskGroup(of: Lease?.self) { [leases] group in
      for (index, lease) in leases.enumerated() {
        group.addTask {
          try await ledgers[index % 2].change(lease, by: .prepared(port: 22_040, hostKey: "k"))
        }
      }
      return try await group.reduce(into: 0) { $0 += $1 == nil ? 0 : 1 }
    }
    #expect(taken == 1)
  }

  @Test("of changes to the same version one is made; the others read again", arguments: Backend.allCases)
  func compareAndSet(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledgers = [try bench.open(), try bench.open()]
    let lease = try await ledgers[0].opening(try await ledgers[0].hour("a").serial)
    let changed = try await withThrowingTaskGroup(of: Lease?.self) { group in
      for index in 0..<12 {
        group.addTask { try await ledgers[index % 2].change(lease, by: .began(by: Owner("o\(index)"))) }
      }
      return try await group.reduce(into: [Lease]()) { leases, lease in
        if let lease { leases.append(lease) }
      }
    }
    #expect(changed.count == 1)
    #expect(try await ledgers[1].lease(lease.id) == changed.first)
    #expect(try await ledgers[1].change(lease, by: .failed(note: "")) == nil)
    let unknown = Lease(
      id: .random(), serial: lease.serial, payment: lease.payment, spec: lease.spec, wishes: lease.wishes,
      backend: lease.backend, ordered: lease.ordered, end: lease.end)
    #expect(try await ledgers[0].change(unknown, by: .gone) == nil)
  }

  @Test("the rows themselves take no old version, and no second live machine", arguments: Backend.allCases)
  func rows(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let old = try await ledger.opening(try await ledger.hour("a").serial)
    let new = try #require(try await ledger.change(old, by: .began(by: Owner("o"))))
    await #expect(throws: Outage.self) {
      try await ledger.store.write { rows throws(Outage) in try rows.replace(old, with: old) }
    }
    var second = old
    second.id = .random()
    let twin = second
    await #expect(throws: Outage.self) {
      try await ledger.store.write { rows throws(Outage) in try rows.insert(twin) }
    }
    #expect(try await ledger.leases(limit: 9) == [new])
  }

  @Test("a machine is not ended on what a top-up has changed meanwhile", arguments: Backend.allCases)
  func topUpWins(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let lease = try await ledger.running("a")
    bench.clock.advance(by: .seconds(3600))
    _ = try await ledger.topUp("b", onto: lease.serial)
    #expect(try await ledger.change(lease, by: .expiring(.none, note: "over")) == nil)
    let now = try #require(try await ledger.lease(lease.id))
    #expect((now.state, now.end) == (.ready, bench.clock.now() + .seconds(3600)))
    #expect(try await ledger.change(now, by: .told(end: now.end))?.toldEnd == now.end)
  }

  @Test("what does not follow from the state is refused and changes nothing", arguments: Backend.allCases)
  func refusedStep(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let lease = try await ledger.opening(
      try await ledger.hour("a").serial, wishes: WorkloadWishes(publicKey: "ssh-ed25519 AAAA"))
    for change in [LeaseChange.ready, .gone, .prepared(port: 1, hostKey: "k"), .started(handle: "h")] {
      let error = await #expect(throws: Outage.self) { try await ledger.change(lease, by: change) }
      #expect(error?.message.contains("state ordered") == true)
    }
    #expect(try await ledger.lease(lease.id) == lease)
  }

  @Test("owners that are gone are told from those that live", arguments: Backend.allCases)
  func owners(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let lost = try bench.open().owner
    try await bench.death(of: lost, seenBy: ledger)
    #expect(try await ledger.dead(among: [lost, ledger.owner]) == [lost])
    #expect(ledger.owner == ledger.store.owner)
  }
}
