import Gate
import Testing

@testable import Provisioner

@Suite("StepQueue")
struct StepQueueTests {
  private let ids = (0..<4).map { _ in WorkloadID.random() }

  @Test("no more are worked on at a time than allowed; the rest follow in their order")
  func limit() {
    var queue = StepQueue(limit: 2)
    #expect(self.ids.map { queue.add($0) } == [.start, .start, .follows, .follows])
    #expect(queue.next(after: self.ids[1]) == self.ids[2])
    #expect(queue.next(after: self.ids[2]) == self.ids[3])
    #expect(queue.next(after: self.ids[3]) == nil)
    #expect(queue.next(after: self.ids[0]) == nil)
    #expect(queue.add(self.ids[3]) == .start)
  }

  @Test("a lease is never worked on twice at a time, and once more after what came meanwhile")
  func again() {
    var queue = StepQueue(limit: 2)
    #expect(queue.add(self.ids[0]) == .start)
    #expect(queue.add(self.ids[0]) == .follows)
    #expect(queue.add(self.ids[0]) == .follows)
    #expect(queue.next(after: self.ids[0]) == self.ids[0])
    #expect(queue.next(after: self.ids[0]) == nil)
  }

  @Test("one who waits stands in line once")
  func once() {
    var queue = StepQueue(limit: 1)
    _ = queue.add(self.ids[0])
    _ = queue.add(self.ids[1])
    _ = queue.add(self.ids[1])
    #expect(queue.next(after: self.ids[0]) == self.ids[1])
    #expect(queue.next(after: self.ids[1]) == nil)
  }
}

@Suite("Orphans")
struct OrphansTests {
  private let start = Timestamp(seconds: 1_767_225_600)
  private let ids = (0..<3).map { _ in WorkloadID.random() }

  @Test("only what has no live lease, and that for a while, is named")
  func grace() {
    var orphans = Orphans(grace: .seconds(30))
    let live: Set = [self.ids[0]]
    #expect(orphans.judge(self.ids, live: live, at: self.start) == [])
    #expect(orphans.judge(self.ids, live: live, at: self.start + .seconds(29)) == [])
    let found = orphans.judge([self.ids[0], self.ids[1]], live: live, at: self.start + .seconds(30))
    #expect(found == [self.ids[1]])
  }

  @Test("one whose lease appears meanwhile begins anew")
  func appears() {
    var orphans = Orphans(grace: .seconds(30))
    _ = orphans.judge(self.ids, live: [], at: self.start)
    _ = orphans.judge(self.ids, live: Set(self.ids), at: self.start + .seconds(10))
    #expect(orphans.judge(self.ids, live: [], at: self.start + .seconds(35)) == [])
  }
}

@Suite("CredentialDrawer")
struct CredentialDrawerTests {
  private let id = WorkloadID.random()

  @Test("a password goes with the start, and is gone when the machine has it")
  func start() {
    var drawer = CredentialDrawer()
    #expect(drawer.put(WorkloadPassword("one"), for: self.id) == .kept)
    let handout = drawer.handOutForStart(self.id)
    #expect(handout.password?.text == "one")
    #expect(drawer.state(of: self.id) == .filled)
    drawer.drop(handout, of: self.id)
    #expect(drawer.state(of: self.id) == .empty)
  }

  @Test("a password that comes while the machine is started is too late for it, until it has landed")
  func late() {
    var drawer = CredentialDrawer()
    _ = drawer.handOutForStart(self.id)
    #expect(drawer.put(WorkloadPassword("two"), for: self.id) == .tooLate)
    drawer.landed(self.id)
    #expect(drawer.put(WorkloadPassword("two"), for: self.id) == .kept)
  }

  @Test("a start that failed keeps its password for the next")
  func failedStart() {
    var drawer = CredentialDrawer()
    _ = drawer.put(WorkloadPassword("one"), for: self.id)
    _ = drawer.handOutForStart(self.id)
    drawer.landed(self.id)
    #expect(drawer.handOutForStart(self.id).password?.text == "one")
  }

  @Test("what came after a handout stays")
  func newer() {
    var drawer = CredentialDrawer()
    _ = drawer.put(WorkloadPassword("one"), for: self.id)
    let handout = drawer.handOut(self.id)
    drawer.putKey("ssh-ed25519 AAAA", for: self.id)
    drawer.drop(handout, of: self.id)
    #expect(drawer.state(of: self.id) == .filled)
    #expect(drawer.handOut(self.id).password?.text == "one")
    #expect(drawer.handOut(self.id).key == "ssh-ed25519 AAAA")
  }

  @Test("a key waits with whatever password comes, and goes with one that is set past the drawer")
  func keys() {
    var drawer = CredentialDrawer()
    drawer.putKey("ssh-ed25519 AAAA", for: self.id)
    #expect(drawer.put(WorkloadPassword("one"), for: self.id) == .kept)
    #expect(drawer.handOutForStart(self.id).key == "ssh-ed25519 AAAA")
    #expect(drawer.takeKey(of: self.id) == "ssh-ed25519 AAAA")
    #expect(drawer.state(of: self.id) == .empty)
    #expect(drawer.takeKey(of: self.id) == nil)
  }

  @Test("a password is in no description")
  func redacted() {
    #expect("\(WorkloadPassword("geheim"))" == "<redacted>")
  }
}
