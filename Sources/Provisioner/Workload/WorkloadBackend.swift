package import Gate

/// Where machines run. The provisioner decides what should be; a backend makes it so, and says what it sees.
///
/// Every call may be repeated after a crash: it finds what is there and goes on from it.
package protocol WorkloadBackend: Sendable {
  /// In lease rows: `kubernetes`, and `local` or `local:HOST` where hosts share a book: only the backend of this name
  /// looks after the row.
  var name: String { get }

  /// Tries out what a machine needs of this host or cluster: at start, and again while it is unfit.
  func examine() async -> BackendReport

  /// What this host or cluster lacks for a kind, whatever else it can make; nil for nothing. Does not wait.
  func lack(for spec: WorkloadSpec) -> String?

  /// Whether one more can be made, without waiting.
  func vacancy(for spec: WorkloadSpec) -> Vacancy

  /// Takes a port and makes a host key; nothing runs yet. What it returns is written down before
  /// ``start(_:)``. The same lease prepared again keeps its port if it still can, and if that is not in
  /// `taken`: those are other machines', as only the book could know, and this one lets go of them.
  func prepare(_ lease: Lease, _ spec: WorkloadSpec, besides taken: Set<UInt16>) async throws(BackendFault)
    -> PreparedWorkload

  /// Has it made, to end at `lease.end`; of one that is there already, nil credentials stay as they are. Returns its
  /// handle when it exists, which may be before it takes logins.
  func start(_ lease: Lease, _ spec: WorkloadSpec, credentials: WorkloadCredentials)
    async throws(BackendFault)
    -> String

  /// What is there of a lease now.
  func look(_ lease: Lease) async throws(BackendFault) -> Sighting

  func setEnd(_ end: Timestamp, of lease: Lease) async throws(BackendFault)

  /// Another password or key for a machine that exists; sessions go on. What is nil stays as it is.
  func setCredentials(_ credentials: WorkloadCredentials, of lease: Lease) async throws(BackendFault)

  /// Ends it: returns when no process, port and file of it is left, also where there was none.
  func remove(_ id: WorkloadID, handle: String?) async throws(BackendFault)

  /// All that this backend has of ours, leased or not.
  func inventory() async throws(BackendFault) -> [WorkloadID]

  /// What happened without our asking, as it happens; ended by ``run()``'s return. Losing one costs a delay only: the
  /// provisioner looks on a timer too.
  var events: AsyncStream<WorkloadEvent> { get }

  /// Works until cancelled (watches, spliced ports); machines outlive it.
  func run() async
}

extension WorkloadBackend {
  package func lack(for spec: WorkloadSpec) -> String? { nil }

  /// Where no port is known to be another's.
  package func prepare(_ lease: Lease, _ spec: WorkloadSpec) async throws(BackendFault) -> PreparedWorkload {
    try await self.prepare(lease, spec, besides: [])
  }
}

/// The size of a kind of machine and what it runs.
package struct WorkloadSpec: Hashable, Sendable {
  package var name: WorkloadSpecName
  /// Thousandths of a core.
  package var milliCPU: UInt32
  package var memoryBytes: UInt64
  /// Processes and threads.
  package var processes: UInt32
  /// Of the home directory, where it can be limited.
  package var diskBytes: UInt64
  /// Where the backend takes images; the first is the default.
  package var images: [String]
  package var username: String
  package var network: Network

  package enum Network: String, Hashable, Sendable { case none, outbound }

  package static let defaultUsername = "dev"

  package init(
    name: WorkloadSpecName, milliCPU: UInt32 = 500, memoryBytes: UInt64 = 256 << 20, processes: UInt32 = 128,
    diskBytes: UInt64 = 128 << 20, images: [String] = [], username: String = Self.defaultUsername,
    network: Network = .none
  ) {
    self.name = name
    self.milliCPU = milliCPU
    self.memoryBytes = memoryBytes
    self.processes = processes
    self.diskBytes = diskBytes
    self.images = images
    self.username = username
    self.network = network
  }
}

/// Who may log in.
package struct WorkloadCredentials: Sendable {
  /// Nil: none set, so none will do.
  package var password: WorkloadPassword?
  /// One line of `authorized_keys`.
  package var publicKey: String?

  package init(password: WorkloadPassword? = nil, publicKey: String? = nil) {
    self.password = password
    self.publicKey = publicKey
  }
}

package struct PreparedWorkload: Hashable, Sendable {
  package var port: UInt16
  /// `ssh-ed25519 AAAA…`
  package var hostKey: String

  package init(port: UInt16, hostKey: String) {
    self.port = port
    self.hostKey = hostKey
  }
}

package enum Sighting: Hashable, Sendable {
  case absent
  case starting
  /// It takes logins.
  case ready
  /// It ended by itself; the reason is for its owner.
  case ended(String)
}

package enum WorkloadEvent: Hashable, Sendable {
  case ready(WorkloadID)
  case ended(WorkloadID, String)
}

package struct BackendReport: Hashable, Sendable {
  package enum Fitness: Hashable, Sendable {
    case full
    /// Sold all the same, and said in health, offers and answers: one sentence each.
    case reduced([String])
    /// What the host lacks and what to do about it.
    case unfit(String)
  }

  package var fitness: Fitness
  /// Kinds that can never be made here, with the reason.
  package var impossible: [WorkloadSpecName: String] = [:]

  package init(_ fitness: Fitness) { self.fitness = fitness }
}

/// Why a backend could not do what it was asked to.
package enum BackendFault: Error, Hashable, Sendable {
  /// No answer, or "later": nothing is known to have happened; ask again.
  case unavailable(String)
  /// This machine cannot be made, now or later (quota, image, policy): its lease fails.
  case refused(String)
}
