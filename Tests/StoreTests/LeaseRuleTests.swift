import Gate
@testable import Store
import Testing

/// Every step of a machine's life, from every state: what follows and what does not.
struct LeaseRuleTests {
  private static let ordered = Timestamp(seconds: 1_000)
  private static let now = Timestamp(seconds: 1_030)
  private static let end = Timestamp(seconds: 4_600)

  /// A state, with what it needs to have been through.
  enum Stage: String, CaseIterable, Sendable {
    case ordered, starting, prepared, ready, expiring, gone, failed

    var state: Lease.State { self == .prepared ? .starting : Lease.State(rawValue: self.rawValue) ?? .gone }
    var isPrepared: Bool { self != .ordered && self != .starting }
  }

  static func lease(_ stage: Stage, revoked: GrantRecord.Revocation = .valid) -> Lease {
    Lease(
      id: WorkloadID("abcdefghijklmnop") ?? .random(), serial: Serial(1), payment: PaymentID("a"),
      spec: WorkloadSpecName("ssh"), wishes: WorkloadWishes(username: "eve"), backend: "local",
      state: stage.state, ordered: Self.ordered,
      readySince: [.ready, .expiring, .gone].contains(stage) ? Timestamp(seconds: 1_010) : nil,
      end: Self.end, revoked: revoked, port: stage.isPrepared ? 22_000 : nil,
      hostKey: stage.isPrepared ? "k" : nil, owner: stage == .ordered ? nil : Owner("o"),
      credit: stage == .expiring ? .seconds(77) : .zero, version: 5)
  }

  private static let changes: [LeaseChange] = [
    .began(by: Owner("p")), .prepared(port: 22_001, hostKey: "l"), .started(handle: "41 7"), .ready,
    .told(end: Timestamp(seconds: 9)), .wished(WorkloadWishes(username: "bob")),
    .expiring(.credited, note: "n"), .expiring(.none, note: "n"), .gone, .failed(note: "n"),
  ]

  /// The state after each of `changes`, in their order; nil is refused.
  private static let table: [Stage: [Lease.State?]] = [
    .ordered: [.starting, nil, nil, nil, nil, .ordered, .expiring, .expiring, nil, .failed],
    .starting: [.starting, .starting, nil, nil, .starting, .starting, .expiring, .expiring, nil, .failed],
    .prepared: [
      .starting, .starting, .starting, .ready, .starting, .starting, .expiring, .expiring, nil, .failed,
    ],
    .ready: [nil, nil, nil, nil, .ready, .ready, .expiring, .expiring, nil, .failed],
    .expiring: [nil, nil, nil, nil, .expiring, .expiring, .expiring, .expiring, .gone, .failed],
    .gone: [nil, nil, nil, nil, nil, nil, nil, nil, nil, nil],
    .failed: [nil, nil, nil, nil, nil, nil, nil, nil, nil, nil],
  ]

  @Test("each step leads where it should, or is refused", arguments: Stage.allCases)
  func states(stage: Stage) throws {
    let lease = Self.lease(stage)
    let next = Self.changes.map { lease.changed(by: $0, at: Self.now) }
    #expect(next.map { $0?.state } == (try #require(Self.table[stage])))
    #expect(next.compactMap { $0?.version }.allSatisfy { $0 == 6 })
    // What its grant, its payment and its order say is never another.
    #expect(
      next.compactMap { $0 }.allSatisfy {
        $0.id == lease.id && $0.serial == lease.serial && $0.payment == lease.payment
          && $0.spec == lease.spec && $0.backend == lease.backend && $0.ordered == lease.ordered
      })
  }

  @Test("a step changes what it says, and nothing else")
  func fields() {
    func check(_ stage: Stage, _ change: LeaseChange, _ expect: (inout Lease) -> Void) {
      var expected = Self.lease(stage)
      expected.version += 1
      expect(&expected)
      #expect(Self.lease(stage).changed(by: change, at: Self.now) == expected)
    }
    check(.ordered, .began(by: Owner("p"))) { ($0.state, $0.owner) = (.starting, Owner("p")) }
    // A take-over goes on with what the other prepared.
    check(.prepared, .began(by: Owner("p"))) { $0.owner = Owner("p") }
    check(.starting, .prepared(port: 22_001, hostKey: "l")) { ($0.port, $0.hostKey) = (22_001, "l") }
    check(.prepared, .prepared(port: 22_001, hostKey: "l")) { ($0.port, $0.hostKey) = (22_001, "l") }
    check(.prepared, .started(handle: "41 7")) { $0.handle = "41 7" }
    check(.prepared, .ready) {
      ($0.state, $0.readySince, $0.end) = (.ready, Self.now, Self.end + .seconds(30))
    }
    check(.ready, .told(end: Self.end)) { $0.toldEnd = Self.end }
    check(.ready, .wished(WorkloadWishes(image: "i"))) { $0.wishes = WorkloadWishes(image: "i") }
    check(.ready, .expiring(.credited, note: "n")) {
      ($0.state, $0.note, $0.end, $0.credit) = (.expiring, "n", Self.now, .seconds(3_570))
    }
    check(.ready, .expiring(.none, note: "n")) { ($0.state, $0.note, $0.end) = (.expiring, "n", Self.now) }
    check(.expiring, .expiring(.none, note: "n")) { _ in }
    check(.expiring, .gone) { ($0.state, $0.end) = (.gone, Self.now) }
    check(.expiring, .failed(note: "n")) { ($0.state, $0.note, $0.end) = (.failed, "n", Self.now) }
    check(.ready, .failed(note: "n")) {
      ($0.state, $0.note, $0.end, $0.credit) = (.failed, "n", Self.now, .seconds(3_570))
    }
  }

  @Test(
    "until it is ready all its time is credit, after that what is left",
    arguments: [
      (Stage.ordered, 0, Duration.seconds(3600)), (.starting, 30, .seconds(3600)),
      (.prepared, 9_000, .seconds(3600)), (.ready, 10, .seconds(3590)), (.ready, 3_599, .seconds(1)),
      (.ready, 3_600, .zero), (.ready, 9_000, .zero),
    ])
  func credit(stage: Stage, after seconds: Int, expected: Duration) throws {
    let now = Self.ordered + .seconds(seconds)
    for change in [LeaseChange.failed(note: ""), .expiring(.credited, note: "")] {
      let next = try #require(Self.lease(stage).changed(by: change, at: now))
      #expect(next.credit == expected)
      #expect(next.end == min(now, Self.end))
      let revoked = Self.lease(stage, revoked: .revoked).changed(by: change, at: now)
      #expect(revoked?.credit == .zero)
    }
    #expect(Self.lease(stage).changed(by: .expiring(.none, note: ""), at: now)?.credit == .zero)
  }

  @Test("a clock that was set back takes no time from anybody")
  func clock() throws {
    let before = Self.ordered + .seconds(-60)
    #expect(Self.lease(.prepared).changed(by: .ready, at: before)?.end == Self.end)
    #expect(Self.lease(.prepared, revoked: .revoked).changed(by: .ready, at: Self.now)?.end == Self.end)
  }

  @Test("whether a grant's newest machine still has time")
  func hasTime() {
    func has(_ stage: Stage, at moment: Timestamp) -> Bool { Self.lease(stage).hasTime(at: moment) }
    #expect(Stage.allCases.map { has($0, at: Self.now) } == [true, true, true, true, true, false, false])
    #expect(Stage.allCases.map { has($0, at: Self.end) } == [true, true, true, false, true, false, false])
    #expect(
      Stage.allCases.map(\.state.isRunning) == [true, true, true, true, false, false, false])
  }
}
