import Gate
import Testing

@testable import Provisioner

/// The pure machine, event by event.
@Suite("LeaseMachine")
struct LeaseMachineTests {
  private static let start = Timestamp(seconds: 1_767_225_600)
  private static let hour = Duration.seconds(3600)
  private let rules = LeaseRules(startPatience: .seconds(180), bootAllowance: .seconds(120))

  private static func lease(_ state: Lease.State, change: (inout Lease) -> Void = { _ in }) -> Lease {
    var lease = Lease(
      id: .random(), serial: Serial(7), payment: PaymentID("p"), spec: WorkloadSpecName("small"),
      wishes: WorkloadWishes(), backend: "scripted", state: state, ordered: Self.start,
      end: Self.start + Self.hour)
    if state != .ordered { lease.owner = us }
    if state == .ready {
      lease.port = 22000
      lease.hostKey = "ssh-ed25519 AAAA"
      lease.handle = "h"
      lease.toldEnd = lease.end
    }
    change(&lease)
    return lease
  }

  private static let us = Owner("us")

  private func at(
    _ span: Duration = .zero, _ holder: LeaseMachine.Holder = .ours,
    drawer: LeaseMachine.Circumstances.Drawer = .empty
  ) -> LeaseMachine.Circumstances {
    LeaseMachine.Circumstances(now: Self.start + span, owner: Self.us, holder: holder, drawer: drawer)
  }

  private func machine(_ lease: Lease) -> LeaseMachine { LeaseMachine(lease, rules: self.rules) }

  // MARK: Making

