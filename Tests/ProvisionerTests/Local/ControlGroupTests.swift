import Gate
import Testing

@testable import Provisioner

@Suite("The control groups of machines")
struct ControlGroupTests {
  private static let split = """
    tmpfs /sys/fs/cgroup tmpfs rw 0 0
    cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
    cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0
    cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
    cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0
    cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
    """
  private static let unified = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"

  private static func planned(
    _ mounts: String, isRoot: Bool, delegated: Set<String> = [], offers: String
  )
    -> (ControlGroups, asked: [String])
  {
    var asked: [String] = []
    let groups = ControlGroups.planned(
      mounts: mounts, own: "1:name=x:/\n0::/user.slice/u/app.service\n", isRoot: isRoot,
      isWritable: delegated.contains,
      controllers: {
        asked.append($0)
        return offers
      })
    return (groups, asked)
  }

  @Test("are those of version 1 where version 2 has no controllers")
  func versionOne() {
    let (groups, _) = Self.planned(Self.split, isRoot: true, offers: "")
    #expect(
      groups
        == ControlGroups(
          version: .one,
          bases: [
            .cpu: "/sys/fs/cgroup/cpu,cpuacct/turnpike", .memory: "/sys/fs/cgroup/memory/turnpike",
            .pids: "/sys/fs/cgroup/pids/turnpike",
          ]))
  }

  @Test("are of version 2 at the top for root, and beside or below its own group for a plain user")
  func versionTwo() {
    let (root, asked) = Self.planned(Self.unified, isRoot: true, offers: "cpuset cpu io memory pids\n")
    #expect(asked == ["/sys/fs/cgroup"])
    #expect(root.version == .two && Set(root.bases.values) == ["/sys/fs/cgroup/turnpike"])
    #expect(root.bases.count == 3)
    let own = "/sys/fs/cgroup/user.slice/u/app.service"
    let beside = "/sys/fs/cgroup/user.slice/u"
    let offers = "cpu memory pids\n"
    let (slice, _) = Self.planned(Self.unified, isRoot: false, delegated: [own, beside], offers: offers)
    #expect(Set(slice.bases.values) == ["\(beside)/turnpike"])
    let (unit, _) = Self.planned(Self.unified, isRoot: false, delegated: [own], offers: offers)
    #expect(Set(unit.bases.values) == ["\(own)/turnpike"])
    let (less, _) = Self.planned(Self.unified, isRoot: true, offers: "cpu\n")
    #expect(less.bases.isEmpty)
  }

  @Test("bound memory with swap, processes and processor time")
  func values() throws {
    let id = try #require(WorkloadID("abcdefghijklmnop"))
    let spec = WorkloadSpec(name: WorkloadSpecName("s"), milliCPU: 250, memoryBytes: 1 << 28, processes: 100)
    let all = ControlGroups.Controller.allCases
    let two = ControlGroups(version: .two, bases: Dictionary(uniqueKeysWithValues: all.map { ($0, "/g") }))
    #expect(
      two.values(for: spec, id: id).map { "\($0.file)=\($0.value)" } == [
        "/g/abcdefghijklmnop/memory.max=268435456", "/g/abcdefghijklmnop/memory.swap.max=0",
        "/g/abcdefghijklmnop/pids.max=104", "/g/abcdefghijklmnop/cpu.max=25000 100000",
      ])
    let one = ControlGroups(version: .one, bases: [.memory: "/m", .cpu: "/c"])
    #expect(
      one.values(for: spec, id: id).map { "\($0.file)=\($0.value)" } == [
        "/m/abcdefghijklmnop/memory.limit_in_bytes=268435456",
        "/m/abcdefghijklmnop/memory.memsw.limit_in_bytes=268435456",
        "/m/abcdefghijklmnop/memory.kmem.tcp.limit_in_bytes=33554432",
        "/c/abcdefghijklmnop/cpu.cfs_period_us=100000", "/c/abcdefghijklmnop/cpu.cfs_quota_us=25000",
      ])
  }

  @Test("that are not to be had are said, each in a sentence")
  func reductions() {
    #expect(LocalBackend.reductions([:], isRoot: true).isEmpty)
    let sentences = LocalBackend.reductions(
      [.memory: "Permission denied", .pids: "Permission denied", .cpu: "Read-only file system"], isRoot: false
    )
    #expect(sentences.count == 5)
    #expect(sentences[0].contains("memory") && sentences[0].contains("Permission denied"))
    #expect(sentences[2] == "Processor time is not limited (Read-only file system).")
  }

  @Test(
    "what a host lacks comes with what to do about it",
    arguments: [
      ("bwrap: Unknown option --disable-userns", "0.8 or newer"),
      ("bwrap: setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns"),
      ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "container"),
    ])
  func advice(_ reason: String, _ sign: String) {
    #expect(LocalBackend.advice(for: reason).hasPrefix(reason))
    #expect(LocalBackend.advice(for: reason).contains(sign))
    #expect(LocalBackend.advice(for: "something else") == "something else")
  }
}
