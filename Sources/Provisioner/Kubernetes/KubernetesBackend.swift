package import Gate
package import Kubernetes
internal import Synchronization

/// Machines as Jobs of a cluster: one Job, one Secret that it owns, one pod; reached through our own ports.
///
/// The cluster's objects are all that this backend knows: after a restart, or on a replica, the ports and
/// machines are found again by watching.
package final class KubernetesBackend: WorkloadBackend {
  package var name: String { self.configuration.name }
  package let events: AsyncStream<WorkloadEvent>

  let configuration: KubernetesConfiguration
  let client: KubernetesClient
  let gateway: PortGateway
  let clock: any TimeSource
  let sleeper: any Clock<Duration>
  let jobs: ListWatch<Job>
  let pods: ListWatch<Pod>
  /// Being removed by us: a copy of their Job that lags must not open their ports again.
  private let leaving = Mutex<Set<WorkloadID>>([])
  /// Ends that we have written and not heard back: a copy that lags must not cut at the former one.
  private let written = Mutex<[WorkloadID: Timestamp]>([:])
  private let told = Mutex<[WorkloadID: Sighting]>([:])
  private let sink: AsyncStream<WorkloadEvent>.Continuation

  package init(
    _ configuration: KubernetesConfiguration, client: KubernetesClient, gateway: PortGateway,
    clock: any TimeSource, sleeper: any Clock<Duration> = ContinuousClock()
  ) {
    self.configuration = configuration
    self.client = client
    self.gateway = gateway
    self.clock = clock
    self.sleeper = sleeper
    self.jobs = ListWatch(client, in: configuration.namespace, Marks.ours, sleeper: sleeper)
    self.pods = ListWatch(client, in: configuration.namespace, Marks.ours, sleeper: sleeper)
    // What is lost is seen on the provisioner's timer.
    (self.events, self.sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1024))
  }

  package func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.jobs.run { await self.heard($0) } }
      group.addTask { await self.pods.run { await self.heard($0) } }
    }
    self.sink.finish()
  }

  package func vacancy(for spec: WorkloadSpec) -> Vacancy {
    guard self.jobs.isLive, self.pods.isLive else {
      let fault = (self.jobs.lastFault ?? self.pods.lastFault).map { "\($0)" }
      return .unavailable("the cluster does not answer: \(fault ?? "not asked yet")")
    }
    return self.gateway.freePorts > 0 ? .open : .full(retryAfterSeconds: 60)
  }

  // MARK: What the watches say

  private func heard(_ changes: [CacheChange<Job>]) async {
    for change in changes {
      switch change {
      case .set(let job):
        guard let id = Marks.id(of: job.metadata) else { continue }
        await self.open(id, job)
        // That its pod failed; why, the pod says, and the news of that is on its way.
        if case .failed("BackoffLimitExceeded", _) = job.end, self.isRunning(id) { continue }
        self.tell(id)
      case .removed(let job):
        guard let id = Marks.id(of: job.metadata) else { continue }
        await self.gateway.release(id)
        self.leaving.withLock { _ = $0.remove(id) }
        self.wrote(nil, of: id)
        self.tell(id)
      }
    }
  }

  private func heard(_ changes: [CacheChange<Pod>]) async {
    for change in changes {
      let pod =
        switch change {
        case .set(let pod), .removed(let pod): pod
        }
      guard let id = Marks.id(of: pod.metadata) else { continue }
      self.aim(id)
      self.tell(id)
    }
  }

  /// The port that its Job names, here too: after a restart, and on every replica.
  private func open(_ id: WorkloadID, _ job: Job) async {
    guard job.metadata.deletionRequested == nil, job.end == nil, !self.leaving.withLock({ $0.contains(id) }),
      let port = job.metadata.annotations[Marks.port].flatMap({ UInt16($0) }),
      let end = job.metadata.annotations[Marks.end].flatMap({ Int64($0) })
    else { return }
    guard await self.gateway.take(port, for: id) else { return }
    if self.isCurrent(Timestamp(milliseconds: end), of: id) {
      self.gateway.setEnd(Timestamp(milliseconds: end), of: id)
    }
    self.aim(id)
  }

  /// Lets connections through to where its pod is now.
  private func aim(_ id: WorkloadID) {
    let pod = JobSighting.current(self.pods.objects { $0.metadata.labels[Marks.lease] == id.text })
    guard let pod, let address = pod.address, pod.isReady else {
      // One that was ready stays aimed at: its probe fails also when its owner uses it up.
      if pod == nil { self.gateway.setTarget(nil, of: id) }
      return
    }
    self.gateway.setTarget(GatewayTarget(address: address, port: MachineJob.sshPort), of: id)
  }

  func wrote(_ end: Timestamp?, of id: WorkloadID) { self.written.withLock { $0[id] = end } }

  private func isCurrent(_ end: Timestamp, of id: WorkloadID) -> Bool {
    self.written.withLock { written in
      guard let own = written[id] else { return true }
      if own == end { written[id] = nil }
      return own == end
    }
  }

  /// Closes its port for good: nobody is connected when this returns.
  func shut(_ id: WorkloadID) async {
    self.leaving.withLock { _ = $0.insert(id) }
    await self.gateway.release(id)
  }

  /// All of it is gone. What the copy still has of it is forgotten when the copy hears of that.
  func forget(_ id: WorkloadID) {
    if self.jobs.object(named: id.podName) == nil { self.leaving.withLock { _ = $0.remove(id) } }
  }

  private func isRunning(_ id: WorkloadID) -> Bool {
    JobSighting.current(self.pods.objects { $0.metadata.labels[Marks.lease] == id.text }) != nil
  }

  private func tell(_ id: WorkloadID) {
    let sighting = self.cached(id, handle: nil)
    let former = self.told.withLock { told in
      sighting == .absent ? told.removeValue(forKey: id) : told.updateValue(sighting, forKey: id)
    }
    guard former != sighting else { return }
    switch sighting {
    case .ready: self.sink.yield(.ready(id))
    case .ended(let reason): self.sink.yield(.ended(id, reason))
    case .absent: if former != nil { self.sink.yield(.ended(id, "its Job is gone")) }
    case .starting: break
    }
  }

  func cached(_ id: WorkloadID, handle: String?) -> Sighting {
    JobSighting.judge(
      self.jobs.object(named: id.podName), self.pods.objects { $0.metadata.labels[Marks.lease] == id.text },
      handle: handle)
  }
}
