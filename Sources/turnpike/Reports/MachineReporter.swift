internal import Gate
internal import Logging
internal import Provisioner
internal import Telemetry

/// Measures and logs what becomes of machines.
struct MachineReporter: ProvisionerObserver {
  private let metrics: ServerMetrics
  private let log: Logger

  init(metrics: ServerMetrics, log: Logger) {
    self.metrics = metrics
    self.log = log
  }

  func examined(_ report: BackendReport) {
    for (kind, reason) in report.impossible.sorted(by: { $0.key.text < $1.key.text }) {
      self.log.error(
        "machines of this kind cannot be made here", metadata: ["kind": "\(kind)", "reason": "\(reason)"])
    }
    switch report.fitness {
    case .full where report.impossible.isEmpty:
      self.log.info("machines have all the isolation that is promised")
    case .full: self.log.info("the other machines have all the isolation that is promised")
    case .reduced(let lacks):
      for lack in lacks { self.log.warning("machines are less shut off", metadata: ["lack": "\(lack)"]) }
    case .unfit(let reason): self.log.error("no machine can be made here", metadata: ["reason": "\(reason)"])
    }
  }

  func changed(_ lease: Lease, from state: Lease.State?) {
    self.metrics.machineChanges.with(lease.state.rawValue).add()
    var metadata: Logger.Metadata = [
      "machine": "\(lease.id)", LogField.payment: "\(lease.payment)", "from": "\(state?.rawValue ?? "-")",
    ]
    if let note = lease.note { metadata["note"] = "\(note)" }
    self.log.log(
      level: lease.state == .failed ? .error : .info, "machine \(lease.state.rawValue)", metadata: metadata)
  }

  func ready(_ lease: Lease, after span: Duration) { self.metrics.machineStarts.with().record(span) }

  func faulted(_ fault: BackendFault, during verb: String, of id: WorkloadID?) {
    self.metrics.outages.with("machines").add()
    let reason: String
    switch fault {
    case .unavailable(let text), .refused(let text): reason = text
    }
    var metadata: Logger.Metadata = ["verb": "\(verb)", "detail": "\(reason)"]
    if let id { metadata["machine"] = "\(id)" }
    self.log.warning("the backend of machines could not", metadata: metadata)
  }

  func removedOrphan(_ id: WorkloadID) {
    self.log.warning("removed a machine that no lease is for", metadata: ["machine": "\(id)"])
  }

  func counted(_ states: [Lease.State: Int]) { self.metrics.count(machines: states) }

  func failed(_ outage: Outage) {
    self.metrics.outages.with("machines").add()
    self.log.warning("machines cannot be looked after", metadata: ["detail": "\(outage.message)"])
  }
}
