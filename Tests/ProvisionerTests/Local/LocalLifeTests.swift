import Foundation
import Gate
import Glibc
import Provisioner
import Testing

@Suite("The life of a machine on this host", .serialized)
struct LocalLifeTests {
  @Test("it ends on time although its service is dead, with every process")
  func endsWithoutService() async throws {
    try await withRig(24_110...24_119, seconds: 600, count: 5) { rig in
      let machine = try #require(rig.machines.first)
      // What outlives a session must not outlive the machine.
      #expect(try await machine.ssh("setsid nohup sleep 600 >/dev/null 2>&1 & echo").status == 0)
      let user = try #require(HostProcess(machine.pid)).user
      rig.kill()
      #expect(HostProcess(machine.pid) != nil)
      #expect(try await machine.ssh("echo still here").output == "still here\n")
      // Only now is the end near, however slow the host is; nobody but PID 1 looks after it.
      let files = try await LocalHost(ports: 24_110...24_119, folder: "\(machine.folder)/state").backend
      for each in rig.machines {
        try await files.setEnd(LocalHost.Clock().now() + .seconds(2), of: each.lease)
      }
      #expect(await eventually { HostProcess.all(of: user).isEmpty })
      #expect(await eventually { rig.machines.allSatisfy { HostProcess($0.pid) == nil } })
      #expect(throws: (any Error).self) { try Caller(from: "127.0.0.1", to: machine.port) }
    }
  }

