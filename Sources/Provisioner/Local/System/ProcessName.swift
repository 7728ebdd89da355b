internal import CLinux
internal import Glibc

/// One process of one boot of the host: what a number alone does not say, since numbers are given again.
struct ProcessName: Hashable {
  let boot: String
  let pid: pid_t
  /// When it began, in the kernel's ticks since the boot (proc(5), field 22 of `stat`).
  let start: UInt64

  /// `boot/pid/start`, as lease rows keep it.
  var handle: String { "\(self.boot)/\(self.pid)/\(self.start)" }

  init?(handle: String) {
    let parts = handle.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, let pid = pid_t(parts[1]), pid > 1,
      let start = UInt64(parts[2])
    else { return nil }
    self.boot = String(parts[0])
    self.pid = pid
    self.start = start
  }

  /// The process that has the number now; nil for none.
  init?(living pid: pid_t) {
    guard let boot = Self.currentBoot(), let stat = ProcessStat(of: pid), stat.state != "Z" else {
      return nil
    }
    self.boot = boot
    self.pid = pid
    self.start = stat.start
  }

  static func currentBoot() -> String? {
    let text = try? FileTree.read("/proc/sys/kernel/random/boot_id")
    return text?.split(separator: "\n").first.map(String.init)
  }

  /// A descriptor of it; nil when it is gone.
  func open() -> Descriptor? {
    let raw = linux_pidfd_open(self.pid)
    guard raw >= 0 else { return nil }
    let process = Descriptor(raw)
    // Looked up after the descriptor is held: from here on the number cannot mean another.
    return ProcessName(living: self.pid) == self ? process : nil
  }
}

extension Descriptor {
  /// Of a process: ends it, and does not wait.
  func kill() { _ = linux_pidfd_kill(self.raw) }

  /// Of a process: ends it, and waits until it has ended; false when it had not in time.
  func killProcess(within time: Duration) -> Bool {
    self.kill()
    return self.waitReadable(until: .now + time)
  }

  /// A descriptor of the process that has the number now; nil for none.
  static func process(_ pid: pid_t) -> Descriptor? {
    let raw = linux_pidfd_open(pid)
    return raw >= 0 ? Descriptor(raw) : nil
  }
}

/// Three fields of `/proc/PID/stat` (proc(5)).
struct ProcessStat: Hashable {
  let state: Character
  let parent: pid_t
  let start: UInt64

  init?(of pid: pid_t) {
    guard let text = (try? FileTree.read("/proc/\(pid)/stat")) ?? nil else { return nil }
    self.init(text)
  }

  /// The second field is the program's name, in parentheses and of its own choice: the fields start after the
  /// last.
  init?(_ text: String) {
    guard let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let state = fields[0].first, let parent = pid_t(fields[1]),
      let start = UInt64(fields[19])
    else { return nil }
    self.state = state
    self.parent = parent
    self.start = start
  }
}
