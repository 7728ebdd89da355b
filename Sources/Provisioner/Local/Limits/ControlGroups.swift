internal import Gate
private import Glibc

/// The control groups that machines are put into (cgroups(7)), one below `turnpike` in each hierarchy for
/// each machine.
struct ControlGroups: Equatable {
  enum Version { case one, two }
  enum Controller: String, CaseIterable { case memory, pids, cpu }

  let version: Version
  /// The folder above all machines' groups, by what it limits; what is absent is not limited.
  let bases: [Controller: String]

  static let none = ControlGroups(version: .two, bases: [:])

  func limits(_ controller: Controller) -> Bool { self.bases[controller] != nil }

  /// The hierarchies as mounted, version 2 where it has all controllers. Makes nothing.
  ///
  /// - Parameters:
  ///   - mounts: `/proc/self/mounts`
  ///   - own: `/proc/self/cgroup`
  ///   - isWritable: whether groups can be made in a version 2 group.
  ///   - controllers: what a version 2 group offers: its `cgroup.controllers`.
  static func planned(
    mounts: String, own: String, isRoot: Bool, isWritable: (_ group: String) -> Bool,
    controllers: (_ group: String) -> String?
  ) -> ControlGroups {
    var split: [Controller: String] = [:]
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count > 3 else { continue }
      switch fields[2] {
      case "cgroup2":
        // Root's are at the top. A plain user's are beside his own group, where that was delegated to him
        // too: a group that has processes cannot divide among groups below it.
        let line = own.split(separator: "\n").first { $0.hasPrefix("0::/") }?.dropFirst(4) ?? ""
        let path = line.split(separator: "/").map { "/\($0)" }
        let beside = fields[1] + path.dropLast().joined()
        let parent =
          isRoot ? fields[1] : !path.isEmpty && isWritable(beside) ? beside : fields[1] + path.joined()
        let offered = Set((controllers(parent) ?? "").split { $0 == " " || $0 == "\n" }.map(String.init))
        let wanted = Controller.allCases.filter { offered.contains($0.rawValue) }
        guard wanted.count == Controller.allCases.count else { continue }
        return ControlGroups(
          version: .two,
          bases: [Controller: String](uniqueKeysWithValues: wanted.map { ($0, parent + "/turnpike") }))
      case "cgroup":
        let names = Set(fields[3].split(separator: ",").map(String.init))
        for controller in Controller.allCases where names.contains(controller.rawValue) {
          split[controller] = fields[1] + "/turnpike"
        }
      default: continue
      }
    }
    return ControlGroups(version: .one, bases: split)
  }

  /// What of the plan this process may really use; the second is what it may not, with the reason.
  static func found() -> (groups: ControlGroups, lacking: [Controller: String]) {
    let plan = self.planned(
      mounts: ((try? FileTree.read("/proc/self/mounts")) ?? nil) ?? "",
      own: ((try? FileTree.read("/proc/self/cgroup")) ?? nil) ?? "", isRoot: geteuid() == 0,
      isWritable: { unsafe access($0, W_OK) == 0 },
      controllers: { (try? FileTree.read("\($0)/cgroup.controllers")) ?? nil })
    var bases: [Controller: String] = [:]
    var lacking: [Controller: String] = [:]
    for controller in Controller.allCases {
      guard let base = plan.bases[controller] else {
        lacking[controller] = "no control group is mounted for it"
        continue
      }
      do {
        try FileTree.makeFolder(base, mode: 0o755)
        if plan.version == .two {
          let parent = base.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" }
          for group in [parent, base] {
            try FileTree.set("\(group)/cgroup.subtree_control", to: "+\(controller.rawValue)")
          }
        }
        // A group of its own has to be possible too.
        let probe = "\(base)/probe-\(getpid())"
        try FileTree.makeFolder(probe, mode: 0o755)
        try FileTree.removeFolder(probe)
        bases[controller] = base
      } catch {
        // For buyers to read too: no paths.
        lacking[controller] = error.reason
      }
    }
    return (ControlGroups(version: plan.version, bases: bases), lacking)
  }

  /// One machine's folders, each once.
  private func folders(of id: WorkloadID) -> [String] {
    Set(self.bases.values).sorted().map { "\($0)/\(id.text)" }
  }

  /// File and value, in the order of writing.
  func values(for spec: WorkloadSpec, id: WorkloadID) -> [(file: String, value: String, isNeeded: Bool)] {
    let period = 100_000
    let quota = max(1_000, Int(spec.milliCPU) * period / 1_000)
    // Besides the machine's own: bubblewrap, PID 1 and the two of a login; slirp4netns, at first two.
    let processes = spec.processes + (spec.network == .outbound ? 6 : 4)
    let values: [(Controller, String, String, Bool)] =
      switch self.version {
      case .two:
        [
          (.memory, "memory.max", "\(spec.memoryBytes)", true),
          (.memory, "memory.swap.max", "0", false),
          (.pids, "pids.max", "\(processes)", true),
          (.cpu, "cpu.max", "\(quota) \(period)", true),
        ]
      case .one:
        [
          (.memory, "memory.limit_in_bytes", "\(spec.memoryBytes)", true),
          // With swap; absent where the kernel does not count it.
          (.memory, "memory.memsw.limit_in_bytes", "\(spec.memoryBytes)", false),
          // What waits in sockets is the host's otherwise.
          (.memory, "memory.kmem.tcp.limit_in_bytes", "\(spec.memoryBytes / 8)", false),
          (.pids, "pids.max", "\(processes)", true),
          (.cpu, "cpu.cfs_period_us", "\(period)", true),
          (.cpu, "cpu.cfs_quota_us", "\(quota)", true),
        ]
      }
    return values.compactMap { controller, file, value, isNeeded in
      self.bases[controller].map { ("\($0)/\(id.text)/\(file)", value, isNeeded) }
    }
  }

  /// The files that take a process in.
  func entries(of id: WorkloadID) -> [String] { self.folders(of: id).map { "\($0)/cgroup.procs" } }

  /// Returns the files that take a process in.
  func make(for spec: WorkloadSpec, id: WorkloadID) throws(SystemFault) -> [String] {
    for folder in self.folders(of: id) { try FileTree.makeFolder(folder, mode: 0o755) }
    for (file, value, isNeeded) in self.values(for: spec, id: id) {
      do {
        try FileTree.set(file, to: value)
      } catch {
        if isNeeded { throw error }
      }
    }
    return self.entries(of: id)
  }

  /// Those outside of the machine's process namespace end with it: bubblewrap, when it has collected PID 1.
  private static let patience: Duration = .milliseconds(500)

  /// Ends every process in them, whatever it is, and gives them processor time to die in.
  func end(_ id: WorkloadID, within time: Duration) throws(SystemFault) {
    let end = ContinuousClock.now + time
    for folder in self.folders(of: id) {
      let (file, value) = self.version == .two ? ("cpu.max", "max") : ("cpu.cfs_quota_us", "-1")
      try? FileTree.set("\(folder)/\(file)", to: value)
    }
    // Killed before that, bubblewrap would leave a dead PID 1 to whoever inherits it, who may never collect it.
    var outer = ContinuousClock.now + Self.patience
    // Again and again: they may start others meanwhile.
    while case let left = try self.processes(of: id), !left.isEmpty {
      let inner = left.filter(\.isInside)
      for each in inner { each.process.kill() }
      if !inner.isEmpty { outer = ContinuousClock.now + Self.patience }
      if outer < ContinuousClock.now {
        for each in left { each.process.kill() }
        for folder in self.folders(of: id) { try? FileTree.set("\(folder)/cgroup.kill", to: "1") }
      }
      guard ContinuousClock.now < end else {
        throw SystemFault(code: EBUSY, "end", "the processes of \(id.text)")
      }
      usleep(2_000)
    }
  }

  private func processes(of id: WorkloadID) throws(SystemFault) -> [(process: Descriptor, isInside: Bool)] {
    // Version 1 has a process once in each hierarchy.
    var pids: Set<pid_t> = []
    for file in self.entries(of: id) {
      pids.formUnion(try FileTree.read(file)?.split(separator: "\n").compactMap { pid_t($0) } ?? [])
    }
    return pids.compactMap { pid in
      // Asked again once it is held: the number cannot come to mean another.
      guard let process = Descriptor.process(pid),
        let groups = (try? FileTree.read("/proc/\(pid)/cgroup")) ?? nil, groups.contains("/\(id.text)\n")
      else { return nil }
      let status = (try? FileTree.read("/proc/\(pid)/status")) ?? nil
      return (process, RunningMachine.isInside(status ?? ""))
    }
  }

  /// Removes them; a process that has just ended may hold its group a moment longer.
  func remove(_ id: WorkloadID, within time: Duration) throws(SystemFault) {
    let end = ContinuousClock.now + time
    for folder in self.folders(of: id) {
      while true {
        do {
          try FileTree.removeFolder(folder)
          break
        } catch {
          guard error.code == EBUSY, ContinuousClock.now < end else { throw error }
          usleep(2_000)
        }
      }
    }
  }
}