  @Test("an order is begun, prepared, started, seen, ready, told and left alone until its end")
  func wholeWay() {
    var lease = Self.lease(.ordered)
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at()) == .write(.began(by: Self.us)))
    lease.state = .starting
    lease.owner = Self.us
    #expect(machine.receive(.written(lease), self.at()) == .ask(.prepare(besides: [])))
    let prepared = PreparedWorkload(port: 22007, hostKey: "ssh-ed25519 AAAA")
    #expect(
      machine.receive(.prepared(prepared), self.at())
        == .write(.prepared(port: 22007, hostKey: "ssh-ed25519 AAAA")))
    (lease.port, lease.hostKey) = (22007, "ssh-ed25519 AAAA")
    // Three seconds have passed: they and the allowance are added to what the machine knows of its end.
    let shifted = lease.end + .seconds(123)
    #expect(machine.receive(.written(lease), self.at(.seconds(3))) == .ask(.start(end: shifted)))
    #expect(machine.receive(.started(handle: "h"), self.at(.seconds(3))) == .write(.started(handle: "h")))
    lease.handle = "h"
    #expect(machine.receive(.written(lease), self.at(.seconds(3))) == .ask(.look))
    #expect(
      machine.receive(.sighted(.starting), self.at(.seconds(3)))
        == .rest(until: Self.start + .milliseconds(3050)))
    #expect(machine.receive(.row(lease), self.at(.seconds(4))) == .ask(.look))
    #expect(machine.receive(.sighted(.ready), self.at(.seconds(4))) == .write(.ready))
    lease.state = .ready
    lease.end = lease.end + .seconds(4)
    #expect(machine.receive(.written(lease), self.at(.seconds(4))) == .ask(.setEnd(lease.end)))
    #expect(machine.receive(.told(lease.end), self.at(.seconds(4))) == .write(.told(end: lease.end)))
    lease.toldEnd = lease.end
    #expect(machine.receive(.written(lease), self.at(.seconds(4))) == .rest(until: lease.end))
  }

  @Test("a machine that was prepared before a crash keeps its port if it can, else gets another")
  func resumedStart() {
    var lease = Self.lease(.starting) { ($0.port, $0.hostKey) = (22001, "ssh-ed25519 AAAA") }
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at(.zero, .dead)) == .write(.began(by: Self.us)))
    let start = LeaseMachine.Ask.start(end: lease.end + self.rules.bootAllowance)
    #expect(machine.receive(.written(lease), self.at()) == .ask(.prepare(besides: [])))
    let same = PreparedWorkload(port: 22001, hostKey: "ssh-ed25519 AAAA")
    #expect(machine.receive(.prepared(same), self.at()) == .ask(start))
    _ = machine.receive(.fault(.unavailable("the port is taken"), during: start), self.at())
    #expect(machine.receive(.row(lease), self.at(.milliseconds(250))) == .ask(.prepare(besides: [])))
    let other = PreparedWorkload(port: 22002, hostKey: "ssh-ed25519 AAAA")
    #expect(
      machine.receive(.prepared(other), self.at(.milliseconds(250)))
        == .write(.prepared(port: 22002, hostKey: "ssh-ed25519 AAAA")))
    lease.port = 22002
    let shifted = lease.end + self.rules.bootAllowance + .milliseconds(250)
    #expect(
      machine.receive(.written(lease), self.at(.milliseconds(250))) == .ask(.start(end: shifted)))
  }

  @Test("a port that the book refuses is not prepared again, as long as this process makes the machine")
  func portTaken() {
    let lease = Self.lease(.starting)
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at()) == .ask(.prepare(besides: [])))
    let prepared = PreparedWorkload(port: 22007, hostKey: "ssh-ed25519 AAAA")
    #expect(
      machine.receive(.prepared(prepared), self.at())
        == .write(.prepared(port: 22007, hostKey: "ssh-ed25519 AAAA")))
    let again = LeaseMachine.Action.ask(.prepare(besides: [22007, 22011]))
    #expect(machine.receive(.portsTaken([22007, 22011]), self.at()) == again)
    #expect(machine.receive(.row(lease), self.at()) == again)
  }

  @Test("a start that the backend refuses is cleared away and fails")
  func refused() {
    let lease = Self.lease(.starting) { $0.port = 22001 }
    var machine = self.machine(lease)
    _ = machine.receive(.row(lease), self.at())
    let fault = LeaseMachine.Event.fault(.refused("no such image"), during: .start(end: lease.end))
    #expect(machine.receive(fault, self.at()) == .ask(.remove))
    #expect(machine.receive(.removed, self.at()) == .write(.failed(note: "no such image")))
    var failed = lease
    failed.state = .failed
    #expect(machine.receive(.written(failed), self.at()) == .forget)
  }

  @Test("a backend that does not answer is asked again, less and less often, and not for ever")
  func backOff() {
    let lease = Self.lease(.starting)
    var machine = self.machine(lease)
    var now = Duration.zero
    var pauses: [Int64] = []
    #expect(machine.receive(.row(lease), self.at()) == .ask(.prepare(besides: [])))
    while now < self.rules.startPatience {
      let action = machine.receive(
        .fault(.unavailable("no route"), during: .prepare(besides: [])), self.at(now))
      guard case .rest(let until?) = action else { return #expect(Bool(false), "\(action)") }
      pauses.append((until - (Self.start + now)).inMilliseconds)
      // Woken early, it waits all the same.
      #expect(machine.receive(.row(lease), self.at(now + .milliseconds(1))) == .rest(until: until))
      now = until - Self.start
      if now < self.rules.startPatience {
        #expect(machine.receive(.row(lease), self.at(now)) == .ask(.prepare(besides: [])))
      }
    }
    #expect(pauses.starts(with: [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]))
    // Nothing may run beside the next machine; but nothing was ever prepared, so a silent backend does not hold it up.
    let late = self.at(self.rules.startPatience + .seconds(10))
    #expect(machine.receive(.row(lease), late) == .ask(.remove))
    #expect(
      machine.receive(.fault(.unavailable("no route"), during: .remove), late)
        == .write(.failed(note: "no route")))
  }

  @Test("a machine that may exist is removed before its lease fails, however long that takes")
  func removalFirst() {
    let lease = Self.lease(.starting) { $0.port = 22001 }
    var machine = self.machine(lease)
    _ = machine.receive(.row(lease), self.at())
    let late = self.rules.startPatience
    #expect(machine.receive(.row(lease), self.at(late)) == .ask(.remove))
    let action = machine.receive(.fault(.unavailable("x"), during: .remove), self.at(late))
    guard case .rest(until: _?) = action else { return #expect(Bool(false), "\(action)") }
    #expect(machine.receive(.row(lease), self.at(late + .seconds(20))) == .ask(.remove))
    #expect(
      machine.receive(.removed, self.at(late + .seconds(20)))
        == .write(.failed(note: "it did not start in time")))
  }

  @Test("one that dies while it boots is removed and fails")
  func diesWhileBooting() {
    let lease = Self.lease(.starting) { ($0.port, $0.handle) = (22001, "h") }
    var machine = self.machine(lease)
    _ = machine.receive(.row(lease), self.at())
    #expect(machine.receive(.sighted(.ended("exit 1")), self.at()) == .ask(.remove))
    #expect(machine.receive(.removed, self.at()) == .write(.failed(note: "exit 1")))
  }

  // MARK: Several processes

  @Test("what a living owner makes is left to it; what a dead one left is taken over")
  func owners() {
    let lease = Self.lease(.starting) { $0.owner = Owner("other") }
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at(.zero, .other)) == .rest(until: nil))
    #expect(machine.receive(.row(lease), self.at(.seconds(1), .dead)) == .write(.began(by: Self.us)))
  }

  @Test("an owner that lives and does nothing is replaced, one that makes progress is not")
  func idleOwner() {
    var lease = Self.lease(.starting) { $0.owner = Owner("other") }
    var machine = self.machine(lease)
    let idle = self.rules.idleOwner
    #expect(machine.receive(.row(lease), self.at(.zero, .other)) == .rest(until: nil))
    lease.version += 1
    #expect(machine.receive(.row(lease), self.at(idle, .other)) == .rest(until: nil))
    #expect(machine.receive(.row(lease), self.at(idle * 2 - .seconds(1), .other)) == .rest(until: nil))
    #expect(machine.receive(.row(lease), self.at(idle * 2, .other)) == .write(.began(by: Self.us)))
  }

  @Test("a password that came to another process than the owner is set when the machine is there")
  func foreignPassword() {
    var lease = Self.lease(.starting) { $0.owner = Owner("other") }
    var machine = self.machine(lease)
    let action = machine.receive(.row(lease), self.at(.zero, .other, drawer: .filled))
    #expect(action == .rest(until: Self.start + .seconds(1)))
    lease.handle = "h"
    #expect(
      machine.receive(.row(lease), self.at(.zero, .other, drawer: .filled)) == .ask(.setCredentials))
  }

  // MARK: Keeping and ending

  @Test("at the paid moment, and not before, it expires and goes without credit")
  func expires() {
    var lease = Self.lease(.ready)
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at(Self.hour - .milliseconds(1))) == .ask(.look))
    #expect(
      machine.receive(.sighted(.ready), self.at(Self.hour - .milliseconds(1))) == .rest(until: lease.end))
    let end = self.at(Self.hour)
    #expect(machine.receive(.row(lease), end) == .write(.expiring(.none, note: "its time is over")))
    lease.state = .expiring
    #expect(machine.receive(.written(lease), end) == .ask(.remove))
    #expect(machine.receive(.removed, end) == .write(.gone))
    lease.state = .gone
    #expect(machine.receive(.written(lease), end) == .forget)
  }

  @Test("an end that moved is told, also one that moved while nobody looked")
  func endMoves() {
    let lease = Self.lease(.ready) { $0.end = $0.end + Self.hour }
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at()) == .ask(.look))
    #expect(machine.receive(.sighted(.ready), self.at()) == .ask(.setEnd(lease.end)))
    let fault = LeaseMachine.Event.fault(.unavailable("x"), during: .setEnd(lease.end))
    #expect(machine.receive(fault, self.at()) == .rest(until: Self.start + .milliseconds(250)))
    // The look that succeeds in between does not make it forget how often it was not answered.
    #expect(machine.receive(.row(lease), self.at(.milliseconds(250))) == .ask(.look))
    #expect(machine.receive(.sighted(.ready), self.at(.milliseconds(250))) == .ask(.setEnd(lease.end)))
    #expect(
      machine.receive(fault, self.at(.milliseconds(250))) == .rest(until: Self.start + .milliseconds(750)))
  }

  @Test("while the backend does not answer, the paid moment is not missed")
  func endDuringOutage() {
    let lease = Self.lease(.ready)
    var machine = self.machine(lease)
    let before = self.at(Self.hour - .milliseconds(100))
    _ = machine.receive(.row(lease), before)
    #expect(machine.receive(.fault(.unavailable("x"), during: .look), before) == .rest(until: lease.end))
  }

  @Test("one that died by itself fails, so that what is left of its time is credit")
  func dies() {
    let lease = Self.lease(.ready)
    var machine = self.machine(lease)
    _ = machine.receive(.row(lease), self.at())
    #expect(machine.receive(.sighted(.ended("killed")), self.at()) == .write(.failed(note: "killed")))
    var failed = lease
    failed.state = .failed
    // What it left behind goes; a backend that is silent now is not waited for.
    #expect(machine.receive(.written(failed), self.at()) == .ask(.remove))
    #expect(machine.receive(.fault(.unavailable("x"), during: .remove), self.at()) == .forget)
  }

  @Test("one that ended itself at its last second was at its end")
  func endsItself() {
    let lease = Self.lease(.ready)
    var machine = self.machine(lease)
    let last = self.at(Self.hour - .seconds(1))
    _ = machine.receive(.row(lease), last)
    #expect(
      machine.receive(.sighted(.ended("its time is over")), last)
        == .write(.expiring(.none, note: "its time is over")))
  }

  @Test("one that a lagging view does not show is not given up at once")
  func absence() {
    let lease = Self.lease(.ready)
    var machine = self.machine(lease)
    _ = machine.receive(.row(lease), self.at())
    #expect(machine.receive(.sighted(.absent), self.at()) == .rest(until: Self.start + .seconds(2)))
    #expect(machine.receive(.row(lease), self.at(.seconds(1))) == .ask(.look))
    #expect(machine.receive(.sighted(.ready), self.at(.seconds(1))) == .rest(until: lease.end))
    // Seen again, its absence counts from the start.
    _ = machine.receive(.row(lease), self.at(.seconds(2)))
    #expect(
      machine.receive(.sighted(.absent), self.at(.seconds(2))) == .rest(until: Self.start + .seconds(4)))
    #expect(machine.receive(.row(lease), self.at(.seconds(4))) == .ask(.look))
    #expect(
      machine.receive(.sighted(.absent), self.at(.seconds(4)))
        == .write(.failed(note: "its processes are gone")))
  }

  @Test(
    "a revoked grant ends its machine without credit, whatever it is doing",
    arguments: [Lease.State.ordered, .starting, .ready])
  func revoked(_ state: Lease.State) {
    let lease = Self.lease(state) { $0.revoked = .revoked }
    var machine = self.machine(lease)
    #expect(
      machine.receive(.row(lease), self.at()) == .write(.expiring(.none, note: "its payment was revoked")))
  }

  @Test("its owner's word ends it in whatever state, also while it boots")
  func ownerEnds() {
    let lease = Self.lease(.starting)
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at()) == .ask(.prepare(besides: [])))
    var expiring = lease
    expiring.state = .expiring
    let prepared = PreparedWorkload(port: 22001, hostKey: "k")
    _ = machine.receive(.prepared(prepared), self.at())
    // The write lost against the owner's; the row was read again.
    #expect(machine.receive(.row(expiring), self.at()) == .ask(.remove))
  }

  @Test("a removal that is not answered is asked for until it is")
  func removalRepeats() {
    let lease = Self.lease(.expiring)
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at()) == .ask(.remove))
    #expect(
      machine.receive(.fault(.unavailable("x"), during: .remove), self.at())
        == .rest(until: Self.start + .milliseconds(250)))
    #expect(machine.receive(.row(lease), self.at(.seconds(1))) == .ask(.remove))
    #expect(machine.receive(.removed, self.at(.seconds(1))) == .write(.gone))
  }

  @Test("what waits in the drawer is set on a machine that runs")
  func credentials() {
    let lease = Self.lease(.ready)
    var machine = self.machine(lease)
    _ = machine.receive(.row(lease), self.at())
    #expect(machine.receive(.sighted(.ready), self.at(drawer: .filled)) == .ask(.setCredentials))
    #expect(machine.receive(.credentialsSet, self.at()) == .rest(until: lease.end))
  }

  @Test("a row that is over when it is first read is nobody's work", arguments: [Lease.State.gone, .failed])
  func over(_ state: Lease.State) {
    let lease = Self.lease(state)
    var machine = self.machine(lease)
    #expect(machine.receive(.row(lease), self.at()) == .forget)
  }
}
