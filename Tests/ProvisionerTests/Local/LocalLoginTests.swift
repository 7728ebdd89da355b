import Foundation
import Gate
import Glibc
import Provisioner
import Testing

/// With the stock clients, against real machines.
@Suite("Logging in to a machine on this host", .serialized)
struct LocalLoginTests {
  @Test("its buyer logs in with the password, and nobody with another")
  func password() async throws {
    try await withLocalHost(24_100...24_109) { host in
      var machine = try await host.machine()
      let ran = try await machine.ssh("id -un; hostname; echo $HOME $LANG")
      #expect(ran.output == "dev\n\(machine.lease.id.text)\n/home/dev C.UTF-8\n", "\(ran.errors)")
      #expect(try await host.backend.look(machine.lease) == .ready)
      machine.password += "x"
      #expect(try await machine.ssh("true").status == 5)
    }
  }

  @Test("its buyer logs in with the key, where no password was set, and not without it")
  func key() async throws {
    try await withLocalHost(24_100...24_109) { host in
      let (file, line) = try await Self.makeKey(in: host.folder)
      var lease = LocalHost.lease(username: "ada", key: line)
      let prepared = try await host.backend.prepare(lease, LocalHost.spec)
      lease.port = prepared.port
      lease.hostKey = prepared.hostKey
      lease.handle = try await host.backend.start(
        lease, LocalHost.spec, credentials: WorkloadCredentials(publicKey: line))
      let machine = Machine(lease: lease, password: "", folder: host.folder)
      let ran = try await machine.ssh(key: file, "id -un")
      #expect(ran.output == "ada\n", "\(ran.errors)")
      let (other, _) = try await Self.makeKey(in: host.folder)
      #expect(try await machine.ssh(key: other, "true").status == 255)
      #expect(try await machine.ssh("true").status != 0)
    }
  }

  @Test("another password or key counts from the next login on, and what is not given stays")
  func otherCredentials() async throws {
    try await withLocalHost(24_100...24_109) { host in
      let (file, line) = try await Self.makeKey(in: host.folder)
      var machine = try await host.machine()
      let first = machine.password
      #expect(try await machine.ssh(key: file, "true").status == 255)

      try await host.backend.setCredentials(WorkloadCredentials(publicKey: line), of: machine.lease)
      #expect(try await machine.ssh(key: file, "true").status == 0)
      #expect(try await machine.ssh("true").status == 0)

      machine.password = "another one"
      try await host.backend.setCredentials(
        WorkloadCredentials(password: WorkloadPassword(machine.password)), of: machine.lease)
      #expect(try await machine.ssh("true").status == 0)
      #expect(try await machine.ssh(key: file, "true").status == 0)
      machine.password = first
      #expect(try await machine.ssh("true").status == 5)
    }
  }

  @Test("files go there and back, by scp over sftp")
  func files() async throws {
    try await withLocalHost(24_100...24_109) { host in
      let machine = try await host.machine()
      let content = String((0..<200_000).map { _ in "abcdefghij".randomElement() ?? "a" })
      try content.write(toFile: "\(host.folder)/there", atomically: true, encoding: .utf8)
      let there = try await machine.scp("\(host.folder)/there", "dev@127.0.0.1:file")
      #expect(there.status == 0, "\(there.errors)")
      #expect(try await machine.ssh("wc -c < file").output == "200000\n")
      #expect(try await machine.scp("dev@127.0.0.1:file", "\(host.folder)/back").status == 0)
      #expect(try String(contentsOfFile: "\(host.folder)/back", encoding: .utf8) == content)
    }
  }

