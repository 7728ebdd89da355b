import Testing

@testable import Provisioner

/// The program is run here as the kernel runs it.
@Suite("The filter of system calls")
struct SeccompFilterTests {
  typealias Answer = SeccompFilter.Answer

  @Test("refuses each listed call and no other", arguments: Architecture.allCases)
  func calls(_ architecture: Architecture) {
    let filter = SeccompFilter(for: architecture)
    let calls = SystemCalls(of: architecture)
    // The first argument below is 2: of these it is another process, or a user.
    let aimed = calls.onlyOneself + [calls.setpriority, calls.ioprioSet]
    let refused = Set(calls.refused + aimed)
    #expect(refused.count == calls.refused.count + aimed.count)
    for number in UInt32(0)..<500 {
      let answer = Self.run(filter, architecture.audit, number, 2, 0)
      let expected =
        number == 435 ? Answer.noSuchCall : refused.contains(number) ? Answer.notPermitted : Answer.allow
      #expect(answer == expected, "call \(number)")
    }
  }

  @Test("knows the numbers of both architectures")
  func numbers() {
    // setns, mount, bpf, keyctl, userfaultfd.
    for (number, arm64) in [(308, 268), (165, 40), (321, 280), (250, 219), (323, 282)] as [(UInt32, UInt32)] {
      #expect(SystemCalls(of: .x86_64).refused.contains(number))
      #expect(SystemCalls(of: .arm64).refused.contains(arm64))
    }
  }

  @Test(
    "lets processes be made, in no user namespace of their own",
    arguments: Architecture.allCases)
  func clone(_ architecture: Architecture) {
    let filter = SeccompFilter(for: architecture)
    let number = SystemCalls(of: architecture).clone
    #expect(Self.run(filter, architecture.audit, number, 0x11, 0) == Answer.allow)
    #expect(Self.run(filter, architecture.audit, number, 0x1000_0011, 0) == Answer.notPermitted)
  }

  @Test(
    "lets a process set its own share, priority and limits, and nobody else's",
    arguments: Architecture.allCases)
  func oneself(_ architecture: Architecture) {
    let filter = SeccompFilter(for: architecture)
    let calls = SystemCalls(of: architecture)
    for number in calls.onlyOneself {
      #expect(Self.run(filter, architecture.audit, number, 0, 1) == Answer.allow)
      #expect(Self.run(filter, architecture.audit, number, 1, 0) == Answer.notPermitted)
    }
    // The kind for which it is allowed (PRIO_PROCESS, IOPRIO_WHO_PROCESS), and groups and users.
    for (number, process) in [(calls.setpriority, 0), (calls.ioprioSet, 1)] as [(UInt32, UInt32)] {
      for kind in process...process + 2 {
        let expected = kind == process ? Answer.allow : Answer.notPermitted
        #expect(Self.run(filter, architecture.audit, number, kind, 0) == expected)
        #expect(Self.run(filter, architecture.audit, number, kind, 1) == Answer.notPermitted)
      }
    }
  }

  @Test("takes no lease of a file, and locks and duplicates as always", arguments: Architecture.allCases)
  func leases(_ architecture: Architecture) {
    let filter = SeccompFilter(for: architecture)
    let number = SystemCalls(of: architecture).fcntl
    // F_SETLEASE, F_NOTIFY and F_SETDELEG; F_SETFL, F_SETLK, F_GETLEASE, F_DUPFD_CLOEXEC and F_ADD_SEALS.
    for command in [1024, 1026, 1040] as [UInt32] {
      #expect(Self.run(filter, architecture.audit, number, 3, command) == Answer.notPermitted)
    }
    for command in [4, 6, 1025, 1030, 1033] as [UInt32] {
      #expect(Self.run(filter, architecture.audit, number, 3, command) == Answer.allow)
    }
  }

  @Test("gives sockets of four families", arguments: Architecture.allCases)
  func families(_ architecture: Architecture) {
    let filter = SeccompFilter(for: architecture)
    let calls = SystemCalls(of: architecture)
    for family in UInt32(0)..<64 {
      let expected = [1, 2, 10, 16].contains(family) ? Answer.allow : Answer.noSuchFamily
      #expect(Self.run(filter, architecture.audit, calls.socket, family, 0) == expected, "family \(family)")
      #expect(Self.run(filter, architecture.audit, calls.socketpair, family, 0) == expected)
    }
  }

  @Test("puts nothing into a terminal's input", arguments: Architecture.allCases)
  func terminals(_ architecture: Architecture) {
    let filter = SeccompFilter(for: architecture)
    let number = SystemCalls(of: architecture).ioctl
    // TIOCSTI and TIOCLINUX, then TCGETS and TIOCGWINSZ.
    for request in [0x5412, 0x541c] as [UInt32] {
      #expect(Self.run(filter, architecture.audit, number, 0, request) == Answer.notPermitted)
    }
    for request in [0x5401, 0x5413] as [UInt32] {
      #expect(Self.run(filter, architecture.audit, number, 0, request) == Answer.allow)
    }
  }

  @Test("ends a process that calls as another architecture does, and knows no x32 calls")
  func otherArchitecture() {
    let filter = SeccompFilter(for: .x86_64)
    #expect(Self.run(filter, 0x4000_0003, 1, 0, 0) == Answer.kill)
    #expect(Self.run(filter, 0xc000_00b7, 1, 0, 0) == Answer.kill)
    #expect(Self.run(filter, 0xc000_003e, 0x4000_0001, 0, 0) == Answer.noSuchCall)
    #expect(Self.run(SeccompFilter(for: .arm64), 0xc000_003e, 1, 0, 0) == Answer.kill)
  }

  @Test("has eight bytes for each instruction, in the host's order")
  func bytes() {
    let filter = SeccompFilter(for: .x86_64)
    #expect(filter.bytes.count == 8 * filter.instructions.count)
    // Load the word at 4; is it 0xc000003e?
    #expect(Array(filter.bytes.prefix(8)) == [0x20, 0, 0, 0, 4, 0, 0, 0])
    #expect(Array(filter.bytes[8..<10]) == [0x15, 0])
    #expect(Array(filter.bytes[12..<16]) == [0x3e, 0, 0, 0xc0])
  }

  /// - Parameter first: the lower half of the first argument; its upper half is set, and must not count.
  private static func run(
    _ filter: SeccompFilter, _ architecture: UInt32, _ number: UInt32, _ first: UInt32, _ second: UInt32
  ) -> UInt32? {
    let data: [UInt32: UInt32] = [0: number, 4: architecture, 16: first, 20: .max, 24: second, 28: .max]
    var accumulator: UInt32 = 0
    var line = 0
    while filter.instructions.indices.contains(line) {
      let instruction = filter.instructions[line]
      line += 1
      let holds: Bool
      switch instruction.code {
      case 0x20:
        guard let word = data[instruction.operand] else { return nil }
        accumulator = word
        continue
      case 0x06: return instruction.operand
      case 0x15: holds = accumulator == instruction.operand
      case 0x35: holds = accumulator >= instruction.operand
      case 0x45: holds = accumulator & instruction.operand != 0
      default: return nil
      }
      line += Int(holds ? instruction.whenTrue : instruction.whenFalse)
    }
    return nil
  }
}
