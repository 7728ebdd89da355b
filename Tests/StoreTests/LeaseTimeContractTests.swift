import Gate
import Store
import TestKit
import Testing

/// Where the time of a grant goes that pays for a machine: each buyer has what he paid for, once.
@Suite(.timeLimit(.minutes(3))) struct LeaseTimeContractTests {
  @Test("the time a machine boots is added to its end", arguments: Backend.allCases)
  func boot(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let booting = try await ledger.booting(try await ledger.opening(try await ledger.hour("a").serial))
    bench.clock.advance(by: .seconds(40))
    let lease = try #require(try await ledger.change(booting, by: .ready))
    #expect(lease.readySince == bench.clock.now())
    #expect(lease.end == lease.ordered + .seconds(3640))
    #expect(try await ledger.payment(PaymentID("a"))?.grant?.end == lease.end)
    #expect(try await ledger.looking(lease.serial) == .time)
  }

  @Test("a top-up moves the end of a machine that boots, and of one that runs", arguments: Backend.allCases)
  func topUp(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let start = bench.clock.now()
    let serial = try await ledger.hour("a").serial
    _ = try await ledger.opening(serial)
    _ = try await ledger.topUp("b", onto: serial)
    var lease = try #require(try await ledger.lease(of: serial))
    #expect(lease.end == start + .seconds(7200))
    lease = try await ledger.booting(lease)
    bench.clock.advance(by: .seconds(10))
    lease = try #require(try await ledger.change(lease, by: .ready))
    #expect(lease.end == start + .seconds(7210))
    _ = try await ledger.topUp("c", onto: serial)
    #expect(try await bench.open().lease(of: serial)?.end == start + .seconds(10_810))
    #expect(try await ledger.lease(of: serial)?.credit == .zero)
  }

  @Test(
    "a machine that is wanted for less than was paid stops then, and leaves the rest as credit",
    arguments: Backend.allCases)
  func wanted(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.hour("a").serial
    let ordered = try await ledger.opening(serial, wishes: WorkloadWishes(duration: .seconds(600)))
    #expect(
      (ordered.stop, ordered.end) == (ordered.ordered + .seconds(600), ordered.ordered + .seconds(3600)))
    let booting = try await ledger.booting(ordered)
    bench.clock.advance(by: .seconds(40))
    let ready = try #require(try await ledger.change(booting, by: .ready))
    #expect(ready.stop == bench.clock.now() + .seconds(600), "from its first login on")
    _ = try await ledger.topUp("b", onto: serial)
    let longer = try #require(try await bench.open().lease(of: serial))
    #expect(longer.stop == ready.stop + .seconds(3600), "a top-up adds to the wish")
    #expect(longer.end == ready.end + .seconds(3600))
    // Nobody was there to end it: what it did not use is not lost with the time that went by.
    bench.clock.advance(by: .seconds(50_000))
    #expect(longer.hasTime(at: bench.clock.now()))
    let over = try #require(try await ledger.change(longer, by: .expiring(.credited, note: "as wished")))
    #expect(over.credit == .seconds(3000))
    _ = try #require(try await ledger.change(over, by: .gone))
    let next = try await ledger.opening(serial)
    #expect(next.end == bench.clock.now() + .seconds(3000))
    #expect(next.stop == next.end)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("a wish for more than was paid is none", arguments: Backend.allCases)
  func wantedMore(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let serial = try await ledger.hour("a").serial
    let lease = try await ledger.opening(serial, wishes: WorkloadWishes(duration: .seconds(3601)))
    #expect(lease.stop == lease.end)
  }

  @Test("a machine that did not start gives all its time to the next", arguments: Backend.allCases)
  func failedStart(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.hour("a").serial
    let first = try await ledger.opening(serial)
    bench.clock.advance(by: .seconds(120))
    let failed = try #require(
      try await ledger.change(try await ledger.booting(first), by: .failed(note: "no image")))
    #expect((failed.state, failed.credit, failed.note) == (.failed, .seconds(3600), "no image"))
    #expect(failed.end == bench.clock.now())
    #expect(try await ledger.lease(first.id) == failed)
    bench.clock.advance(by: .seconds(500_000))
    let second = try await ledger.opening(serial)
    #expect(second.id != first.id)
    #expect(second.end == bench.clock.now() + .seconds(3600))
    // It is had once.
    #expect(try await ledger.lease(first.id)?.credit == .zero)
    #expect(try await ledger.lease(of: serial)?.id == second.id)
    #expect(try await ledger.ordering(serial) == .live(second))
    #expect(try await ledger.payment(PaymentID("a"))?.grant?.unused == nil)
  }

  @Test(
    "a machine that dies, or that its owner ends, leaves what is left", arguments: Backend.allCases,
    [false, true])
  func leftOver(backend: Backend, byOwner: Bool) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    var lease = try await ledger.running("a")
    bench.clock.advance(by: .seconds(600))
    let ending = bench.clock.now()
    let change: LeaseChange = byOwner ? .expiring(.credited, note: "deleted") : .failed(note: "died")
    lease = try #require(try await ledger.change(lease, by: change))
    #expect((lease.credit, lease.end) == (.seconds(3000), ending))
    #expect(try await ledger.lease(lease.id) == lease)
    #expect(try await ledger.payment(PaymentID("a"))?.grant?.unused == .seconds(3000))
    #expect(try await ledger.looking(lease.serial) == .expired)
    bench.clock.advance(by: .seconds(60))
    if byOwner {
      // Not beside the one that is being removed.
      #expect(try await ledger.ordering(lease.serial) == .live(lease))
      lease = try #require(try await ledger.change(lease, by: .gone))
      #expect((lease.credit, lease.end) == (.seconds(3000), ending))
    }
    let next = try await ledger.opening(lease.serial)
    #expect(next.end == bench.clock.now() + .seconds(3000))
    let third = try #require(try await ledger.change(next, by: .failed(note: "again")))
    #expect(third.credit == .seconds(3000))
    #expect(try await ledger.lease(lease.id)?.credit == .zero)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("a machine whose time is over leaves nothing", arguments: Backend.allCases)
  func over(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    var lease = try await ledger.running("a")
    bench.clock.advance(by: .seconds(3600))
    #expect(try await ledger.ordering(lease.serial) == .over)
    lease = try #require(try await ledger.change(lease, by: .expiring(.none, note: "over")))
    #expect(try await ledger.ordering(lease.serial) == .over)
    bench.clock.advance(by: .seconds(2))
    lease = try #require(try await ledger.change(lease, by: .gone))
    #expect((lease.credit, lease.end) == (.zero, lease.ordered + .seconds(3600)))
    #expect(try await ledger.ordering(lease.serial) == .over)
  }

  @Test("less than a second is no credit", arguments: Backend.allCases)
  func leastCredit(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let lease = try await ledger.running("a")
    bench.clock.advance(by: .milliseconds(3_599_001))
    #expect(try await ledger.change(lease, by: .failed(note: "died"))?.credit == .zero)
    #expect(try await ledger.ordering(lease.serial) == .over)
  }

  @Test(
    "a top-up of a grant whose machine is gone is kept whole until the next",
    arguments: Backend.allCases, [LeaseChange.failed(note: "died"), .expiring(.none, note: "over")])
  func topUpOfGone(backend: Backend, ending: LeaseChange) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    var lease = try await ledger.running("a")
    bench.clock.advance(by: .seconds(ending == .failed(note: "died") ? 1200 : 3600))
    lease = try #require(try await ledger.change(lease, by: ending))
    let left = lease.credit
    if lease.state == .expiring {
      // Also while it is being removed.
      _ = try await ledger.topUp("b", onto: lease.serial)
      #expect(try await ledger.lease(lease.id)?.credit == left + .seconds(3600))
      lease = try #require(try await ledger.lease(lease.id))
      lease = try #require(try await ledger.change(lease, by: .gone))
    } else {
      bench.clock.advance(by: .seconds(7200))
      _ = try await ledger.topUp("b", onto: lease.serial)
    }
    bench.clock.advance(by: .seconds(7200))
    _ = try await ledger.topUp("c", onto: lease.serial)
    #expect(try await ledger.lease(lease.id)?.credit == left + .seconds(7200))
    bench.clock.advance(by: .seconds(7200))
    let next = try await ledger.opening(lease.serial)
    #expect(next.end == bench.clock.now() + left + .seconds(7200))
    #expect(try await ledger.lease(boughtBy: PaymentID("c"))?.id == next.id)
  }

  @Test("a top-up of what is no machine's is as it was", arguments: Backend.allCases)
  func topUpOfOther(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let grant = try await ledger.hour("a")
    let longer = try #require(try await ledger.topUp("b", onto: grant.serial))
    #expect(longer.end == bench.clock.now() + .seconds(7200))
    #expect(longer.unused == nil)
    #expect(try await ledger.taking(grant.serial) == .time)
  }

  @Test("a revoked grant's machine is over from then on, and leaves nothing", arguments: Backend.allCases)
  func revoked(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let serial = try await ledger.running("a").serial
    bench.clock.advance(by: .seconds(10))
    #expect(try await ledger.revoke(serial) == .revoked)
    let moment = bench.clock.now()
    bench.clock.advance(by: .seconds(10))
    var lease = try #require(try await bench.open().liveLeases(in: "local", limit: 1).first)
    #expect((lease.revoked, lease.end) == (.revoked, moment))
    #expect(try await ledger.ordering(serial) == .revoked)
    lease = try #require(try await ledger.change(lease, by: .expiring(.credited, note: "revoked")))
    #expect(lease.credit == .zero)
    lease = try #require(try await ledger.change(lease, by: .gone))
    #expect((lease.credit, lease.end) == (.zero, moment))
    #expect(try await ledger.lease(lease.id) == lease)
    #expect(try await ledger.ordering(serial) == .revoked)
    // Its passes are known until they end.
    #expect(try await ledger.revocations(limit: 9) == [serial])
  }

  @Test("credit of a grant that is revoked later is nobody's", arguments: Backend.allCases)
  func revokedLater(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let failed = try #require(
      try await ledger.change(
        try await ledger.opening(try await ledger.hour("a").serial), by: .failed(note: "")))
    #expect(failed.credit == .seconds(3600))
    _ = try await ledger.revoke(failed.serial)
    #expect(try await ledger.lease(failed.id)?.credit == .zero)
    #expect(try await ledger.ordering(failed.serial) == .revoked)
  }

  // MARK: Housekeeping

  @Test(
    "pruning forgets machines that ended, and none that is live or left credit", arguments: Backend.allCases)
  func prune(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let live = try await ledger.running("live")
    let credited = try #require(
      try await ledger.change(try await ledger.running("credited"), by: .failed(note: "")))
    let used = try #require(try await ledger.change(try await ledger.running("used"), by: .failed(note: "")))
    _ = try await ledger.opening(used.serial)
    let revoked = try #require(
      try await ledger.change(try await ledger.running("revoked"), by: .failed(note: "")))
    _ = try await ledger.revoke(revoked.serial)
    bench.clock.advance(by: .seconds(3600))
    let over = try await ledger.running("over")
    bench.clock.advance(by: .seconds(3600))
    let ended = try #require(try await ledger.change(over, by: .expiring(.none, note: "over")))
    _ = try #require(try await ledger.change(ended, by: .gone))
    #expect(try await ledger.prune(olderThan: .seconds(7200)) == 0)
    bench.clock.advance(by: .seconds(1))
    #expect(try await ledger.prune(olderThan: .seconds(7200), limit: 1) == 1)
    #expect(try await ledger.prune(olderThan: .seconds(7200)) == 1)
    #expect(try await ledger.lease(over.id) != nil)
    bench.clock.advance(by: .seconds(3600))
    #expect(try await ledger.prune(olderThan: .seconds(3600)) == 1)
    for id in [live.id, credited.id] { #expect(try await ledger.lease(id) != nil) }
    for id in [used.id, revoked.id, over.id] { #expect(try await ledger.lease(id) == nil) }
    #expect(try await ledger.lease(of: used.serial)?.state == .ordered)
    // What is forgotten is not had again, and what is paid after it is.
    #expect(try await ledger.ordering(over.serial) == .over)
    #expect(try await ledger.ordering(revoked.serial) == .revoked)
    _ = try await ledger.topUp("more", onto: over.serial)
    bench.clock.advance(by: .seconds(9000))
    #expect(try await ledger.opening(over.serial).end == bench.clock.now() + .seconds(3600))
  }
}
