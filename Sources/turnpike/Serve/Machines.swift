internal import Kubernetes
internal import Provisioner

/// The machines of one process, and what works on them beside the requests.
struct Machines: Sendable {
  let provisioner: Provisioner
  /// Nil where machines run on this host.
  let cluster: KubernetesClient?

  /// Until cancelled; machines outlive it.
  func run() async {
    await self.provisioner.run()
    await self.cluster?.shutdown()
  }
}
