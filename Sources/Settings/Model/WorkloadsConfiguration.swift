package import Gate

/// What machines are sold, and where they run.
package struct WorkloadsConfiguration: Sendable, Equatable {
  package enum Backend: String, Sendable, CaseIterable { case local, kubernetes }

  /// Whether a machine reaches other hosts.
  package enum Network: String, Sendable, CaseIterable { case none, outbound }

  /// One kind of machine.
  package struct Spec: Sendable, Equatable {
    /// Thousandths of a core.
    package var milliCPU: UInt64
    package var memoryBytes: UInt64
    package var processes: UInt64
    /// Of the home directory.
    package var diskBytes: UInt64
    /// The first is the default; empty where the backend takes none.
    package var images: [String]
    package var network: Network
  }

  /// Where pods run, and as what.
  package struct Cluster: Sendable, Equatable {
    /// Which image's ways are followed.
    package enum Image: String, Sendable, CaseIterable {
      /// Ours: OpenSSH as uid 1000, in a namespace that enforces `restricted`.
      case turnpike
      /// `linuxserver/openssh-server`, in one that enforces `baseline`.
      case linuxserver
    }

    /// Where none is named.
    package static let theirImage = "linuxserver/openssh-server:latest"

    package var namespace: String
    /// Nil: the service account of the pod that this process runs in.
    package var kubeconfig: String?
    package var image: Image
    package var priorityClass: String?
    package var runtimeClass: String?
  }

  package var backend: Backend
  package var ports: ClosedRange<UInt16>
  /// The address that the ports are bound on.
  package var listen: String
  /// How buyers reach it; nil: by the name of `public.url`, else by the address.
  package var host: String?
  /// Where the local backend keeps what machines are made of.
  package var directory: String
  /// Machines at the same time.
  package var max: UInt64
  /// The login name where the buyer chooses none.
  package var username: String
  package var cluster: Cluster?
  /// Who may list all machines; nil: nobody over the network.
  package var admin: Secret?
  /// By name; `ssh` is the one that the other keys describe.
  package var specs: [(name: WorkloadSpecName, spec: Spec)]

  package static func == (a: WorkloadsConfiguration, b: WorkloadsConfiguration) -> Bool {
    a.backend == b.backend && a.ports == b.ports && a.listen == b.listen && a.host == b.host
      && a.directory == b.directory && a.max == b.max && a.username == b.username && a.cluster == b.cluster
      && a.admin == b.admin && a.specs.map(\.name) == b.specs.map(\.name)
      && a.specs.map(\.spec) == b.specs.map(\.spec)
  }
}
