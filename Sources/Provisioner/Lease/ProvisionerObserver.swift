package import Gate

/// Hears what becomes of machines, for metrics and logs; must not wait. Nothing it hears is a secret.
package protocol ProvisionerObserver: Sendable {
  /// What the host or cluster can do: at start, and when that has changed.
  func examined(_ report: BackendReport)
  /// A row changed its state, by this process; from nil where it was just ordered.
  func changed(_ lease: Lease, from state: Lease.State?)
  /// A machine takes logins, so long after its order.
  func ready(_ lease: Lease, after span: Duration)
  /// A backend could not do what it was asked to; nil where no single machine was meant.
  func faulted(_ fault: BackendFault, during verb: String, of id: WorkloadID?)
  /// Something of ours ran without a live lease.
  func removedOrphan(_ id: WorkloadID)
  /// The live rows of this backend, each timer round.
  func counted(_ states: [Lease.State: Int])
  /// The book could not be read or written; the work is tried again.
  func failed(_ outage: Outage)
}

package struct SilentProvisionerObserver: ProvisionerObserver {
  package init() {}
  package func examined(_ report: BackendReport) {}
  package func changed(_ lease: Lease, from state: Lease.State?) {}
  package func ready(_ lease: Lease, after span: Duration) {}
  package func faulted(_ fault: BackendFault, during verb: String, of id: WorkloadID?) {}
  package func removedOrphan(_ id: WorkloadID) {}
  package func counted(_ states: [Lease.State: Int]) {}
  package func failed(_ outage: Outage) {}
}