  @Test("a terminal shows the time that is left: at login, in the prompt and in the environment")
  func remainingTime() async throws {
    try await withLocalHost(24_100...24_109) { host in
      let machine = try await host.machine(LocalHost.lease(minutes: 30))
      let ran = try await Ran.run(
        ["/usr/bin/sshpass", "-e", "/usr/bin/ssh", "-tt"] + machine.options(port: "-p")
          + ["-o", "PubkeyAuthentication=no", "dev@127.0.0.1"],
        environment: ["SSHPASS": machine.password, "TERM": "dumb"],
        input: "echo left=$TURNPIKE_MINUTES_LEFT end=$TURNPIKE_END file=$(<$TURNPIKE_END_FILE)\nexit\n")
      #expect(ran.output.contains("This machine ends at "), "\(ran.output)")
      #expect(ran.output.contains(" UTC, in 30 minutes."))
      #expect(ran.output.contains("dev@\(machine.lease.id.text):~ [30m]$"))
      #expect(
        ran.output.contains("left=30 end=\(machine.lease.end.seconds) file=\(machine.lease.end.seconds)."))
    }
  }

  @Test("one address has four unfinished logins at once, and another address is still welcome")
  func loginsPerSource() async throws {
    try await withLocalHost(24_100...24_109) { host in
      let machine = try await host.machine()
      let open = try (0..<4).map { _ in try Caller(from: "127.0.0.2", to: machine.port) }
      for caller in open { #expect(caller.greeting().hasPrefix("SSH-2.0-")) }
      #expect(try Caller(from: "127.0.0.2", to: machine.port).greeting() == "")
      #expect(try Caller(from: "127.0.0.3", to: machine.port).greeting().hasPrefix("SSH-2.0-"))
      #expect(try await machine.ssh("true").status == 0)
    }
  }

  @Test("whoever fills all logins makes the room for the next, and keeps nobody out")
  func logins() async throws {
    try await withLocalHost(24_100...24_109) { host in
      let machine = try await host.machine()
      let open = try (0..<16).map { try Caller(from: "127.0.0.\(2 + $0 / 4)", to: machine.port) }
      for caller in open { #expect(caller.greeting().hasPrefix("SSH-2.0-")) }
      for _ in 0..<3 { #expect(try await machine.ssh("true").status == 0) }
      #expect(try Caller(from: "127.0.0.9", to: machine.port).greeting().hasPrefix("SSH-2.0-"))
    }
  }

  @Test("who has logged in is not displaced, however many strangers come from however many addresses")
  func sessionsStay() async throws {
    try await withLocalHost(24_100...24_109) { host in
      let machine = try await host.machine()
      let length = "8.\(UInt16.random(in: 1000...9999))"
      async let session = machine.ssh("echo in; sleep \(length); echo still in")
      #expect(await eventually { !HostProcess.all(mentioning: "sleep\0\(length)").isEmpty })
      // The relay looks for it a few times in a second.
      try await Task.sleep(for: .seconds(2))
      let open = try (1...40).map { try Caller(from: "127.0.1.\($0)", to: machine.port) }
      #expect(open.filter { $0.greeting().hasPrefix("SSH-2.0-") }.count >= 16)
      #expect(try await session.output == "in\nstill in\n")
      #expect(try await machine.ssh("true").status == 0)
    }
  }

  static func makeKey(in folder: String) async throws -> (file: String, line: String) {
    let file = "\(folder)/key-\(UInt64.random(in: 0...UInt64.max))"
    _ = try await Ran.run([
      "/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", file,
    ])
    let line = try String(contentsOfFile: file + ".pub", encoding: .utf8)
    return (file, line.trimmingCharacters(in: .newlines))
  }
}

/// A connection that does not log in.
final class Caller {
  private let socket: Int32

  /// - Parameter receiving: the size of its buffer; nil for the usual.
  init(from source: String, to port: UInt16, receiving buffer: CInt? = nil) throws {
    self.socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if var buffer {
      unsafe setsockopt(self.socket, SOL_SOCKET, SO_RCVBUF, &buffer, socklen_t(MemoryLayout<CInt>.size))
    }
    var here = Self.address(source, 0)
    var there = Self.address("127.0.0.1", port)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = unsafe withUnsafePointer(to: &here) { here in
      unsafe withUnsafePointer(to: &there) { there in
        unsafe here.withMemoryRebound(to: sockaddr.self, capacity: 1) { here in
          unsafe there.withMemoryRebound(to: sockaddr.self, capacity: 1) { there in
            unsafe bind(self.socket, here, size) == 0 && Glibc.connect(self.socket, there, size) == 0
          }
        }
      }
    }
    guard isConnected else { throw POSIXError(.ECONNREFUSED) }
    var wait = timeval(tv_sec: 10, tv_usec: 0)
    unsafe setsockopt(self.socket, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(self.socket) }

  /// Empty when the other side hung up.
  func greeting() -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = unsafe read(self.socket, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  /// Says it, and no more.
  func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe write(self.socket, bytes, bytes.count)
    shutdown(self.socket, Int32(SHUT_WR))
  }

  private static func address(_ text: String, _ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = unsafe inet_addr(text)
    return address
  }
}
