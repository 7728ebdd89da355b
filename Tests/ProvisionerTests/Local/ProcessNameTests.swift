import Glibc
import Testing

@testable import Provisioner

@Suite("A process of this host")
struct ProcessNameTests {
  @Test("a handle is boot, number and start, and nothing else is one")
  func handles() throws {
    let name = try #require(ProcessName(handle: "81fb2754-2ef4-4855-a8c4-4f2efb790c14/24936/2836941"))
    #expect(name.pid == 24_936 && name.start == 2_836_941)
    #expect(name.handle == "81fb2754-2ef4-4855-a8c4-4f2efb790c14/24936/2836941")
    for text in ["", "//", "a/b/c", "a/1/2", "a/0/2", "a/-5/2", "a/7", "a/7/8/9", "/7/8", "wl-1/uid"] {
      #expect(ProcessName(handle: text) == nil, "\(text)")
    }
  }

  @Test("its fields start behind its name, whatever that is")
  func stat() {
    let rest = "S 41 5 5 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 2836941 1200128 211 18446744073709551615 0"
    for name in ["bwrap", "a) Z 1 1", "x y", "()"] {
      let stat = ProcessStat("42 (\(name)) \(rest)")
      #expect(stat?.state == "S" && stat?.parent == 41 && stat?.start == 2_836_941)
    }
    #expect(ProcessStat("") == nil)
    #expect(ProcessStat("42 (short) S 1") == nil)
  }

  @Test("PID 1 of a machine is the first of its namespace and of the machine's host user")
  func first() {
    func status(_ uid: String, _ pids: String) -> String {
      "Name:\tworkload-init\nUid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)\nNSpid:\t\(pids)\nThreads:\t1\n"
    }
    #expect(RunningMachine.isFirst(status("200007", "4711\t1"), hostUser: 200_007))
    #expect(RunningMachine.isFirst(status("200007", "9\t4711\t1"), hostUser: 200_007))
    #expect(!RunningMachine.isFirst(status("200008", "4711\t1"), hostUser: 200_007))
    #expect(!RunningMachine.isFirst(status("200007", "4711\t12"), hostUser: 200_007))
    #expect(!RunningMachine.isFirst(status("200007", "1"), hostUser: 200_007))
  }

  @Test("this one is found by its handle, another start of its number is not")
  func living() throws {
    let own = try #require(ProcessName(living: getpid()))
    #expect(ProcessName(handle: own.handle) == own)
    #expect(own.open() != nil)
    let other = try #require(ProcessName(handle: "\(own.boot)/1000000/\(own.start)"))
    #expect(other.open() == nil)
  }
}
