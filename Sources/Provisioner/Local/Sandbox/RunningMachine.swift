internal import Gate
internal import Glibc

/// A machine's processes as the host sees them: bubblewrap, which waits, and PID 1, with which all the rest
/// ends.
struct RunningMachine {
  let name: ProcessName
  let process: Descriptor
  /// bubblewrap; nil when it is gone already.
  let monitor: (pid: pid_t, process: Descriptor)?

  /// The running one that a lease names; nil when it has ended.
  init?(handle: String) {
    guard let name = ProcessName(handle: handle) else { return nil }
    self.init(name)
  }

  init?(_ name: ProcessName) {
    guard name.boot == ProcessName.currentBoot(), let process = name.open(),
      let stat = ProcessStat(of: name.pid)
    else { return nil }
    self.name = name
    self.process = process
    // Adopted by another process (it is 1 then), or never bubblewrap's child: not ours to wait for.
    let monitor = stat.parent > 1 ? Descriptor.process(stat.parent) : nil
    let comm = (try? FileTree.read("/proc/\(stat.parent)/comm")) ?? nil
    self.monitor = comm == "bwrap\n" ? monitor.map { (stat.parent, $0) } : nil
  }

  /// How its PID 1 shows in the host's list of processes.
  static func mark(of id: WorkloadID) -> [String] { ["--name", id.text] }

  /// What the command lines of all have that are started for a machine, from the launcher to PID 1.
  private static func command(of id: WorkloadID) -> [String] {
    [SandboxPaths.initProgram, "serve"] + self.mark(of: id)
  }

  /// Looks through all processes: for those that were started for a machine, whatever of its start they have
  /// come to. A tenant can make his own look so, and has them ended.
  static func started(for id: WorkloadID) throws(SystemFault) -> [Descriptor] {
    let command = self.command(of: id)
    let own = geteuid()
    return try FileTree.names(in: "/proc").compactMap { entry in
      // Held before it is looked at: the number cannot come to mean another.
      guard let pid = pid_t(entry), pid > 1, let process = Descriptor.process(pid),
        let line = (try? FileTree.read("/proc/\(pid)/cmdline")) ?? nil, line.contains(id.text)
      else { return nil }
      let words = line.split(separator: "\0").map(String.init)
      guard words.indices.contains(where: { words[$0...].starts(with: command) }),
        let status = (try? FileTree.read("/proc/\(pid)/status")) ?? nil,
        own == 0 || Self.user(status) == own
      else { return nil }
      return process
    }
  }

  /// Looks through all processes: for a machine whose handle was lost between its start and the note of it.
  static func find(_ id: WorkloadID, hostUser: uid_t) throws(SystemFault) -> RunningMachine? {
    let start = self.command(of: id).joined(separator: "\0") + "\0"
    for entry in try FileTree.names(in: "/proc") {
      guard let pid = pid_t(entry), let line = (try? FileTree.read("/proc/\(pid)/cmdline")) ?? nil,
        line.hasPrefix(start), let name = ProcessName(living: pid),
        let status = (try? FileTree.read("/proc/\(pid)/status")) ?? nil,
        Self.isFirst(status, hostUser: hostUser), let machine = RunningMachine(name)
      else { continue }
      return machine
    }
    return nil
  }

  /// Any tenant can name a process as he likes, but the first of its namespace he is given.
  static func isFirst(_ status: String, hostUser: uid_t) -> Bool {
    let numbers = self.numbers("NSpid:", in: status)
    return numbers.count > 1 && numbers.last == 1 && self.user(status) == hostUser
  }

  /// Of a process namespace below the host's.
  static func isInside(_ status: String) -> Bool { self.numbers("NSpid:", in: status).count > 1 }

  private static func user(_ status: String) -> uid_t? { self.numbers("Uid:", in: status).first }

  /// What stands in a line of `/proc/PID/status`.
  private static func numbers(_ name: String, in status: String) -> [UInt32] {
    let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    return line.split(separator: "\t").dropFirst().compactMap { UInt32($0) }
  }

  /// Ends all of it; false when something was left after the time.
  func end(within time: Duration) -> Bool {
    guard self.process.killProcess(within: time) else { return false }
    guard let monitor = self.monitor else { return true }
    // It ends by itself when PID 1 has.
    if !monitor.process.waitReadable(until: .now + time), !monitor.process.killProcess(within: time) {
      return false
    }
    var status: CInt = 0
    // Only the service that started it can and has to collect it.
    _ = unsafe waitpid(monitor.pid, &status, WNOHANG)
    return true
  }
}
