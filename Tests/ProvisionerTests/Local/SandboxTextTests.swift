import Gate
import Testing

@testable import Provisioner

@Suite("What a machine on this host is started with")
struct SandboxTextTests {
  private static func command(
    hostUser: UInt32? = 200_007, groups: [String] = ["/g/a/cgroup.procs"], boundsData: Bool = false,
    memory: UInt64 = 256 << 20, disk: UInt64 = 1 << 40
  ) throws -> [String] {
    let id = try #require(WorkloadID("abcdefghijklmnop"))
    let name = try #require(Username("ada"))
    return SandboxCommand(
      programs: LocalPrograms(bubblewrap: "/usr/bin/bwrap", initProgram: "/opt/workload-init"),
      folder: WorkloadFolder(of: id, in: "/var/lib/w"), id: id, user: MachineUser(name: name),
      spec: WorkloadSpec(name: WorkloadSpecName("s"), memoryBytes: memory, processes: 99, diskBytes: disk),
      hostUser: hostUser, groups: groups, boundsDataPerProcess: boundsData
    ).words
  }

  private static func has(_ words: [String], _ part: String...) -> Bool {
    words.indices.contains { words[$0...].starts(with: part) }
  }

  @Test("the launcher joins the groups before it becomes the machine's host user")
  func launcher() throws {
    let words = try Self.command()
    #expect(
      words.starts(with: [
        "/opt/workload-init", "enter", "--keep", "8", "--files", "1024", "--group",
        "/g/a/cgroup.procs", "--terminals", "/var/lib/w/abcdefghijklmnop/terminals", "--user", "200007", "--",
        "/usr/bin/bwrap",
      ]))
    let plain = try Self.command(hostUser: nil, groups: [], boundsData: true)
    #expect(
      plain.starts(with: [
        "/opt/workload-init", "enter", "--keep", "8", "--files", "1024", "--data",
        "268435456", "--", "/usr/bin/bwrap",
      ]))
  }

  @Test(
    "every namespace is new, no further one can be made, and nothing of the service's environment goes in")
  func namespaces() throws {
    let words = try Self.command()
    for option in ["user", "pid", "net", "ipc", "uts", "cgroup-try"] {
      #expect(words.contains("--unshare-\(option)"))
    }
    for option in ["--disable-userns", "--new-session", "--clearenv", "--as-pid-1"] {
      #expect(words.contains(option))
    }
    #expect(Self.has(words, "--uid", "1000", "--gid", "1000"))
    #expect(Self.has(words, "--seccomp", "6"))
  }

  @Test("of the host it has /usr without /usr/local, and its own folder's etc and run, all read-only")
  func mounts() throws {
    let words = try Self.command()
    #expect(!words.contains("--bind"))
    #expect(words.filter { $0 == "--dev-bind" }.count == 1)
    #expect(Self.has(words, "--dev-bind", "/var/lib/w/abcdefghijklmnop/terminals", "/dev/pts"))
    #expect(try !Self.command(hostUser: nil).contains("--dev-bind"))
    let sources = words.indices.filter { words[$0] == "--ro-bind" }.map { words[$0 + 1] }
    #expect(
      sources == [
        "/usr", "/var/lib/w/abcdefghijklmnop/etc", "/var/lib/w/abcdefghijklmnop/run", "/opt/workload-init",
      ])
    for path in ["/", "/run", "/dev", "/usr/local"] { #expect(Self.has(words, "--remount-ro", path)) }
  }

  @Test("no folder in memory is without a size, and together they leave room for processes")
  func sizes() throws {
    let words = try Self.command()
    for index in words.indices where words[index] == "--tmpfs" { #expect(words[index - 2] == "--size") }
    #expect(Self.has(words, "--size", "\(128 << 20)", "--tmpfs", "/home/ada"))
    #expect(Self.has(words, "--size", "\(32 << 20)", "--tmpfs", "/tmp"))
    #expect(Self.has(try Self.command(disk: 5 << 20), "--size", "\(5 << 20)", "--tmpfs", "/home/ada"))
  }

  @Test("PID 1 is found by its name, knows the end's file and serves sshd")
  func initProgram() throws {
    let words = try Self.command()
    let serve = try #require(words.lastIndex(of: "serve"))
    #expect(
      words[serve...].elementsEqual([
        "serve", "--name", "abcdefghijklmnop", "--deadline", "/run/lease/deadline", "--ready", "5",
        "--processes", "99",
        "--login-time", "45", "--", "/usr/sbin/sshd", "-i", "-e", "-f", "/etc/ssh/sshd_config",
      ]))
    #expect(words[serve - 1] == "/run/workload-init")
  }

  @Test("the account is the only one that logs in, and in no group tty")
  func account() throws {
    let user = MachineUser(name: try #require(Username("ada")))
    #expect(
      user.passwd(shell: "/bin/bash").split(separator: "\n")[1] == "ada:x:1000:1000::/home/ada:/bin/bash")
    #expect(!user.group.contains("tty"))
    #expect(user.shadow(.none) == "ada:*:19000:0:99999:7:::\n")
    let lines = SSHDConfiguration.text(for: user).split(separator: "\n")
    for line in [
      "AllowUsers ada", "UsePAM no", "PermitRootLogin no", "PermitEmptyPasswords no", "X11Forwarding no",
      "AllowAgentForwarding no", "PermitTunnel no", "GatewayPorts no", "LoginGraceTime 20",
    ] {
      #expect(lines.contains(Substring(line)))
    }
  }

  @Test("a password's hash is crypt's own, salted, and does not hold it")
  func hash() throws {
    let password = WorkloadPassword("correct horse")
    let first = try #require(PasswordHash(of: password)).text
    #expect(first.wholeMatch(of: /\$6\$rounds=1000\$[.\/0-9A-Za-z]{16}\$[.\/0-9A-Za-z]{86}/) != nil)
    #expect(try #require(PasswordHash(of: password)).text != first)
  }
}
