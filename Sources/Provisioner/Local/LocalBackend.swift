internal import Digest
package import Gate
internal import Glibc
private import NIOCore
private import NIOPosix
internal import Synchronization

/// Machines on this host: bubblewrap, stock sshd, and a PID 1 of our own that holds port and end.
///
/// Nothing in memory is needed to go on after a restart: a machine's socket is its port's lock, its folder
/// says that it is ours, and its process is found by the lease's handle.
package final class LocalBackend: WorkloadBackend {
  struct State: Sendable {
    /// Prepared and not started.
    var held: [WorkloadID: HeldPort] = [:]
    /// All that have a folder.
    var known: Set<WorkloadID> = []
    var groups = ControlGroups.none
    var programs: LocalPrograms
    var fitness: BackendReport.Fitness = .unfit("This host has not been examined yet.")
    /// Where the search for a free port goes on: a port is given again as late as can be, since whoever knew
    /// its last machine knows another host key for it.
    var nextPort: UInt16
  }

  struct HeldPort: Sendable {
    let port: UInt16
    let descriptor: Descriptor
  }

  package var name: String { self.configuration.name }
  package let events: AsyncStream<WorkloadEvent>

  let configuration: LocalConfiguration
  let clock: any TimeSource
  let state: Mutex<State>
  let watch: ExitWatch
  private let happened: AsyncStream<WorkloadEvent>.Continuation

  /// - Throws: when the process has no descriptors left.
  package init(_ configuration: LocalConfiguration, clock: any TimeSource) throws(BackendFault) {
    let (events, happened) = AsyncStream.makeStream(
      of: WorkloadEvent.self, bufferingPolicy: .bufferingNewest(1024))
    self.configuration = configuration
    self.clock = clock
    self.events = events
    self.happened = happened
    self.state = Mutex(
      State(programs: configuration.programs, nextPort: UInt16.random(in: configuration.ports)))
    let folder = configuration.folder
    do {
      self.watch = try ExitWatch { id in
        let end = (try? WorkloadFolder(of: id, in: folder).end()) ?? nil
        happened.yield(.ended(id, Self.reason(end: end, now: clock.now())))
      }
    } catch {
      throw error.fault
    }
  }

  package func run() async {
    await self.watch.run()
    self.happened.finish()
  }

  package func lack(for spec: WorkloadSpec) -> String? {
    spec.network == .outbound ? LocalPrograms.outboundLack : nil
  }

  package func vacancy(for spec: WorkloadSpec) -> Vacancy {
    if let lack = self.lack(for: spec) { return .unavailable(lack) }
    let most = min(self.configuration.maxWorkloads, self.configuration.ports.count)
    return self.state.withLock { state in
      if case .unfit(let reason) = state.fitness { return .unavailable(reason) }
      return state.known.count < most ? .open : .full(retryAfterSeconds: 60)
    }
  }

  package func examine() async -> BackendReport {
    (try? await self.blocking { () throws(BackendFault) in self.examineNow() })
      ?? BackendReport(.unfit("The service is stopping."))
  }

  package func prepare(_ lease: Lease, _ spec: WorkloadSpec, besides taken: Set<UInt16>)
    async throws(BackendFault) -> PreparedWorkload
  {
    try await self.blocking { () throws(BackendFault) in try self.prepareNow(lease, besides: taken) }
  }

  package func start(_ lease: Lease, _ spec: WorkloadSpec, credentials: WorkloadCredentials)
    async throws(BackendFault) -> String
  {
    let handle = try await self.blocking { () throws(BackendFault) in
      try self.startNow(lease, spec, credentials)
    }
    self.happened.yield(.ready(lease.id))
    return handle
  }

  package func look(_ lease: Lease) async throws(BackendFault) -> Sighting {
    try await self.blocking { () throws(BackendFault) in try self.lookNow(lease) }
  }

  package func setEnd(_ end: Timestamp, of lease: Lease) async throws(BackendFault) {
    try await self.blocking { () throws(BackendFault) in
      do throws(SystemFault) {
        try self.folder(of: lease.id).setEnd(end)
      } catch {
        throw error.fault
      }
    }
  }

  package func setCredentials(_ credentials: WorkloadCredentials, of lease: Lease)
    async throws(BackendFault)
  {
    try await self.blocking { () throws(BackendFault) in
      let files = try Credentials(credentials, for: self.user(of: lease))
      do throws(SystemFault) {
        try self.folder(of: lease.id).setCredentials(files, owner: self.owner(port: lease.port))
      } catch {
        throw error.fault
      }
    }
  }

  package func remove(_ id: WorkloadID, handle: String?) async throws(BackendFault) {
    try await self.blocking { () throws(BackendFault) in try self.removeNow(id, handle: handle) }
  }

  package func inventory() async throws(BackendFault) -> [WorkloadID] {
    try await self.blocking { () throws(BackendFault) in
      do throws(SystemFault) {
        let found = try FileTree.names(in: self.configuration.folder).compactMap { WorkloadID($0) }
        self.state.withLock { $0.known.formUnion(found) }
        return found
      } catch {
        throw error.fault
      }
    }
  }

  /// Of our own: a start or an end may take seconds, and the process' shared threads are few.
  private static let threads: NIOThreadPool = {
    let threads = NIOThreadPool(numberOfThreads: 8)
    threads.start()
    return threads
  }()

  /// On a thread that may block.
  private func blocking<T: Sendable>(_ body: @escaping @Sendable () throws(BackendFault) -> T)
    async throws(BackendFault) -> T
  {
    let result: Result<T, BackendFault>
    do {
      result = try await Self.threads.runIfActive { () -> Result<T, BackendFault> in
        do throws(BackendFault) {
          return .success(try body())
        } catch {
          return .failure(error)
        }
      }
    } catch {
      throw .unavailable("The service is stopping.")
    }
    return try result.get()
  }

  func folder(of id: WorkloadID) -> WorkloadFolder { WorkloadFolder(of: id, in: self.configuration.folder) }

  /// The host user that a machine's own files must belong to; nil where it is ours.
  func owner(port: UInt16?) -> uid_t? {
    guard geteuid() == 0, let port else { return nil }
    // A port is had once on a host, whatever services are on it: so is the user.
    return self.configuration.firstHostUser + UInt32(port)
  }
}
