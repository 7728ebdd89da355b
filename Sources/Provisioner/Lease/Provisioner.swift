package import Gate
internal import Synchronization

/// Has machines made, kept and ended: what the book says is made so by one backend.
///
/// A service: from the order on, the work belongs to ``run()`` and not to who asked for it. Several processes may
/// share a book; each row's version decides who was first, and every step at the backend may be done twice.
package final class Provisioner: Sendable {
  /// Grants that wait to be looked up after a top-up or revocation; beyond, the timer round finds them.
  private static let maxChanges = 1024
  /// Live rows read in a round.
  static let maxRows = 10_000

  let book: any LeaseBook
  let backend: any WorkloadBackend
  let settings: ProvisionerSettings
  let specs: [WorkloadSpecName: WorkloadSpec]
  let clock: any TimeSource
  let sleeper: any Clock<Duration>
  let observer: any ProvisionerObserver

  let census = Mutex(Census())
  let drawer = Mutex(CredentialDrawer())
  let desk = Mutex(PasswordDesk())
  let signals = LeaseSignals()
  let wakeTimes: WakeTimes
  /// Of leases that rest between two steps.
  let machines = Mutex<[WorkloadID: LeaseMachine]>([:])

  private let examination: AsyncStream<Never>
  private let examining: AsyncStream<Never>.Continuation
  private let queue: Mutex<StepQueue>
  private let starts: AsyncStream<WorkloadID>
  private let started: AsyncStream<WorkloadID>.Continuation
  private let changes: AsyncStream<Serial>
  private let changing: AsyncStream<Serial>.Continuation

  package init(
    book: any LeaseBook, backend: any WorkloadBackend, settings: ProvisionerSettings, clock: any TimeSource,
    sleeper: any Clock<Duration> = ContinuousClock(),
    observer: any ProvisionerObserver = SilentProvisionerObserver()
  ) {
    self.book = book
    self.backend = backend
    self.settings = settings
    self.specs = Dictionary(settings.specs.map { ($0.name, $0) }) { first, _ in first }
    self.clock = clock
    self.sleeper = sleeper
    self.observer = observer
    self.wakeTimes = WakeTimes(clock: clock, tick: settings.rhythm.tick)
    self.queue = Mutex(StepQueue(limit: settings.rhythm.steps))
    (self.examination, self.examining) = AsyncStream.makeStream()
    (self.starts, self.started) = AsyncStream.makeStream(
      bufferingPolicy: .bufferingOldest(settings.rhythm.steps))
    (self.changes, self.changing) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maxChanges))
  }

  /// Works until cancelled. Machines outlive it, and end by their own deadlines.
  package func run() async {
    let report = await self.examine()
    self.examining.finish()
    await withDiscardingTaskGroup { service in
      service.addTask { await self.examineAgain(after: report) }
      service.addTask { await self.backend.run() }
      service.addTask { await self.hearBackend() }
      service.addTask { await self.hearChanges() }
      service.addTask { await self.compareOnTimer() }
      service.addTask { await self.wakeTimes.run(sleeper: self.sleeper) { self.look(at: $0) } }
      service.addTask {
        await withDiscardingTaskGroup { steps in
          for await id in self.starts { steps.addTask { await self.work(from: id) } }
        }
      }
    }
  }

  /// Returns when ``run()`` has examined the host or cluster for the first time, or at cancellation. One waits.
  package func examined() async { for await _ in self.examination {} }

  /// What it lacks may be mended under way, and a cluster may have been away.
  private func examineAgain(after report: BackendReport) async {
    var report = report
    while case .unfit = report.fitness {
      try? await self.sleeper.sleep(for: self.settings.rhythm.examination)
      guard !Task.isCancelled else { return }
      report = await self.examine()
    }
  }

  private func examine() async -> BackendReport {
    var report = await self.backend.examine()
    report.impossible = self.impossible
    if self.census.withLock({ $0.examined(report) }) { self.observer.examined(report) }
    return report
  }

  /// Has a lease worked on soon.
  func look(at id: WorkloadID) {
    if case .start = self.queue.withLock({ $0.add(id) }) { self.started.yield(id) }
  }

  /// Has a grant looked up soon.
  func lookUp(_ serial: Serial) { self.changing.yield(serial) }

  private func work(from first: WorkloadID) async {
    var next: WorkloadID? = first
    while let id = next, !Task.isCancelled {
      await self.advance(id)
      next = self.queue.withLock { $0.next(after: id) }
    }
  }

  private func hearBackend() async {
    for await event in self.backend.events {
      switch event {
      case .ready(let id), .ended(let id, _): self.look(at: id)
      }
    }
  }

  private func hearChanges() async {
    for await serial in self.changes {
      do throws(Outage) {
        try await self.learn(of: serial)
      } catch {
        self.observer.failed(error)
      }
    }
  }

  private func learn(of serial: Serial) async throws(Outage) {
    guard let lease = try await self.book.lease(of: serial), lease.state.isLive else { return }
    self.look(at: lease.id)
  }
}
