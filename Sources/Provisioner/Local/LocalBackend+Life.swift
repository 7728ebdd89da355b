internal import Gate
private import Glibc
internal import Synchronization

/// The steps of one machine's life, on a thread that may block.
extension LocalBackend {
  /// The longest until the processes of a machine are gone once they are killed.
  private static var longestEnd: Duration { .seconds(5) }

  func prepareNow(_ lease: Lease, besides taken: Set<UInt16>) throws(BackendFault) -> PreparedWorkload {
    do throws(SystemFault) {
      try FileTree.makeFolder(self.configuration.folder, mode: 0o711)
      let hostKey = try self.folder(of: lease.id).prepare()
      self.state.withLock { _ = $0.known.insert(lease.id) }
      guard let port = try self.takePort(for: lease, besides: taken) else {
        throw SystemFault(code: EADDRINUSE, "bind", "any of the ports")
      }
      return PreparedWorkload(port: port, hostKey: hostKey)
    } catch {
      throw error.fault
    }
  }

  /// The port that it has or had, else the next free one; nil when all are taken.
  private func takePort(for lease: Lease, besides taken: Set<UInt16>) throws(SystemFault) -> UInt16? {
    let held = self.state.withLock { state in
      if let held = state.held[lease.id], taken.contains(held.port) { state.held[lease.id] = nil }
      return state.held[lease.id]
    }
    if let held { return held.port }
    let address = self.configuration.address
    if let port = lease.port, !taken.contains(port) {
      if let socket = try self.bind(port, for: lease.id) { return self.hold(socket, for: lease.id) }
      // Taken, perhaps by this very machine: started, and the service ended before it could write that down.
      if try self.findRunning(lease.id) != nil { return port }
    }
    let ports = self.configuration.ports
    let start = self.state.withLock { $0.nextPort }
    for step in 0..<ports.count {
      let port = ports.lowerBound + UInt16((Int(start - ports.lowerBound) + step) % ports.count)
      guard !taken.contains(port), let socket = try PortSocket.bind(port, on: address) else { continue }
      self.state.withLock { $0.nextPort = port == ports.upperBound ? ports.lowerBound : port + 1 }
      return self.hold(socket, for: lease.id)
    }
    return nil
  }

  /// Nil when the port is taken; what is left of a start of the same machine, which the service's own end cut
  /// short, is ended for it.
  private func bind(_ port: UInt16, for id: WorkloadID) throws(SystemFault) -> PortSocket? {
    if let socket = try PortSocket.bind(port, on: self.configuration.address) { return socket }
    guard try self.findRunning(id) == nil else { return nil }
    try self.endProcesses(of: id)
    return try PortSocket.bind(port, on: self.configuration.address)
  }

  /// Ends whatever runs of a machine: all in its control groups, and all that were started for it and are in
  /// none.
  private func endProcesses(of id: WorkloadID) throws(SystemFault) {
    try self.state.withLock { $0.groups }.end(id, within: Self.longestEnd)
    for process in try RunningMachine.started(for: id) where !process.killProcess(within: Self.longestEnd) {
      throw SystemFault(code: EBUSY, "end", "what was started for \(id.text)")
    }
  }

  private func hold(_ socket: PortSocket, for id: WorkloadID) -> UInt16 {
    self.state.withLock { $0.held[id] = HeldPort(port: socket.port, descriptor: socket.descriptor) }
    return socket.port
  }

  /// By the owner of its host key, which is the user that it runs as. One that lacks what it was sold with is
  /// none.
  private func findRunning(_ id: WorkloadID) throws(SystemFault) -> RunningMachine? {
    let folder = self.folder(of: id)
    guard let owner = folder.owner(), !folder.isUnfinished else { return nil }
    return try RunningMachine.find(id, hostUser: owner)
  }

  func startNow(_ lease: Lease, _ spec: WorkloadSpec, _ credentials: WorkloadCredentials)
    throws(BackendFault) -> String
  {
    guard lease.end > self.clock.now() else { throw .refused("Its time is over.") }
    guard let port = lease.port else { throw .refused("It has no port: it was not prepared.") }
    if let lack = self.lack(for: spec) { throw .refused(lack) }
    let nameserver = spec.network == .outbound ? OutboundNetwork.nameserver : nil
    let user = try self.user(of: lease, in: spec)
    let files = try Credentials(credentials, for: user)
    let folder = self.folder(of: lease.id)
    do throws(SystemFault) {
      _ = try folder.prepare()
      let owner = self.owner(port: port)
      try folder.furnish(for: lease.id, user, shell: Self.shell, nameserver: nameserver, owner: owner)
      try folder.setCredentials(files, owner: owner)
      try folder.setEnd(lease.end)
    } catch {
      throw error.fault
    }
    guard let listener = try self.listener(for: lease, port) else {
      return try self.adopt(lease).name.handle
    }
    let name = try self.launch(lease, spec, user, listener: listener)
    if let machine = RunningMachine(name) { self.watch.watch(lease.id, machine) }
    // PID 1 has it now; ours would keep the port taken after its end.
    self.state.withLock { _ = $0.held.removeValue(forKey: lease.id) }
    return name.handle
  }

  private static var shell: String { FileTree.isExecutable("/bin/bash") ? "/bin/bash" : "/bin/sh" }

