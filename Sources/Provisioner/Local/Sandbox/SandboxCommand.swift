internal import Gate
internal import Glibc

/// Which descriptor a machine's processes are given as which number.
enum SandboxDescriptor: CInt, CaseIterable {
  case input = 0, output, errors, listener, info, ready, filter
  /// Held open by PID 1 for whoever has to end with it.
  case life

  /// The first that is none of these.
  static let end: CInt = 8
}

/// The command line of a machine: our launcher, bubblewrap, PID 1 and sshd, one in the other.
struct SandboxCommand {
  let programs: LocalPrograms
  let folder: WorkloadFolder
  let id: WorkloadID
  let user: MachineUser
  let spec: WorkloadSpec
  /// The host's user that it runs as; nil for the service's own.
  let hostUser: uid_t?
  /// Files that take a process into a control group.
  let groups: [String]
  /// What no control group bounds is bounded per process.
  let boundsDataPerProcess: Bool

  var words: [String] {
    [self.programs.initProgram, "enter"] + self.launch + ["--", self.programs.bubblewrap] + self.sandbox
      + ["--", SandboxPaths.initProgram, "serve"] + self.serve + ["--"] + Self.sshd
  }

  private var launch: [String] {
    var words = ["--keep", "\(SandboxDescriptor.end)", "--files", "1024"]
    for group in self.groups { words += ["--group", group] }
    if self.boundsDataPerProcess { words += ["--data", "\(self.spec.memoryBytes)"] }
    // Only root can mount them; without, they are bubblewrap's, which has no bound for them.
    if let user = self.hostUser { words += ["--terminals", self.folder.terminals, "--user", "\(user)"] }
    return words
  }

  /// Order counts: bubblewrap mounts in the order of its options.
  private var sandbox: [String] {
    let home = "/home/\(self.user.name)"
    let options: [[String]] = [
      ["--unshare-user", "--uid", "\(MachineUser.id)", "--gid", "\(MachineUser.id)", "--unshare-pid"],
      ["--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--disable-userns"],
      ["--hostname", self.id.text, "--as-pid-1", "--new-session"],
      ["--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8"],
      ["--ro-bind", "/usr", "/usr"],
      // Of the host's own making, and nobody's business.
      ["--size", "4096", "--tmpfs", "/usr/local"],
      ["--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"],
      ["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"],
      ["--ro-bind", self.folder.etc, "/etc"],
      ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"],
      ["--ro-bind-try", "/etc/ssl/certs", "/etc/ssl/certs"],
      ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
      ["--proc", "/proc", "--dev", "/dev"],
      self.hostUser == nil ? [] : ["--dev-bind", self.folder.terminals, "/dev/pts"],
      // Without a size each would have half of the host's memory.
      self.scratch("/dev/shm", bytes: min(16 << 20, self.spec.memoryBytes / 16), mode: "1777"),
      self.scratch("/tmp", bytes: self.spec.memoryBytes / 8, mode: "1777"),
      self.scratch("/run", bytes: 65_536, mode: "0755"),
      ["--symlink", "/tmp", "/var/tmp"],
      self.scratch(home, bytes: self.homeBytes, mode: "0700"),
      ["--ro-bind", self.folder.run, "/run/lease"],
      ["--ro-bind", self.programs.initProgram, SandboxPaths.initProgram],
      ["--remount-ro", "/", "--remount-ro", "/run", "--remount-ro", "/dev", "--remount-ro", "/usr/local"],
      ["--chdir", home],
      [
        "--info-fd", "\(SandboxDescriptor.info.rawValue)", "--seccomp",
        "\(SandboxDescriptor.filter.rawValue)",
      ],
    ]
    return options.flatMap(\.self)
  }

  /// Files in memory count against the machine's memory: with all of it full of files, no login would find
  /// any.
  var homeBytes: UInt64 { min(self.spec.diskBytes, self.spec.memoryBytes / 2) }

  private func scratch(_ path: String, bytes: UInt64, mode: String) -> [String] {
    ["--perms", mode, "--size", "\(max(4096, bytes))", "--tmpfs", path]
  }

  /// How much longer than a login a connection lasts by which nobody logs in: what sshd said last is delivered, and
  /// some more.
  private static let flushSeconds = 25

  private var serve: [String] {
    // The name first: it is what a process is looked up by.
    RunningMachine.mark(of: self.id) + [
      "--deadline", SandboxPaths.deadline, "--ready", "\(SandboxDescriptor.ready.rawValue)",
      "--processes", "\(self.spec.processes)", "--login-time",
      "\(SSHDConfiguration.loginSeconds + Self.flushSeconds)",
    ]
  }

  private static let sshd = [
    SandboxPaths.sshd, "-i", "-e", "-f", SandboxPaths.sshdConfiguration,
  ]
}