  @Test("an extension is heard at once, also after the service was replaced")
  func extension_() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let first = try await host.machine(LocalHost.lease(seconds: 8))
      let second = try await host.machine(LocalHost.lease(seconds: 8))
      let third = try await host.machine(LocalHost.lease(seconds: 8))
      let later = LocalHost.Clock().now() + .seconds(600)
      try await host.backend.setEnd(later, of: first.lease)
      let other = try await LocalHost(ports: 24_110...24_119, folder: host.folder)
      try await other.backend.setEnd(later, of: second.lease)
      #expect(await eventually { HostProcess(third.pid) == nil })
      #expect(try await host.backend.look(third.lease) == .ended("Its time was over."))
      for machine in [first, second] {
        #expect(try await host.backend.look(machine.lease) == .ready)
        #expect(try await machine.ssh("true").status == 0)
      }
      // Less time is heard too.
      try await host.backend.setEnd(LocalHost.Clock().now(), of: first.lease)
      #expect(await eventually { HostProcess(first.pid) == nil })
    }
  }

  @Test("every terminal is warned before the end, once for each end, and told of more time")
  func warning() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let machine = try await host.machine()
      async let session = machine.ssh(
        "for i in 1 2 3; do until [ -e /tmp/$i ]; do sleep 0.05; done; done", options: ["-tt"])
      #expect(await eventually { (try? await machine.ssh("ls /dev/pts").output.contains("0\n")) ?? false })
      let now = LocalHost.Clock().now()
      for (step, minutes) in [4, 60, 2].enumerated() {
        try await host.backend.setEnd(now + .seconds(60 * minutes), of: machine.lease)
        try await Task.sleep(for: .milliseconds(300))
        _ = try await machine.ssh("touch /tmp/\(step + 1)")
      }
      let output = try await session.output
      let lines = output.split(whereSeparator: \.isNewline).filter { $0.contains("***") }
      #expect(lines.count == 3, "\(output)")
      #expect(lines.first?.contains("This machine ends in 4 minutes, at ") ?? false)
      #expect(lines.dropFirst().first?.contains("Extended: this machine now ends at ") ?? false)
      #expect(lines.last?.contains("This machine ends in 2 minutes, at ") ?? false)
    }
  }

  @Test("a second service finds it by its handle, changes it, and removes it; a first one hears of none")
  func reattach() async throws {
    try await withLocalHost(24_110...24_119) { host in
      var machine = try await host.machine()
      let other = try await LocalHost(ports: 24_110...24_119, folder: host.folder)
      #expect(try await other.backend.look(machine.lease) == .ready)
      machine.password = "new"
      try await other.backend.setCredentials(
        WorkloadCredentials(password: WorkloadPassword("new")), of: machine.lease)
      #expect(try await machine.ssh("echo yes").output == "yes\n")
      #expect(try await other.backend.inventory() == [machine.lease.id])
      try await other.backend.remove(machine.lease.id, handle: machine.lease.handle)
      #expect(HostProcess(machine.pid) == nil)
      #expect(try await host.backend.look(machine.lease) == .absent)
    }
  }

  @Test("a start that was never written down is found again: one machine, one port, one key")
  func lostHandle() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let machine = try await host.machine()
      let other = try await LocalHost(ports: 24_110...24_119, folder: host.folder)
      var lease = machine.lease
      lease.handle = nil
      let prepared = try await other.backend.prepare(lease, LocalHost.spec)
      #expect(prepared == PreparedWorkload(port: machine.port, hostKey: machine.lease.hostKey ?? ""))
      #expect(try await other.backend.look(lease) == .ready)
      let handle = try await other.backend.start(lease, LocalHost.spec, credentials: WorkloadCredentials())
      #expect(handle == machine.lease.handle)
      #expect(try await machine.ssh("true").status == 0)
      // And ended without it.
      try await other.backend.remove(lease.id, handle: nil)
      #expect(HostProcess(machine.pid) == nil)
    }
  }

  @Test("prepared again it keeps its port and its host key, also by another service")
  func preparedAgain() async throws {
    try await withLocalHost(24_110...24_119) { host in
      var lease = LocalHost.lease()
      let first = try await host.backend.prepare(lease, LocalHost.spec)
      #expect(try await host.backend.prepare(lease, LocalHost.spec) == first)
      lease.port = first.port
      #expect(try await host.backend.look(lease) == .starting)
      try await host.backend.remove(lease.id, handle: nil)
      let again = try await host.backend.prepare(lease, LocalHost.spec)
      #expect(again.port == first.port)
      #expect(again.hostKey != first.hostKey)
    }
  }

  @Test("a port that the book knows to be another's is let go, though it is free here")
  func takenElsewhere() async throws {
    try await withLocalHost(24_113...24_114) { host in
      var lease = LocalHost.lease()
      let first = try await host.backend.prepare(lease, LocalHost.spec)
      let second = try await host.backend.prepare(lease, LocalHost.spec, besides: [first.port])
      #expect(Set([first.port, second.port]) == [24_113, 24_114])
      #expect(second.hostKey == first.hostKey)
      lease.port = second.port
      #expect(try await host.backend.prepare(lease, LocalHost.spec) == second)
      // The one that was let go is free.
      #expect(try await host.backend.prepare(LocalHost.lease(), LocalHost.spec).port == first.port)
      await #expect(throws: BackendFault.self) {
        try await host.backend.prepare(LocalHost.lease(), LocalHost.spec, besides: [24_113, 24_114])
      }
    }
  }

  @Test("no two have one port: not of one service, not of two, and not after a restart")
  func ports() async throws {
    try await withLocalHost(24_111...24_112) { host in
      let first = try await host.machine()
      let other = try await LocalHost(ports: 24_111...24_112)
      let second = try await other.machine()
      #expect(Set([first.port, second.port]) == [24_111, 24_112])
      for each in [host, other] {
        await #expect(throws: BackendFault.self) {
          try await each.backend.prepare(LocalHost.lease(), LocalHost.spec)
        }
      }
      var third = LocalHost.lease()
      third.port = first.port
      await #expect(throws: BackendFault.self) {
        try await host.backend.start(third, LocalHost.spec, credentials: WorkloadCredentials())
      }
      try await host.backend.remove(first.lease.id, handle: first.lease.handle)
      #expect(try await other.backend.prepare(LocalHost.lease(), LocalHost.spec).port == first.port)
      await other.close()
    }
  }

  @Test("many are made at once, each with a port, a host user and a host key of its own")
  func many() async throws {
    try await withLocalHost(24_130...24_145) { host in
      let machines = try await withThrowingTaskGroup(of: Machine.self) { group in
        for _ in 0..<12 { group.addTask { try await host.machine() } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(machines.map(\.port)).count == 12)
      #expect(Set(machines.compactMap { HostProcess($0.pid)?.user }).count == 12)
      #expect(Set(machines.compactMap(\.lease.hostKey)).count == 12)
      for machine in machines {
        #expect(try await machine.ssh("hostname").output == "\(machine.lease.id.text)\n")
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for machine in machines {
          group.addTask { try await host.backend.remove(machine.lease.id, handle: machine.lease.handle) }
        }
        try await group.waitForAll()
      }
      #expect(machines.allSatisfy { HostProcess($0.pid) == nil })
      #expect(try await host.backend.inventory() == [])
    }
  }

  @Test("there is room for as many as are configured")
  func vacancy() async throws {
    try await withLocalHost(24_111...24_112) { host in
      #expect(host.backend.vacancy(for: LocalHost.spec) == .open)
      let first = LocalHost.lease()
      for lease in [first, LocalHost.lease()] { _ = try await host.backend.prepare(lease, LocalHost.spec) }
      #expect(host.backend.vacancy(for: LocalHost.spec) == .full(retryAfterSeconds: 60))
      try await host.backend.remove(first.id, handle: nil)
      #expect(host.backend.vacancy(for: LocalHost.spec) == .open)
    }
  }

  @Test(
    "removed, nothing is left of it: no process, file, control group or port; and once more is no fault"
  )
  func remove() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let machine = try await host.machine()
      let user = try #require(HostProcess(machine.pid)).user
      #expect(try await machine.ssh("setsid nohup sleep 600 >/dev/null 2>&1 & echo").status == 0)
      #expect(!Self.groups(of: machine.lease.id).isEmpty)
      try await host.backend.remove(machine.lease.id, handle: machine.lease.handle)
      #expect(HostProcess.all(of: user).isEmpty)
      #expect(HostProcess.all(mentioning: machine.lease.id.text).isEmpty)
      #expect(Self.groups(of: machine.lease.id).isEmpty)
      #expect(!FileManager.default.fileExists(atPath: machine.path))
      #expect(try await host.backend.inventory() == [])
      try await host.backend.remove(machine.lease.id, handle: machine.lease.handle)
      try await host.backend.remove(.random(), handle: nil)
    }
  }

  @Test("its end is an event, its removal is none")
  func events() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let first = try await host.machine()
      let second = try await host.machine(LocalHost.lease(seconds: 2))
      let third = try await host.machine()
      let monitors = [second, third].compactMap { HostProcess($0.pid)?.parent }
      #expect(monitors.count == 2)
      var seen: Set<WorkloadEvent> = []
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await host.backend.run() }
        try await host.backend.remove(first.lease.id, handle: first.lease.handle)
        kill(third.pid, SIGKILL)
        for await event in host.backend.events {
          seen.insert(event)
          if seen.count == 5 { break }
        }
        // Nothing of theirs stays in the list of processes.
        #expect(await eventually { monitors.allSatisfy { !HostProcess.isListed($0) } })
        group.cancelAll()
      }
      #expect(
        seen == [
          .ready(first.lease.id), .ready(second.lease.id), .ready(third.lease.id),
          .ended(third.lease.id, "It stopped before its time."),
          .ended(second.lease.id, "Its time was over."),
        ])
    }
  }

  @Test("a restarted host has none of its machines, though their numbers run")
  func otherBoot() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let machine = try await host.machine()
      var lease = machine.lease
      lease.handle = "00000000-0000-0000-0000-000000000000/\(machine.pid)/1"
      #expect(try await host.backend.look(lease) == .ended("The host was restarted."))
      let parts = machine.lease.handle?.split(separator: "/") ?? []
      lease.handle = "\(parts[0])/\(machine.pid)/\((UInt64(parts[2]) ?? 0) + 1)"
      #expect(try await host.backend.look(lease) == .ended("It stopped before its time."))
      #expect(HostProcess(machine.pid) != nil)
    }
  }

  @Test("a file of the end that holds none changes nothing, and the next one counts again")
  func damagedEnd() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let machine = try await host.machine()
      for text in ["", "soon", "-1", "0x10", "12:30", "99999999999999999999", "1.2.3"] {
        try text.write(toFile: "\(machine.path)/run/deadline", atomically: true, encoding: .utf8)
      }
      try FileManager.default.removeItem(atPath: "\(machine.path)/run/deadline")
      #expect(try await machine.ssh("true").status == 0)
      // As a kubelet writes it.
      try "1\n".write(toFile: "\(machine.path)/run/deadline", atomically: true, encoding: .utf8)
      #expect(await eventually { HostProcess(machine.pid) == nil })
    }
  }

  @Test("a host that lacks something sells none, and says what is lacking")
  func unfit() async throws {
    func report(_ programs: LocalPrograms, folder: String = "/tmp/turnpike-unfit") async throws
      -> BackendReport
    {
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let backend = try LocalBackend(
        LocalConfiguration(folder: folder, address: "127.0.0.1", programs: programs), clock: LocalHost.Clock()
      )
      let report = await backend.examine()
      guard case .unavailable = backend.vacancy(for: LocalHost.spec) else {
        Issue.record("\(report)")
        return report
      }
      return report
    }
    let found = LocalPrograms()
    #expect(
      try await report(LocalPrograms(bubblewrap: "/nowhere/bwrap", initProgram: found.initProgram)).fitness
        == .unfit("/nowhere/bwrap is missing: install the package bubblewrap, 0.8 or newer."))
    #expect(
      try await report(LocalPrograms(bubblewrap: found.bubblewrap, initProgram: "/nowhere/init")).fitness
        == .unfit("/nowhere/init is missing: install workload-init beside turnpike."))
    // A program that runs and makes no machine.
    let useless = try await report(LocalPrograms(bubblewrap: "/bin/false", initProgram: found.initProgram))
    if case .unfit = useless.fitness {} else { Issue.record("\(useless)") }
    let nowhere = try await report(found, folder: "/proc/turnpike")
    if case .unfit = nowhere.fitness {} else { Issue.record("\(nowhere)") }
  }

  @Test("a program that machines' users cannot come to is copied, and a folder that they cannot is named")
  func closedFolders() async throws {
    guard geteuid() == 0 else { return }
    let home = "/tmp/turnpike-closed-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(
      atPath: home, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: home) }
    let found = LocalPrograms()
    let program = "\(home)/workload-init"
    try FileManager.default.copyItem(atPath: found.initProgram, toPath: program)
    let programs = LocalPrograms(bubblewrap: found.bubblewrap, initProgram: program)
    try await withLocalHost(24_110...24_119, programs: programs) { host in
      let machine = try await host.machine()
      #expect(try await machine.ssh("id -un").output == "dev\n")
    }
    let backend = try LocalBackend(
      LocalConfiguration(folder: "\(home)/machines", address: "127.0.0.1"), clock: LocalHost.Clock())
    guard case .unfit(let reason) = await backend.examine().fitness else {
      Issue.record("a closed folder is no obstacle")
      return
    }
    #expect(reason.contains("chmod o+x \(home),"), "\(reason)")
  }

  @Test("a name that is not one, and a time that is over, are refused for good")
  func refused() async throws {
    try await withLocalHost(24_110...24_119) { host in
      for lease in [
        LocalHost.lease(username: "root"), LocalHost.lease(username: "a:b"), LocalHost.lease(seconds: -1),
      ] {
        var lease = lease
        lease.port = try await host.backend.prepare(lease, LocalHost.spec).port
        do throws(BackendFault) {
          _ = try await host.backend.start(lease, LocalHost.spec, credentials: WorkloadCredentials())
          Issue.record("started")
        } catch {
          if case .unavailable = error { Issue.record("\(error)") }
        }
      }
    }
  }

  /// As many as a machine may have, after all that a tenant could do to PID 1.
  private static let spinners =
    """
    perl -e 'system("chrt -i -p 0 1; renice -n 19 -p 1; prlimit --pid 1 --cpu=1; taskset -p 1 1");
    for (1..100) { if (!fork) { for (;;) {} } }' >/dev/null 2>&1 </dev/null; echo
    """

  @Test("it ends on time though its tenant spins in a hundred processes and has tried all on PID 1")
  func endsUnderLoad() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let machine = try await host.machine()
      let user = try #require(HostProcess(machine.pid)).user
      _ = try await machine.ssh(Self.spinners)
      #expect(HostProcess.all(of: user).count > 100)
      try await host.backend.setEnd(LocalHost.Clock().now() + .seconds(1), of: machine.lease)
      #expect(await eventually { HostProcess(machine.pid) == nil })
      #expect(await eventually { HostProcess.all(of: user).isEmpty })
    }
  }

  @Test("it is removed though PID 1 gets no processor time to die in")
  func removedWhileStarved() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let machine = try await host.machine()
      let user = try #require(HostProcess(machine.pid)).user
      _ = try await machine.ssh(Self.spinners)
      // From outside, where it is allowed.
      _ = try await Ran.run(["/usr/bin/chrt", "-i", "-p", "0", "\(machine.pid)"])
      try await host.backend.remove(machine.lease.id, handle: machine.lease.handle)
      #expect(HostProcess.all(of: user).isEmpty)
      #expect(Self.groups(of: machine.lease.id).isEmpty)
      #expect(try await host.backend.prepare(machine.lease, LocalHost.spec).port == machine.port)
    }
  }

  @Test("credentials set many times at once are all set, the last of them to stay")
  func credentialsAtOnce() async throws {
    try await withLocalHost(24_110...24_119) { host in
      var machine = try await host.machine()
      let lease = machine.lease
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<24 {
          group.addTask {
            let password = WorkloadPassword("pw-\(number)")
            try await host.backend.setCredentials(WorkloadCredentials(password: password), of: lease)
          }
        }
        try await group.waitForAll()
      }
      machine.password = "last"
      try await host.backend.setCredentials(
        WorkloadCredentials(password: WorkloadPassword("last")), of: machine.lease)
      #expect(try await machine.ssh("echo in").output == "in\n")
      let files = try FileManager.default.contentsOfDirectory(atPath: "\(machine.path)/etc")
      #expect(!files.contains { $0.hasPrefix("shadow.") })
    }
  }

  @Test("one that was not given all that it was sold with before its service ended is made anew")
  func unfinished() async throws {
    guard geteuid() == 0 else { return }
    try await withLocalHost(24_110...24_119) { host in
      var spec = LocalHost.spec
      spec.network = .outbound
      let machine = try await host.machine(spec: spec)
      #expect(!FileManager.default.fileExists(atPath: "\(machine.path)/unfinished"))
      var lease = machine.lease
      lease.handle = nil
      #expect(try await host.backend.look(lease) == .ready)
      try "".write(toFile: "\(machine.path)/unfinished", atomically: true, encoding: .utf8)
      let other = try await LocalHost(ports: 24_110...24_119, folder: host.folder)
      #expect(try await other.backend.look(lease) == .starting)
      #expect(try await other.backend.prepare(lease, spec).port == machine.port)
      lease.handle = try await other.backend.start(lease, spec, credentials: WorkloadCredentials())
      #expect(lease.handle != machine.lease.handle && HostProcess(machine.pid) == nil)
      #expect(try await machine.ssh("grep -c tap0: /proc/net/dev").output == "1\n")
    }
  }

  @Test("removal ends what was started for it and is in no group, and nothing else")
  func removesStarted() async throws {
    try await withLocalHost(24_110...24_119) { host in
      let (first, second) = (LocalHost.lease(), LocalHost.lease())
      for lease in [first, second] { _ = try await host.backend.prepare(lease, LocalHost.spec) }
      let processes = try [first, second].map { lease in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/perl")
        process.arguments = ["-e", "sleep 600", "/run/workload-init", "serve", "--name", lease.id.text]
        try process.run()
        return process
      }
      defer { for process in processes { process.terminate() } }
      try await host.backend.remove(first.id, handle: nil)
      #expect(await eventually { HostProcess(processes[0].processIdentifier) == nil })
      #expect(HostProcess(processes[1].processIdentifier) != nil)
    }
  }

  @Test(
    "a service that is killed in the middle of a start leaves nothing that the next one does not end",
    arguments: [nil, 12_345])
  func killedInMidStart(_ user: UInt32?) async throws {
    let folder = "/tmp/turnpike-mid-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var prepared: [(id: WorkloadID, port: UInt16)] = []
    for round in 0..<20 {
      // Every other one in its examination.
      let isEarly = round.isMultiple(of: 2)
      let lines = try await Rig.killed(
        24_150...24_199, folder: folder, user: user, onceItHas: isEarly ? nil : "prepared ",
        after: .milliseconds(Int.random(in: isEarly ? 5...150 : 0...30)))
      for words in lines.map({ $0.split(separator: " ") }) where words.first == "prepared" && words.count == 3
      {
        if let id = WorkloadID(String(words[1])), let port = UInt16(words[2]) { prepared.append((id, port)) }
      }
    }
    #expect(prepared.count >= 10)

    // Some are wanted still, the others not.
    let wanted = prepared.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
    let heir = try Rig(24_150...24_199, seconds: 600, count: 0, again: wanted, folder: folder, user: user)
    #expect(heir.machines.map(\.lease.id) == wanted.map(\.id), "\(heir.report)")
    #expect(Set(heir.machines.map(\.port)).count == wanted.count)
    for machine in heir.machines {
      #expect(try await machine.ssh("hostname").output == "\(machine.lease.id.text)\n")
    }
    heir.kill()
    try await withLocalHost(24_150...24_199, folder: "\(folder)/state") { host in
      for machine in heir.machines {
        try await host.backend.remove(machine.lease.id, handle: machine.lease.handle)
      }
      for id in try await host.backend.inventory() { try await host.backend.remove(id, handle: nil) }
      #expect(await eventually { HostProcess.all(mentioning: folder).isEmpty })
      #expect(prepared.allSatisfy { Self.groups(of: $0.id).isEmpty })
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/state")
      #expect(left.filter { WorkloadID($0) != nil } == [])
    }
  }

  private static func groups(of id: WorkloadID) -> [String] {
    ["", "/memory", "/pids", "/cpu"].map { "/sys/fs/cgroup\($0)/turnpike/\(id.text)" }
      .filter { FileManager.default.fileExists(atPath: $0) }
  }
}