  /// Nil when the port is taken.
  private func listener(for lease: Lease, _ port: UInt16) throws(BackendFault) -> Descriptor? {
    if let held = self.state.withLock({ $0.held[lease.id] }), held.port == port { return held.descriptor }
    do {
      return try self.bind(port, for: lease.id)?.descriptor
    } catch {
      throw error.fault
    }
  }

  private func adopt(_ lease: Lease) throws(BackendFault) -> RunningMachine {
    do throws(SystemFault) {
      guard let machine = try self.findRunning(lease.id) else {
        throw SystemFault(code: EADDRINUSE, "bind", "port \(lease.port ?? 0)")
      }
      self.watch.watch(lease.id, machine)
      return machine
    } catch {
      throw error.fault
    }
  }

  private func launch(_ lease: Lease, _ spec: WorkloadSpec, _ user: MachineUser, listener: Descriptor)
    throws(BackendFault) -> ProcessName
  {
    let (groups, programs) = self.state.withLock { ($0.groups, $0.programs) }
    let folder = self.folder(of: lease.id)
    do {
      let command = SandboxCommand(
        programs: programs, folder: folder, id: lease.id, user: user, spec: spec,
        hostUser: self.owner(port: lease.port), groups: try groups.make(for: spec, id: lease.id),
        boundsDataPerProcess: !groups.limits(.memory))
      if spec.network == .outbound { try folder.beginUnfinished() }
      let life = try Descriptor.pipe()
      let start = SandboxStart(words: command.words, listener: listener, log: folder.log, life: life.write)
      let (name, monitor) = try start.run()
      self.watch.collect(monitor)
      if spec.network == .outbound { try self.openNetwork(of: name, lease, life: life.read) }
      return name
    } catch {
      try? self.endProcesses(of: lease.id)
      try? groups.remove(lease.id, within: Self.longestEnd)
      // What the programs said of it is more than what we know of it.
      let words = folder.lastWords()
      if !words.isEmpty { throw .unavailable(words) }
      throw (error as? SystemFault)?.fault ?? error as? BackendFault ?? .unavailable("\(error)")
    }
  }

  /// A machine that cannot be given what was sold is ended.
  private func openNetwork(of name: ProcessName, _ lease: Lease, life: Descriptor) throws(SystemFault) {
    let (groups, programs) = self.state.withLock { ($0.groups, $0.programs) }
    let network = OutboundNetwork(
      programs: programs, folder: self.folder(of: lease.id), machine: name, life: life,
      groups: groups.entries(of: lease.id))
    do {
      self.watch.collect(try network.open())
      try self.folder(of: lease.id).finish()
    } catch {
      _ = RunningMachine(name)?.end(within: Self.longestEnd)
      throw error
    }
  }

  func lookNow(_ lease: Lease) throws(BackendFault) -> Sighting {
    let folder = self.folder(of: lease.id)
    guard folder.isThere else { return .absent }
    self.state.withLock { _ = $0.known.insert(lease.id) }
    do throws(SystemFault) {
      guard let handle = lease.handle else {
        guard let machine = try self.findRunning(lease.id) else { return .starting }
        self.watch.watch(lease.id, machine)
        return .ready
      }
      if let machine = RunningMachine(handle: handle) {
        if !self.watch.isWatched(lease.id) { self.watch.watch(lease.id, machine) }
        return .ready
      }
      let isOfThisBoot = ProcessName(handle: handle)?.boot == ProcessName.currentBoot()
      let end = try folder.end()
      return .ended(
        isOfThisBoot ? Self.reason(end: end, now: self.clock.now()) : "The host was restarted.")
    } catch {
      throw error.fault
    }
  }

  static func reason(end: Timestamp?, now: Timestamp) -> String {
    if let end, end > now { "It stopped before its time." } else { "Its time was over." }
  }

  func removeNow(_ id: WorkloadID, handle: String?) throws(BackendFault) {
    self.watch.forget(id)
    self.state.withLock { _ = $0.held.removeValue(forKey: id) }
    let folder = self.folder(of: id)
    do throws(SystemFault) {
      let groups = self.state.withLock { $0.groups }
      // Found before anything ends, so that it is collected.
      var machine = handle.flatMap { RunningMachine(handle: $0) }
      // Without a handle it may run all the same; its folder is there then, since that goes last.
      if machine == nil, handle == nil, folder.isThere { machine = try self.findRunning(id) }
      try groups.end(id, within: Self.longestEnd)
      if let machine, !machine.end(within: Self.longestEnd) {
        throw SystemFault(code: EBUSY, "end", "process \(machine.name.pid)")
      }
      // A start that was cut short has no handle; and without groups nothing else holds processes together.
      if handle == nil || !groups.limits(.pids) { try self.endProcesses(of: id) }
      try groups.remove(id, within: Self.longestEnd)
      try folder.remove()
    } catch {
      throw error.fault
    }
    self.state.withLock { _ = $0.known.remove(id) }
  }

  /// What its owner wished for, else what its kind has.
  private func user(of lease: Lease, in spec: WorkloadSpec) throws(BackendFault) -> MachineUser {
    guard let name = Username(lease.wishes.username ?? spec.username) else {
      throw .refused("The user name cannot be used.")
    }
    return MachineUser(name: name)
  }

  /// Of a machine that exists: as its files say.
  func user(of lease: Lease) throws(BackendFault) -> MachineUser {
    do {
      if let user = try self.folder(of: lease.id).user() { return user }
    } catch {
      throw error.fault
    }
    throw .unavailable("The machine has no account yet.")
  }
}
