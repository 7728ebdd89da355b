private import Gate
internal import Glibc
internal import JSON

/// Starts the processes of a machine and waits until it takes logins.
struct SandboxStart {
  /// The longest until PID 1 says that it serves; 20 ms are usual.
  static let longest: Duration = .seconds(10)

  let words: [String]
  let listener: Descriptor
  let log: String
  /// The end that PID 1 holds open for whoever has to end with it.
  let life: Descriptor?

  /// Blocks. What it began and could not finish, it ended. The second is bubblewrap's process, a child of
  /// ours.
  func run() throws(BackendFault) -> (name: ProcessName, monitor: pid_t) {
    let end = ContinuousClock.now + Self.longest
    do {
      let (info, ready, monitor) = try self.spawn()
      return (try self.wait(for: monitor, info: info, ready: ready, until: end), monitor)
    } catch let fault as SystemFault {
      throw fault.fault
    } catch let fault as BackendFault {
      throw fault
    } catch {
      throw .unavailable("\(error)")
    }
  }

  /// Returns our ends of what it writes to; the other ends are closed here, so that its death is the end of
  /// both.
  private func spawn() throws(SystemFault) -> (info: Descriptor, ready: Descriptor, monitor: pid_t) {
    let info = try Descriptor.pipe()
    let ready = try Descriptor.pipe()
    let null = try Descriptor.open("/dev/null", O_RDONLY)
    let log = try Descriptor.open(self.log, O_CREAT | O_WRONLY | O_APPEND | O_TRUNC | O_NOFOLLOW, mode: 0o600)
    let filter = try Descriptor.pipe()
    // Less than a pipe holds, so that nobody needs to read it meanwhile.
    try filter.write.write(SeccompFilter().bytes)
    let given: [(Descriptor, SandboxDescriptor)] = [
      (null, .input), (log, .output), (log, .errors), (self.listener, .listener), (info.write, .info),
      (ready.write, .ready), (filter.read, .filter), (self.life ?? null, .life),
    ]

    let monitor = try Spawn.run(self.words, given: given.map { ($0, $1.rawValue) })
    return (info.read, ready.read, monitor)
  }

  private func wait(
    for monitor: pid_t, info: Descriptor, ready: Descriptor, until end: ContinuousClock.Instant
  ) throws -> ProcessName {
    let monitorProcess = Descriptor.process(monitor)
    var child: pid_t?
    do {
      child = try self.child(from: info, until: end)
      guard let child, let name = ProcessName(living: child), ready.waitReadable(until: end),
        try !ready.read(atMost: 1).isEmpty
      else { throw BackendFault.unavailable("The machine does not start.") }
      return name
    } catch {
      if let child { _ = Descriptor.process(child)?.killProcess(within: .seconds(2)) }
      _ = monitorProcess?.killProcess(within: .seconds(2))
      var status: CInt = 0
      _ = unsafe waitpid(monitor, &status, WNOHANG)
      throw error
    }
  }

  /// bubblewrap writes `{ "child-pid": 123, … }`, in several pieces.
  private func child(from info: Descriptor, until end: ContinuousClock.Instant) throws(SystemFault) -> pid_t?
  {
    var text: [UInt8] = []
    while !text.contains(UInt8(ascii: "}")), text.count < 4096 {
      guard info.waitReadable(until: end) else { return nil }
      let piece = try info.read(atMost: 1024)
      guard !piece.isEmpty else { return nil }
      text += piece
    }
    return (try? JSONReader.read(text))?["child-pid"]?.unsigned.flatMap { pid_t(exactly: $0) }
  }
}
