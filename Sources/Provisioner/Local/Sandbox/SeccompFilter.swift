/// What a machine may not ask of the kernel (seccomp(2)): all else is allowed.
///
/// 1. Another architecture's calls end the process: their numbers mean something else.
/// 2. Calls that reach past the machine, or into rarely used kernel code, fail with EPERM.
/// 3. No new user namespace: `clone` with that flag fails; `clone3`, whose flags no filter sees, is absent.
/// 4. Sockets are of four families. Vsock above all is bounded by no network namespace: through it a machine
///    would speak to the hypervisor.
/// 5. No keystrokes put into another's terminal (TIOCSTI, TIOCLINUX).
/// 6. Shares of the processor, priorities and limits are set for oneself only: PID 1 has the tenant's user,
///    and must come to run when the end has come.
/// 7. No leases of files, and no notices of folders: who opens a leased file waits for its holder.
struct SeccompFilter {
  enum Answer {
    /// SECCOMP_RET_ALLOW
    static let allow: UInt32 = 0x7fff_0000
    /// SECCOMP_RET_KILL_PROCESS
    static let kill: UInt32 = 0x8000_0000
    /// SECCOMP_RET_ERRNO with EPERM, ENOSYS and EAFNOSUPPORT
    static let notPermitted: UInt32 = 0x0005_0001
    static let noSuchCall: UInt32 = 0x0005_0026
    static let noSuchFamily: UInt32 = 0x0005_0061
  }

  /// Offsets in `struct seccomp_data`; arguments have 64 bits, of which the lower 32 are looked at.
  private enum Offset {
    static let number: UInt32 = 0
    static let architecture: UInt32 = 4
    static let firstArgument: UInt32 = 16
    static let secondArgument: UInt32 = 24
  }

  /// AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
  static let families: [UInt32] = [1, 2, 10, 16]
  static let newUserNamespace: UInt32 = 0x1000_0000
  /// TIOCSTI, TIOCLINUX
  static let terminalTricks: [UInt32] = [0x5412, 0x541c]

  /// F_SETLEASE, F_NOTIFY, F_SETDELEG
  static let fileTricks: [UInt32] = [1024, 1026, 1040]
  /// PRIO_PROCESS and IOPRIO_WHO_PROCESS, with 0 for the caller. What is a user's is PID 1's too.
  static let priorityOfProcess: UInt32 = 0
  static let diskPriorityOfProcess: UInt32 = 1

  let instructions: [BPFInstruction]

  var bytes: [UInt8] { self.instructions.flatMap(\.bytes) }

  init(for architecture: Architecture = .current) {
    let numbers = SystemCalls(of: architecture)
    var program = BPFProgram()
    program.load(Offset.architecture)
    program.test(BPFInstruction.isEqual, architecture.audit, otherwise: .answer(Answer.kill))
    program.load(Offset.number)
    if architecture == .x86_64 {
      // The x32 numbers, a second door to the same calls.
      program.test(BPFInstruction.isAtLeast, 0x4000_0000, then: .answer(Answer.noSuchCall))
    }
    for number in numbers.refused {
      program.test(BPFInstruction.isEqual, number, then: .answer(Answer.notPermitted))
    }
    for number in numbers.onlyOneself {
      program.test(BPFInstruction.isEqual, number, then: .part("oneself"))
    }
    program.test(BPFInstruction.isEqual, numbers.setpriority, then: .part("setpriority"))
    program.test(BPFInstruction.isEqual, numbers.ioprioSet, then: .part("ioprio_set"))
    program.test(BPFInstruction.isEqual, numbers.fcntl, then: .part("fcntl"))
    program.test(BPFInstruction.isEqual, numbers.clone3, then: .answer(Answer.noSuchCall))
    program.test(BPFInstruction.isEqual, numbers.clone, then: .part("clone"))
    program.test(BPFInstruction.isEqual, numbers.ioctl, then: .part("ioctl"))
    program.test(BPFInstruction.isEqual, numbers.socket, then: .part("socket"))
    program.test(BPFInstruction.isEqual, numbers.socketpair, then: .part("socket"))
    program.answer(Answer.allow)

    program.begin("oneself")
    program.load(Offset.firstArgument)
    program.test(BPFInstruction.isEqual, 0, otherwise: .answer(Answer.notPermitted))
    program.answer(Answer.allow)

    for (part, kind) in [("setpriority", Self.priorityOfProcess), ("ioprio_set", Self.diskPriorityOfProcess)]
    {
      program.begin(part)
      program.load(Offset.firstArgument)
      program.test(BPFInstruction.isEqual, kind, otherwise: .answer(Answer.notPermitted))
      program.load(Offset.secondArgument)
      program.test(BPFInstruction.isEqual, 0, otherwise: .answer(Answer.notPermitted))
      program.answer(Answer.allow)
    }

    program.begin("clone")
    program.load(Offset.firstArgument)
    program.test(BPFInstruction.hasBit, Self.newUserNamespace, then: .answer(Answer.notPermitted))
    program.answer(Answer.allow)

    for (part, tricks) in [("ioctl", Self.terminalTricks), ("fcntl", Self.fileTricks)] {
      program.begin(part)
      program.load(Offset.secondArgument)
      for trick in tricks {
        program.test(BPFInstruction.isEqual, trick, then: .answer(Answer.notPermitted))
      }
      program.answer(Answer.allow)
    }

    program.begin("socket")
    program.load(Offset.firstArgument)
    for family in Self.families {
      program.test(BPFInstruction.isEqual, family, then: .answer(Answer.allow))
    }
    program.answer(Answer.noSuchFamily)
    self.instructions = program.assembled()
  }
}
