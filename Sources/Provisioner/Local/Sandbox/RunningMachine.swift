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

  /// Looks through all processes: for a machine whose handle was lost between its start and the note of it.
  static func find(_ id: WorkloadID, hostUser: uid_t) throws(SystemFault) -> RunningMachine? {
    let words = [SandboxPaths.initProgram, "serve"] + self.mark(of: id)
    let start = words.joined(separator: "\0") + "\0"
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
    var isFirst = false
    var isOwned = false
    for line in status.split(separator: "\n") {
      let fields = line.split(separator: "\t")
      switch fields.first {
      case "NSpid:": isFirst = fields.count > 2 && fields.last == "1"
      case "Uid:": isOwned = fields.count > 1 && fields[1] == "\(hostUser)"
      default: continue
      }
    }
    return isFirst && isOwned
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
