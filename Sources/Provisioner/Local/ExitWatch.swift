internal import Gate
internal import Glibc
private import NIOPosix
private import Synchronization

/// Waits for machines to end, and collects the processes that we started for them.
final class ExitWatch: Sendable {
  private struct State: Sendable {
    var machines: [WorkloadID: Descriptor] = [:]
    /// Processes that we started: uncollected they would stay in the list of processes.
    var children: [pid_t: Descriptor] = [:]
    var isStopped = false
  }

  private let state = Mutex(State())
  private let wake: (read: Descriptor, write: Descriptor)
  private let ended: @Sendable (WorkloadID) -> Void

  init(ended: @escaping @Sendable (WorkloadID) -> Void) throws(SystemFault) {
    self.wake = try Descriptor.pipe()
    self.ended = ended
    for end in [self.wake.read, self.wake.write] { _ = fcntl(end.raw, F_SETFL, O_NONBLOCK) }
  }

  func watch(_ id: WorkloadID, _ machine: RunningMachine) {
    self.state.withLock { $0.machines[id] = machine.process }
    self.rouse()
  }

  /// To be collected when it has ended.
  func collect(_ child: pid_t) {
    guard let process = Descriptor.process(child) else { return }
    self.state.withLock { $0.children[child] = process }
    self.rouse()
  }

  func isWatched(_ id: WorkloadID) -> Bool { self.state.withLock { $0.machines[id] != nil } }

  /// Its end is no news any more.
  func forget(_ id: WorkloadID) {
    self.state.withLock { _ = $0.machines.removeValue(forKey: id) }
    self.rouse()
  }

  /// Until cancelled.
  func run() async {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    await withTaskCancellationHandler {
      try? await pool.runIfActive { self.loop() }
    } onCancel: {
      self.state.withLock { $0.isStopped = true }
      self.rouse()
    }
    try? await pool.shutdownGracefully()
  }

  /// A full pipe means that it is awake already.
  private func rouse() { try? self.wake.write.write([0]) }

  private func loop() {
    while true {
      let state = self.state.withLock { $0 }
      if state.isStopped { return }
      let machines = Array(state.machines)
      let children = Array(state.children)
      let descriptors = [self.wake.read] + machines.map(\.value) + children.map(\.value)
      var waiting = descriptors.map { pollfd(fd: $0.raw, events: Int16(POLLIN), revents: 0) }
      _ = unsafe poll(&waiting, nfds_t(waiting.count), -1)
      if waiting[0].revents != 0 { _ = try? self.wake.read.read(atMost: 4096) }
      for (machine, answer) in zip(machines, waiting.dropFirst()) where answer.revents != 0 {
        self.take(machine.key, machine.value)
      }
      for (child, answer) in zip(children, waiting.dropFirst(1 + machines.count)) where answer.revents != 0 {
        var status: CInt = 0
        _ = unsafe waitpid(child.key, &status, WNOHANG)
        self.state.withLock { _ = $0.children.removeValue(forKey: child.key) }
      }
    }
  }

  private func take(_ id: WorkloadID, _ process: Descriptor) {
    let isNews = self.state.withLock { state in
      // Forgotten, or another machine by now: its end was asked for.
      guard state.machines[id] === process else { return false }
      state.machines.removeValue(forKey: id)
      return true
    }
    if isNews { self.ended(id) }
  }
}
