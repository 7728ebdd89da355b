import Testing

@testable import Kubernetes

@Suite("ListWatchMachine") struct ListWatchMachineTests {
  private typealias Machine = ListWatchMachine<Secret>

  private func object(_ name: String, version: String, uid: String = "u") -> Secret {
    var object = secret(name)
    object.metadata.uid = uid
    object.metadata.resourceVersion = version
    return object
  }

  private func listed() -> Machine {
    var machine = Machine()
    _ = machine.listed(ObjectList(items: [object("a", version: "5")], resourceVersion: "7"))
    machine.watching()
    return machine
  }

  @Test("goes on from the version of the last event or bookmark")
  func version() {
    var machine = self.listed()
    _ = machine.received(.added(object("b", version: "9", uid: "v")), fraction: 0)
    #expect(machine.failed(.unreachable(.timedOut), fraction: 0).step == .watch(after: "9"))
    _ = machine.received(.bookmark(resourceVersion: "40"), fraction: 0)
    #expect(machine.ended(hadNews: true, fraction: 0) == Machine.Next(step: .watch(after: "40")))
  }

  @Test("lists again after 410, as a status and as an event")
  func expired() {
    let status = Status(code: 410, reason: "Expired", message: "")
    var machine = self.listed()
    #expect(machine.failed(.expired(status), fraction: 0).step == .list)
    machine = self.listed()
    let (changes, next) = machine.received(.failed(.expired(status)), fraction: 0)
    #expect(changes.isEmpty)
    #expect(next?.step == .list)
    #expect(machine.standing == .stale)
  }

  @Test("waits longer after each failure, never less than asked, and not at all after news")
  func backoff() {
    var machine = self.listed()
    #expect(machine.failed(.unreachable(.timedOut), fraction: 0).wait == .milliseconds(250))
    #expect(machine.failed(.unreachable(.timedOut), fraction: 1).wait == .seconds(1))
    let status = Status(code: 429, reason: "", message: "")
    #expect(machine.failed(.throttled(after: .seconds(9), status), fraction: 0).wait == .seconds(9))
    for _ in 0..<20 { _ = machine.failed(.unreachable(.timedOut), fraction: 0) }
    #expect(machine.failed(.unreachable(.timedOut), fraction: 1).wait == .seconds(30))
    _ = machine.received(.bookmark(resourceVersion: "8"), fraction: 0)
    #expect(machine.failed(.unreachable(.timedOut), fraction: 1).wait == .milliseconds(500))
    #expect(machine.ended(hadNews: false, fraction: 1).wait == .seconds(1), "an empty watch is no success")
  }

  @Test("a list tells only what differs, and another object of the same name as gone and new")
  func replacement() {
    var machine = self.listed()
    let (none, _) = machine.listed(ObjectList(items: [object("a", version: "5")], resourceVersion: "8"))
    #expect(none.isEmpty)
    let again = object("a", version: "9", uid: "other")
    let (changes, _) = machine.listed(ObjectList(items: [again], resourceVersion: "9"))
    #expect(changes == [.removed(object("a", version: "5")), .set(again)])
  }

  @Test("the deletion of an earlier object of that name removes nothing")
  func lateDeletion() {
    var machine = self.listed()
    let (changes, _) = machine.received(.deleted(object("a", version: "9", uid: "former")), fraction: 0)
    #expect(changes.isEmpty)
    #expect(machine.cache.objects["a"] != nil)
  }
}
