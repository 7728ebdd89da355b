internal import Gate
internal import Kubernetes
internal import Provisioner

/// The machines of one process, and what works on them beside the requests.
struct Machines: Sendable {
  /// As `workloads.backend` says.
  let backend: String
  let provisioner: Provisioner
  /// Nil where machines run on this host.
  let cluster: KubernetesClient?

  /// The longest that a start waits for the backend: routes without machines wait with it.
  private static let patience: Duration = .seconds(20)

  /// Until it is known whether machines can be made here, well or badly: who is told that we are ready may order one.
  func examined() async {
    await withTaskGroup { group in
      group.addTask { await self.provisioner.examined() }
      group.addTask { try? await Task.sleep(for: Self.patience) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Whether machines can be made, and all kinds of them, for health and metrics.
  var report: CounterpartReport {
    let condition = self.provisioner.condition
    let lacks = condition.impossible.sorted { $0.key.text < $1.key.text }.map { "kind \($0): \($1)" }
    let state: CounterpartReport.State =
      if let fault = condition.fault { .unfit(fault) } else if lacks.isEmpty { .ready } else { .lacks(lacks) }
    return CounterpartReport(kind: .machines, name: self.backend, state: state)
  }

  /// Until cancelled; machines outlive it.
  func run() async {
    await self.provisioner.run()
    await self.cluster?.shutdown()
  }
}
