/// What a machine may not ask of the kernel (seccomp(2)): all else is allowed.
///
/// 1. Another architecture's calls end the process: their numbers mean something else.
/// 2. Calls that reach past the machine, or into rarely used kernel code, fail with EPERM.
/// 3. No new user namespace: `clone` with that flag fails; `clone3`, whose flags no filter sees, is absent.
/// 4. Sockets are of four families. Vsock above all is bounded by no network namespace: through it a machine
///    would speak to the hypervisor.
/// 5. No keystrokes put into another's terminal (TIOCSTI, TIOCLINUX).
struct SeccompFilter {
  enum Architecture: Hashable, CaseIterable {
    case x86_64, arm64

    static var current: Architecture {
      #if arch(x86_64)
        .x86_64
      #elseif arch(arm64)
        .arm64
      #endif
    }

    /// AUDIT_ARCH_… of linux/audit.h.
    var audit: UInt32 {
      switch self {
      case .x86_64: 0xc000_003e
      case .arm64: 0xc000_00b7
      }
    }
  }

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
    program.test(BPFInstruction.isEqual, numbers.clone3, then: .answer(Answer.noSuchCall))
    program.test(BPFInstruction.isEqual, numbers.clone, then: .part("clone"))
    program.test(BPFInstruction.isEqual, numbers.ioctl, then: .part("ioctl"))
    program.test(BPFInstruction.isEqual, numbers.socket, then: .part("socket"))
    program.test(BPFInstruction.isEqual, numbers.socketpair, then: .part("socket"))
    program.answer(Answer.allow)

    program.begin("clone")
    program.load(Offset.firstArgument)
    program.test(BPFInstruction.hasBit, Self.newUserNamespace, then: .answer(Answer.notPermitted))
    program.answer(Answer.allow)

    program.begin("ioctl")
    program.load(Offset.secondArgument)
    for trick in Self.terminalTricks {
      program.test(BPFInstruction.isEqual, trick, then: .answer(Answer.notPermitted))
    }
    program.answer(Answer.allow)

    program.begin("socket")
    program.load(Offset.firstArgument)
    for family in Self.families {
      program.test(BPFInstruction.isEqual, family, then: .answer(Answer.allow))
    }
    program.answer(Answer.noSuchFamily)
    self.instructions = program.assembled()
  }
}
