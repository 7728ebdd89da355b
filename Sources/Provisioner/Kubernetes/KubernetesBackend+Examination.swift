internal import Gate
internal import Kubernetes

extension KubernetesBackend {
  /// Asks for everything that a machine's life needs, as far as asking changes nothing.
  package func examine() async -> BackendReport {
    let namespace = self.configuration.namespace
    do throws(KubernetesFault) {
      _ = try await self.client.list(Job.self, in: namespace, Marks.ours, limit: 1)
      _ = try await self.client.list(Pod.self, in: namespace, Marks.ours, limit: 1)
      _ = try await self.client.list(Event.self, in: namespace, limit: 1)
      try await self.tryOut()
      let policies = try await self.client.list(NetworkPolicy.self, in: namespace, limit: 1)
      return BackendReport(self.fitness(hasPolicies: !policies.items.isEmpty))
    } catch {
      return BackendReport(.unfit(self.advice(error)))
    }
  }

  /// A machine that is judged and not made.
  private func tryOut() async throws(KubernetesFault) {
    guard let name = Username("dev") else { return }
    let lease = Lease(
      id: .random(), serial: Serial(0), payment: PaymentID(""), spec: WorkloadSpecName("examination"),
      wishes: WorkloadWishes(),
      backend: self.name, ordered: self.clock.now(), end: self.clock.now() + .seconds(60))
    let user = MachineUser(name: name)
    let machine = MachineJob(
      lease: lease, spec: WorkloadSpec(name: lease.spec), user: user, configuration: self.configuration)
    _ = try await self.client.create(machine.job(port: 22_000, now: self.clock.now()), dryRun: true)
    let metadata = ObjectMetadata(name: lease.id.podName, namespace: self.configuration.namespace)
    _ = try await self.client.create(Secret(metadata: metadata, data: [:]), dryRun: true)
  }

  private func fitness(hasPolicies: Bool) -> BackendReport.Fitness {
    var sentences: [String] = []
    if !hasPolicies { sentences.append("No NetworkPolicy limits what a machine can reach in the cluster.") }
    if !self.configuration.hasUserNamespaces, self.configuration.runtimeClass == nil {
      sentences.append("Machines share the user ids and the process limits of their node.")
    }
    return sentences.isEmpty ? .full : .reduced(sentences)
  }

  private func advice(_ fault: KubernetesFault) -> String {
    switch fault {
    case .forbidden, .unauthorized:
      "The cluster does not let us work (apply deploy/kubernetes): \(fault)"
    case .notFound: "The namespace \(self.configuration.namespace) does not exist (apply deploy/kubernetes)."
    default: "The cluster does not take a machine: \(fault)"
    }
  }
}
