internal import Gate
internal import Kubernetes

/// Labels and annotations of our objects: ours, and those that users of Paygress look for.
enum Marks {
  static let lease = "turnpike/lease"
  /// The end of the paid time, milliseconds since 1970.
  static let end = "turnpike/end"
  static let port = "turnpike/port"
  /// PID 1's own deadline, seconds since 1970.
  static let deadline = "turnpike/deadline"
  /// Any other value makes the kubelet look at the pod's secret now and not within a minute.
  static let credentials = "turnpike/credentials"
  /// `none`, `outbound`: what the namespace's policies select by.
  static let network = "turnpike/network"
  static let managedBy = "app.kubernetes.io/managed-by"

  static let ours = Selector(labels: [Marks.managedBy: "turnpike"])
  static func of(_ id: WorkloadID) -> Selector { Selector(labels: [Marks.lease: id.text]) }

  static func id(of metadata: ObjectMetadata) -> WorkloadID? {
    metadata.labels[self.lease].flatMap { WorkloadID($0) }
  }

  static func labels(of lease: Lease, _ spec: WorkloadSpec) -> [String: String] {
    [
      self.lease: lease.id.text, self.managedBy: "turnpike", "app.kubernetes.io/name": "ssh-workload",
      self.network: spec.network.rawValue, "app": "paygress-ssh-pod", "managed-by": "paygress-sidecar",
      "pod-type": "ssh-access", "pod-name": lease.id.podName,
    ]
  }

  /// What changes with the end, for people.
  static func paygress(end: Timestamp, ordered: Timestamp) -> [String: String] {
    [
      "paygress.io/expires-at": self.text(end),
      "paygress.io/duration-minutes": String(max(0, (end - ordered).inMilliseconds / 60_000)),
    ]
  }

  static func text(_ moment: Timestamp) -> String { "\(KubernetesTime(secondsSinceEpoch: moment.seconds))" }
}

/// How much later than the paid time's end each layer acts on its own. The gateway cuts at the end itself,
/// and the provisioner removes the machine then.
enum Backstop {
  /// An extension takes a moment from the API to the file that PID 1 reads.
  static let initSeconds: Int64 = 15
  /// Of the Job: for a node whose kubelet does not work either.
  static let jobSeconds: Int64 = 120
}
