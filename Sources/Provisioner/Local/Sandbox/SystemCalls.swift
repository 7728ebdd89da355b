/// Numbers of system calls (asm/unistd_64.h; asm-generic/unistd.h for arm64).
struct SystemCalls {
  let refused: [UInt32]
  /// Allowed where the first argument is 0, which is the caller itself.
  let onlyOneself: [UInt32]
  let setpriority: UInt32
  let ioprioSet: UInt32
  let fcntl: UInt32
  let clone: UInt32
  let clone3: UInt32 = 435
  let ioctl: UInt32
  let socket: UInt32
  let socketpair: UInt32

  init(of architecture: Architecture) {
    switch architecture {
    case .x86_64:
      self.refused = Self.table.map(\.x86_64)
      self.onlyOneself = Self.aimed.map(\.x86_64)
      (self.setpriority, self.ioprioSet, self.fcntl) = (141, 251, 72)
      (self.clone, self.ioctl, self.socket, self.socketpair) = (56, 16, 41, 53)
    case .arm64:
      self.refused = Self.table.compactMap(\.arm64)
      self.onlyOneself = Self.aimed.map(\.arm64)
      (self.setpriority, self.ioprioSet, self.fcntl) = (140, 30, 25)
      (self.clone, self.ioctl, self.socket, self.socketpair) = (220, 29, 198, 199)
    }
  }

  /// What sets another process' share of the processor or its limits: PID 1 has the tenant's own user.
  static let aimed: [(name: String, x86_64: UInt32, arm64: UInt32)] = [
    ("sched_setscheduler", 144, 119),
    ("sched_setparam", 142, 118),
    ("sched_setattr", 314, 274),
    ("sched_setaffinity", 203, 122),
    ("prlimit64", 302, 261),
  ]

  /// Keys of the kernel, tracing and loading of kernel code, mounts and namespaces, modules and boots, disks
  /// by handle, other processes' memory and files, clocks, and what most exploits of a kernel began with.
  static let table: [(name: String, x86_64: UInt32, arm64: UInt32?)] = [
    ("keyctl", 250, 219),
    ("add_key", 248, 217),
    ("request_key", 249, 218),
    ("bpf", 321, 280),
    ("perf_event_open", 298, 241),
    ("userfaultfd", 323, 282),
    ("io_uring_setup", 425, 425),
    ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427),
    ("mount", 165, 40),
    ("umount2", 166, 39),
    ("pivot_root", 155, 41),
    ("move_mount", 429, 429),
    ("open_tree", 428, 428),
    ("fsopen", 430, 430),
    ("fsconfig", 431, 431),
    ("fsmount", 432, 432),
    ("fspick", 433, 433),
    ("mount_setattr", 442, 442),
    ("unshare", 272, 97),
    ("setns", 308, 268),
    ("kexec_load", 246, 104),
    ("kexec_file_load", 320, 294),
    ("init_module", 175, 105),
    ("finit_module", 313, 273),
    ("delete_module", 176, 106),
    ("swapon", 167, 224),
    ("swapoff", 168, 225),
    ("reboot", 169, 142),
    ("acct", 163, 89),
    ("quotactl", 179, 60),
    ("quotactl_fd", 443, 443),
    ("open_by_handle_at", 304, 265),
    ("name_to_handle_at", 303, 264),
    ("ptrace", 101, 117),
    ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271),
    ("process_madvise", 440, 440),
    ("pidfd_getfd", 438, 438),
    ("vmsplice", 278, 75),
    ("personality", 135, 92),
    ("syslog", 103, 116),
    ("settimeofday", 164, 170),
    ("clock_settime", 227, 112),
    ("adjtimex", 159, 171),
    ("clock_adjtime", 305, 266),
    ("fanotify_init", 300, 262),
    ("lookup_dcookie", 212, 18),
    ("kcmp", 312, 272),
    ("mbind", 237, 235),
    ("migrate_pages", 256, 238),
    ("move_pages", 279, 239),
    ("ioperm", 173, nil),
    ("iopl", 172, nil),
    ("modify_ldt", 154, nil),
    ("uselib", 134, nil),
  ]
}
