internal import Glibc

/// The way out of a machine's own network, by slirp4netns: connections of the machine become the host's, so
/// nothing is routed and nothing comes in. It is IPv4 only.
///
/// Only where the service is root. slirp4netns works within the machine's limits, in its own sandbox and
/// without capabilities; for a plain user it has no such sandbox, and often no `/dev/net/tun` either.
struct OutboundNetwork {
  /// The longest until it works; 20 ms are usual.
  private static let longest: Duration = .seconds(5)

  /// Where slirp4netns answers DNS.
  static let nameserver = "10.0.2.3"
  /// The machine's way to slirp4netns, and itself: these stay, though the host may have such an address too.
  private static let inner = ["10.0.2.2", nameserver, "10.0.2.100"]

  /// The internet and no more: private networks, carriers' own, link-local ones, where clouds keep their
  /// secrets, and those that are nobody's (RFC 6890). The machine cannot change its routes; the way to
  /// slirp4netns itself is a narrower one.
  static let closed = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
  ]

  let programs: LocalPrograms
  let folder: WorkloadFolder
  let machine: ProcessName
  /// Its other end is PID 1's: it ends when that does.
  let life: Descriptor
  /// The control groups of the machine: files that take a process in.
  let groups: [String]

  /// Blocks until it works. Returns the process of slirp4netns, a child of ours.
  func open() throws(SystemFault) -> pid_t {
    let log = try Descriptor.open(self.folder.log, O_WRONLY | O_APPEND)
    let routes = "\(self.folder.path)/routes"
    // Its services would take a connection of slirp4netns for one of their own host's.
    let own = try Set(HostAddress.all()).subtracting(Self.inner).sorted().map { "\($0)/32" }
    let lines = (Self.closed + own).map { "route replace unreachable \($0)\n" }.joined()
    try FileTree.replace(routes, with: lines, mode: 0o600)
    let network = "/proc/\(self.machine.pid)/ns/net"
    let enter = [self.programs.initProgram, "enter", "--keep"]
    let closing =
      enter + ["3", "--", LocalPrograms.nsenter, "--net=\(network)", LocalPrograms.ip, "-batch", routes]
    guard try Spawn.succeeds(closing, log: log, within: Self.longest) else {
      throw SystemFault(code: EIO, "close private networks")
    }

    let limits = ["--files", "4096"] + self.groups.flatMap { ["--group", $0] }
    let (ready, pid) = try self.start(enter + ["5"] + limits + ["--"], on: network)
    guard ready.waitReadable(until: .now + Self.longest), try !ready.read(atMost: 1).isEmpty else {
      _ = Descriptor.process(pid)?.killProcess(within: Self.longest)
      throw SystemFault(code: EIO, "start", LocalPrograms.slirp)
    }
    return pid
  }

  /// Returns our end of the pipe into which it writes one byte when it is ready.
  ///
  /// What it says goes nowhere: a tenant may have it say as much as he likes.
  private func start(_ enter: [String], on network: String) throws(SystemFault) -> (Descriptor, pid_t) {
    let ready = try Descriptor.pipe()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let words =
      enter + [
        LocalPrograms.slirp, "--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox",
        "--enable-seccomp", "--exit-fd=3", "--ready-fd=4", "--netns-type=path", network, "tap0",
      ]
    let pid = try Spawn.run(
      words, given: [(null, 0), (null, 1), (null, 2), (self.life, 3), (ready.write, 4)])
    return (ready.read, pid)
  }
}
