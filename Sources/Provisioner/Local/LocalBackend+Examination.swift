internal import Gate
private import Glibc
internal import Synchronization

/// What this host can do, tried out.
extension LocalBackend {
  func examineNow() -> BackendReport {
    let fitness = self.fitness()
    self.state.withLock { $0.fitness = fitness }
    return BackendReport(fitness)
  }

  private func fitness() -> BackendReport.Fitness {
    if let lack = self.configuration.programs.lack { return .unfit(lack) }
    let (groups, lacking) = ControlGroups.found()
    self.state.withLock { $0.groups = groups }
    do {
      try FileTree.makeFolder(self.configuration.folder, mode: 0o711)
      if geteuid() == 0, let closed = try self.openWay() { return .unfit(closed) }
      let found = try FileTree.names(in: self.configuration.folder).compactMap { WorkloadID($0) }
      self.state.withLock { $0.known.formUnion(found) }
      for id in found where self.folder(of: id).isLeftProbe { try? self.removeNow(id, handle: nil) }
    } catch {
      return .unfit(error.text)
    }
    if let failure = self.probe() { return .unfit(failure) }
    let reductions = Self.reductions(lacking, isRoot: geteuid() == 0)
    return reductions.isEmpty ? .full : .reduced(reductions)
  }

  /// Machines run as users of their own, who must come to their folders and to `workload-init`: a copy of it where
  /// they cannot, as below the home of root. Says what is in the way; nil for nothing.
  private func openWay() throws(SystemFault) -> String? {
    let folder = self.configuration.folder
    if let closed = FileTree.closedFolder(above: folder) {
      return """
        Machines run as users of their own, and \(closed) lets no other user through to workloads.directory: \
        chmod o+x \(closed), or choose another directory.
        """
    }
    let program = self.configuration.programs.initProgram
    guard FileTree.closedFolder(above: program) != nil else { return nil }
    let copy = "\(folder)/workload-init"
    try FileTree.copy(program: program, to: copy)
    self.state.withLock { $0.programs.initProgram = copy }
    return nil
  }

  /// One sentence for each thing that a machine is promised elsewhere.
  static func reductions(_ lacking: [ControlGroups.Controller: String], isRoot: Bool) -> [String] {
    var sentences: [String] = []
    if let reason = lacking[.memory] {
      sentences.append(
        """
        Of memory only what each process has for itself is limited, not what processes share, nor the whole \
        machine's (\(reason)).
        """)
    }
    if let reason = lacking[.pids] {
      sentences.append("Processes are counted within the machine only (\(reason)).")
    }
    if let reason = lacking[.cpu] { sentences.append("Processor time is not limited (\(reason)).") }
    if !isRoot {
      sentences.append("All machines run as one user of the host.")
      sentences.append("Terminals are limited for all machines together only.")
    }
    return sentences
  }

  /// Makes a machine, asks its sshd for its greeting, and removes it; nil when all went well.
  private func probe() -> String? {
    let id = WorkloadID.random()
    var handle: String?
    let mark: Descriptor
    do throws(SystemFault) { mark = try self.folder(of: id).markAsProbe() } catch { return error.text }
    defer {
      try? self.removeNow(id, handle: handle)
      withExtendedLifetime(mark) {}
    }
    do throws(BackendFault) {
      let port = try self.holdProbePort(for: id)
      let now = self.clock.now()
      let lease = Lease(
        id: id, serial: Serial(0), payment: PaymentID(""), spec: WorkloadSpecName("probe"),
        wishes: WorkloadWishes(), backend: self.name, ordered: now, end: now + .seconds(30), port: port)
      handle = try self.startNow(lease, WorkloadSpec(name: lease.spec), WorkloadCredentials())
      return try self.greets(on: port)
        ? nil : "\(SandboxPaths.sshd) does not answer: \(self.folder(of: id).lastWords())"
    } catch {
      switch error {
      case .unavailable(let reason), .refused(let reason): return Self.advice(for: reason)
      }
    }
  }

  /// None of those that are sold: they may all be taken, by machines that are very well.
  private func holdProbePort(for id: WorkloadID) throws(BackendFault) -> UInt16 {
    do throws(SystemFault) {
      guard let socket = try PortSocket.bind(0, on: "127.0.0.1") else {
        throw SystemFault(code: EADDRINUSE, "bind", "127.0.0.1")
      }
      self.state.withLock { $0.held[id] = HeldPort(port: socket.port, descriptor: socket.descriptor) }
      return socket.port
    } catch {
      throw error.fault
    }
  }

  private func greets(on port: UInt16) throws(BackendFault) -> Bool {
    do throws(SystemFault) {
      let connection = try PortSocket.connect(port)
      guard connection.waitReadable(until: .now + .seconds(5)) else { return false }
      return try connection.read(atMost: 64).starts(with: Array("SSH-2.0-".utf8))
    } catch {
      throw error.fault
    }
  }

  /// What programs say, and what to do about it.
  static func advice(for reason: String) -> String {
    let advice: [(sign: String, text: String)] = [
      ("Unknown option", "bubblewrap 0.8 or newer is needed."),
      (
        "setting up uid map",
        """
        The host forbids user namespaces to plain users: allow them \
        (sysctl kernel.unprivileged_userns_clone=1, \
        kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for bwrap).
        """
      ),
      (
        "No permissions to creat",
        "The host forbids user namespaces: allow them (user.max_user_namespaces, a container's seccomp)."
      ),
      (
        "mount proc",
        "The service runs in a container whose /proc is masked: run it with an unmasked one, or on the host."
      ),
      (
        "setresuid",
        "The service's own user namespace has not enough users: run it outside of it, or as a plain user."
      ),
    ]
    let fitting = advice.filter { reason.contains($0.sign) }.map(\.text)
    return ([reason] + fitting).joined(separator: " ")
  }
}
