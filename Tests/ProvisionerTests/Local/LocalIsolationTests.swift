import Foundation
import Gate
import Testing

@testable import Provisioner

/// What a tenant sees and can do, tried from inside.
@Suite("A tenant of this host", .serialized)
struct LocalIsolationTests {
  /// Of two tenants, one is a stranger to the other.
  private static func inside(_ command: String) async throws -> Ran {
    try await withLocalHost(24_120...24_129) { host in try await host.machine().ssh(command) }
  }

  @Test("sees its own files and those of /usr, and can write in its home, /tmp and nowhere else")
  func files() async throws {
    let ran = try await Self.inside(
      """
      ls -m /; ls -A /home /usr/local /root /sys 2>&1; ls /opt /srv /var/lib /tmp/turnpike* 2>/dev/null | wc -l
      for p in / /usr /usr/local /etc /run /run/lease /dev /var /home
      do touch $p/x 2>/dev/null && echo "wrote $p"; done
      touch ~/x /tmp/x /dev/shm/x /var/tmp/y && echo own
      cat /etc/shadow | cut -c1-7; mount -o remount,rw / 2>/dev/null; echo $?
      """)
    let lines = ran.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "bin, dev, etc, home, lib, lib64, proc, run, sbin, tmp, usr, var", "\(ran.output)")
    #expect(!ran.output.contains("wrote"), "\(ran.output)")
    #expect(ran.output.contains("/home:\ndev\n"))
    #expect(lines.suffix(4) == ["0", "own", "dev:$6$", "32"], "\(ran.output)")
  }

  @Test("sees its own processes only, and can neither read nor end nor stop PID 1")
  func processes() async throws {
    let ran = try await Self.inside(
      """
      ls -d /proc/[0-9]* | wc -l; kill -9 1; kill -STOP 1; kill -TERM 1; sleep 0.2; cat /proc/1/comm
      ls /proc/1/fd 2>&1; cat /proc/1/environ 2>&1
      """)
    let lines = ran.output.split(separator: "\n").map(String.init)
    #expect((Int(lines.first ?? "") ?? 100) < 10, "\(ran.output)")
    #expect(lines.dropFirst().first == "workload-init")
    #expect(ran.output.contains("/proc/1/fd': Permission denied"))
    #expect(ran.output.contains("/proc/1/environ: Permission denied"))
  }

  @Test("has no capability, gains none, and every process is filtered")
  func privileges() async throws {
    let ran = try await Self.inside("grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status; id -u; id -G")
    for line in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
      #expect(ran.output.contains("\(line):\t0000000000000000\n"), "\(ran.output)")
    }
    #expect(ran.output.contains("NoNewPrivs:\t1\nSeccomp:\t2\n1000\n1000\n"))
  }

  @Test("makes no namespace, and no socket of a family that leaves its network")
  func namespacesAndFamilies() async throws {
    let ran = try await Self.inside(
      """
      unshare -U true 2>&1; unshare -n true 2>&1
      for f in 40 38 17 44; do perl -e 'print socket(S, shift, 1, 0) ? "open\\n" : "$!\\n"' $f; done
      perl -e 'print socket(S, 2, 1, 0) ? "open\\n" : "$!\\n"'
      perl -e 'ioctl(STDIN, 0x5412, "x") or print "$!\\n"'; perl -e 'print syscall(250, 0) , " $!\\n"'
      """)
    let lines = ran.output.split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(2).allSatisfy { $0.hasSuffix("unshare failed: Operation not permitted") }, "\(ran.output)")
    #expect(lines.dropFirst(2).prefix(4).allSatisfy { $0 == "Address family not supported by protocol" })
    #expect(lines.dropFirst(6).first == "open")
    #expect(lines.last == "-1 Operation not permitted", "\(ran.output)")
  }

  @Test("reaches no port of another machine or of the host")
  func network() async throws {
    try await withLocalHost(24_120...24_129) { host in
      let first = try await host.machine()
      let second = try await host.machine()
      let ran = try await first.ssh(
        """
        for p in \(second.port) \(first.port) 22; do (echo > /dev/tcp/127.0.0.1/$p) 2>&1 | tail -1; done
        grep -c : /proc/net/dev; (echo > /dev/tcp/192.0.2.1/80) 2>&1 | tail -1
        """)
      let lines = ran.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 5, "\(ran.output)")
      #expect(lines.prefix(3).allSatisfy { $0.contains("Connection refused") || $0.contains("connect") })
      #expect(lines.dropFirst(3).first == "1")
      #expect(lines.last?.contains("unreachable") ?? false, "\(ran.output)")
    }
  }

  /// A socket of the host's network in a process that the tenant can trace would be a way into that network.
  @Test("holds no socket of the host: his own connection's either")
  func sockets() async throws {
    let ran = try await Self.inside(
      """
      sockets() { ls -l /proc/[0-9]*/fd 2>/dev/null | grep -o 'socket:.[0-9]*' | grep -o '[0-9]*' | sort -u; }
      own() { awk 'FNR > 1 { print $7 }' /proc/net/unix | sort -u; }
      sockets | wc -l; sockets | grep -vxFf <(own) | wc -l
      for p in /proc/[0-9]*; do ls $p/fd >/dev/null 2>&1 || cat $p/comm; done | sort | uniq -c | tr -s ' '
      grep -c . /proc/net/tcp /proc/net/tcp6 | cut -d: -f2
      """)
    let lines = ran.output.split(separator: "\n").map(String.init)
    #expect((Int(lines.first ?? "") ?? 0) > 0, "what looks for sockets finds some: \(ran)")
    #expect(lines.dropFirst().first == "0", "\(ran)")
    // PID 1 and the relay of this connection are closed to him.
    #expect(lines.dropFirst(2).first == " 2 workload-init", "\(ran)")
    // Their heads only.
    #expect(lines.suffix(2) == ["1", "1"], "\(ran)")
  }

  @Test("that forks without end, or takes all disk, memory or terminals, harms itself only")
  func greed() async throws {
    try await withLocalHost(24_120...24_129) { host in
      let greedy = try await host.machine()
      let other = try await host.machine()

      let disk = try await greedy.ssh(
        "dd if=/dev/zero of=big bs=1M 2>&1 | tail -1; cat /dev/zero > /tmp/big; df -m ~ | tail -1")
      #expect(disk.errors.contains("No space left on device"), "\(disk)")
      #expect(disk.output.contains("100%"), "\(disk)")
      #expect(try await greedy.ssh("echo in").output == "in\n")
      #expect(
        try await other.ssh("dd if=/dev/zero of=small bs=1M count=10 2>/dev/null; stat -c %s small").output
          == "10485760\n")

      let memory = try await greedy.ssh("perl -e '$x = \"a\" x (1 << 30); print length $x'; echo $?")
      #expect(memory.output == "137\n", "\(memory)")
      #expect(try await greedy.ssh("echo in").output == "in\n")
      #expect(try await other.ssh("echo in").output == "in\n")

      let terminals = try await greedy.ssh(
        "perl -e 'my @f; while (open(my $f, \"+<\", \"/dev/ptmx\")) { push @f, $f } print scalar(@f)'")
      #expect((8...64).contains(Int(terminals.output) ?? 0), "\(terminals)")
      #expect(try await other.ssh("tty", options: ["-tt"]).output == "/dev/pts/0\r\n")

      let bomb = try await greedy.ssh(
        """
        exec perl -e 'my $n = 0;
        while (defined(my $p = fork)) {
          if (!$p) { close STDIN; close STDOUT; close STDERR; sleep 600; exit } $n++
        }
        print "$n $!\\n"'
        """)
      let forks = Int(bomb.output.split(separator: " ").first ?? "") ?? 0
      #expect((20...140).contains(forks), "\(bomb)")
      #expect(bomb.output.contains("Resource temporarily unavailable"))
      #expect(try await other.ssh("for i in $(seq 50); do sleep 1 & done; wait; echo in").output == "in\n")
    }
  }

  @Test("that was sold a way out has one to the internet, not to private networks or the host, until its end")
  func outbound() async throws {
    try await withLocalHost(24_120...24_129) { host in
      var spec = LocalHost.spec
      spec.network = .outbound
      #expect(host.backend.vacancy(for: spec) == .open)
      let machine = try await host.machine(spec: spec)
      let ran = try await machine.ssh(
        """
        cat /etc/resolv.conf; grep -c tap0: /proc/net/dev
        awk '$2 == "00000000" && $8 == "00000000" { print $1 }' /proc/net/route
        for a in 169.254.169.254 192.168.1.1 172.16.0.1 100.64.0.1 10.9.9.9
        do (echo > /dev/tcp/$a/80) 2>&1 | tail -1; done
        (echo > /dev/tcp/10.0.2.2/\(machine.port)) 2>&1 | tail -1
        """)
      let lines = ran.output.split(separator: "\n").map(String.init)
      #expect(lines.prefix(3) == ["nameserver 10.0.2.3", "1", "tap0"], "\(ran)")
      #expect(lines.dropFirst(3).prefix(5).allSatisfy { $0.hasSuffix("No route to host") }, "\(ran)")
      #expect(lines.count == 9, "\(ran)")
    }
  }

  @Test("that was sold a way out reaches none of the host's own addresses by it")
  func outboundToTheHost() async throws {
    guard geteuid() == 0 else { return }
    // For documentation (RFC 5737), so nobody's; the host has it as it may have a public one.
    let (known, later) = ("198.51.100.77", "198.51.100.78")
    func change(_ what: String, _ address: String) async throws {
      _ = try await Ran.run(["/usr/sbin/ip", "address", what, "\(address)/32", "dev", "lo"])
    }
    try await change("replace", known)
    let result = await Result { () async throws in
      try await withLocalHost(24_120...24_129) { host in
        var spec = LocalHost.spec
        spec.network = .outbound
        let machine = try await host.machine(spec: spec)
        let listener = try #require(try PortSocket.bind(0, on: "0.0.0.0"))
        try await change("replace", later)
        let ran = try await machine.ssh(
          """
          for a in \(known) \(later) 10.0.2.2 10.0.2.3
          do (timeout 5 bash -c "echo > /dev/tcp/$a/\(listener.port)") 2>&1 | tail -1; echo .; done
          """)
        let lines = ran.output.split(separator: "\n")
        #expect(lines.first?.hasSuffix("No route to host") ?? false, "\(ran)")
        // What the host got afterwards is not closed, which shows that the way out is one.
        #expect(lines.dropFirst().prefix(2) == [".", "."], "\(ran)")
        #expect(lines.dropFirst(3).filter { $0 == "." }.count == 2 && lines.count > 4, "\(ran)")
      }
    }
    for address in [known, later] { try await change("del", address) }
    try result.get()
  }

  @Test("has his way out worked within his own limits, as long as the machine lives")
  func outboundWithinLimits() async throws {
    guard geteuid() == 0 else { return }
    try await withLocalHost(24_120...24_129) { host in
      var spec = LocalHost.spec
      spec.network = .outbound
      let machine = try await host.machine(spec: spec)
      func ways() -> [Int32] { HostProcess.all(mentioning: "/proc/\(machine.pid)/ns/net") }
      #expect(ways().count == 1)
      for way in ways() {
        let groups = try String(contentsOfFile: "/proc/\(way)/cgroup", encoding: .utf8)
        let own = try String(contentsOfFile: "/proc/\(machine.pid)/cgroup", encoding: .utf8)
        #expect(groups == own && groups.contains(machine.lease.id.text))
      }
      kill(machine.pid, SIGKILL)
      #expect(await eventually { ways().isEmpty })
    }
  }

  @Test("takes no processor time, priority or limit from PID 1, and traces nobody")
  func shares() async throws {
    let calls = SystemCalls(of: .current)
    let (setscheduler, setparam, setattr, setaffinity, prlimit) = (
      calls.onlyOneself[0], calls.onlyOneself[1], calls.onlyOneself[2], calls.onlyOneself[3],
      calls.onlyOneself[4]
    )
    let ptrace = try #require(SystemCalls.table.first { $0.name == "ptrace" })
    let trace = Architecture.current == .x86_64 ? ptrace.x86_64 : ptrace.arm64 ?? 0
    let ran = try await Self.inside(
      """
      perl -e 'my $z = pack("x64"); my $a = pack("LL", 48, 5) . $z;
      my $m = pack("Q", 1); my $l = pack("QQ", 9, 9);
      sub say_ { print $_[0] == -1 ? "$!" : "done", "\\n" }
      for my $p (1, 0) {
        say_(syscall(\(setparam), $p, $z)); say_(syscall(\(setscheduler), $p, 5, $z));
        say_(syscall(\(setattr), $p, $a, 0)); say_(syscall(\(setaffinity), $p, 8, $m));
        say_(syscall(\(prlimit), $p, 7, $l, 0)); say_(syscall(\(calls.setpriority), 0, $p, 19));
        say_(syscall(\(calls.ioprioSet), 1, $p, 0x6000));
      }
      say_(syscall(\(calls.setpriority), 2, 0, 19)); say_(syscall(\(calls.ioprioSet), 3, 0, 0x6000));
      my $c = fork; if (!$c) { sleep 9; exit } say_(syscall(\(trace), 16, $c, 0, 0)); kill 9, $c;'
      """)
    let lines = ran.output.split(separator: "\n")
    #expect(lines.count == 17, "\(ran)")
    #expect(lines.prefix(7).allSatisfy { $0 == "Operation not permitted" }, "\(ran)")
    #expect(lines.dropFirst(7).prefix(7).allSatisfy { $0 == "done" }, "\(ran)")
    #expect(lines.suffix(3).allSatisfy { $0 == "Operation not permitted" }, "\(ran)")
  }

  @Test("takes no lease of a file that the service opens, and owns none of them", arguments: [nil, 12_345])
  func leases(_ user: UInt32?) async throws {
    try await withRig(24_120...24_129, seconds: 120, user: user) { rig in
      let machine = try #require(rig.machines.first)
      let ran = try await machine.ssh(
        """
        perl -e 'for my $f (
          "shadow", "passwd", "ssh/host_ed25519", "ssh/host_ed25519.pub", "ssh/authorized_keys") {
          open(my $h, "<", "/etc/$f") or die "$f $!"; print fcntl($h, 1024, 1) ? "leased $f\\n" : "$!\\n" }'
        ls -l /etc/shadow /etc/ssh/host_ed25519 | cut -c1-10
        """)
      let lines = ran.output.split(separator: "\n")
      #expect(lines.count == 7 && lines.prefix(5).allSatisfy { $0 == "Operation not permitted" }, "\(ran)")
      let mode = user == nil ? "-rw-r-----" : "-rw-------"
      #expect(lines.suffix(2).allSatisfy { $0 == mode }, "\(ran)")
      for file in ["shadow", "ssh/host_ed25519"] {
        let path = "\(machine.folder)/state/\(machine.lease.id.text)/etc/\(file)"
        let owner = try FileManager.default.attributesOfItem(atPath: path)[.ownerAccountID] as? NSNumber
        #expect(owner?.uint32Value == user ?? 0)
      }
    }
  }

  @Test("takes its share of a processor and no more")
  func processorTime() async throws {
    try await withLocalHost(24_120...24_129) { host in
      var spec = LocalHost.spec
      spec.milliCPU = 100
      let machine = try await host.machine(spec: spec)
      let ran = try await machine.ssh(
        "perl -e '$end = time + 3; while (time < $end) { $i++ } print +(times)[0]'")
      let seconds = try #require(Double(ran.output), "\(ran)")
      #expect(seconds > 0 && seconds < 1.5)
    }
  }

  @Test("of a service that is a plain user is as separate, and what is not limited is said")
  func plainUser() async throws {
    try await withRig(24_120...24_129, seconds: 120, count: 2, user: 12_345) { rig in
      #expect(rig.report.hasPrefix("reduced "))
      #expect(rig.report.contains("All machines run as one user of the host."))
      #expect(rig.report.contains("Of memory only what each process has for itself is limited"))
      let (first, second) = (rig.machines[0], rig.machines[1])
      let status = try await first.ssh(
        "id -un; grep -E '^(CapBnd|NoNew|Seccomp:)' /proc/self/status; ls -d /proc/[0-9]* | wc -l")
      #expect(
        status.output.hasPrefix("dev\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"), "\(status)")
      let refused = try await first.ssh("(echo > /dev/tcp/127.0.0.1/\(second.port)) 2>&1 | tail -1")
      #expect(refused.output.contains("refused"))
      // One user of the host, and still each has all of his processes.
      let bomb =
        """
        perl -e 'my $n = 0; while (defined(my $p = fork)) { if (!$p) { sleep 3; exit } $n++ }
        print "$n\\n"'
        """
      async let left = first.ssh(bomb, options: [])
      async let right = second.ssh(bomb, options: [])
      for forks in try await [left, right].map({ Int($0.output.dropLast()) ?? 0 }) {
        #expect((100...128).contains(forks))
      }
      rig.kill()
      #expect(try await second.ssh("echo in").output == "in\n")
    }
  }
}
