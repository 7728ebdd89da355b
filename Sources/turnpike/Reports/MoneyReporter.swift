internal import Gate
internal import Logging
internal import Telemetry

/// Measures and logs what the cashier does with money.
struct MoneyReporter: GateObserver {
  private let metrics: ServerMetrics
  private let log: Logger

  init(metrics: ServerMetrics, log: Logger) {
    self.metrics = metrics
    self.log = log
  }

  func verified(_ method: PaymentMethod, _ verdict: Verdict, in span: Duration) {
    self.metrics.verify.with(method.name).record(span)
  }

  func settled(_ payment: PaymentID, _ method: PaymentMethod, _ settlement: Settlement, in span: Duration) {
    self.metrics.settle.with(method.name).record(span)
    self.report(payment, method, settlement, work: "settlement")
  }

  func recovered(_ payment: PaymentID, _ method: PaymentMethod, _ settlement: Settlement) {
    self.report(payment, method, settlement, work: "recovery")
  }

  func failed(_ work: BackgroundWork, _ outage: Outage, payment: PaymentID?) {
    self.metrics.outages.with(work.rawValue).add()
    var metadata: Logger.Metadata = ["detail": "\(outage.message)"]
    if let payment { metadata[LogField.payment] = "\(payment)" }
    self.log.warning("\(work.rawValue) failed", metadata: metadata)
  }

  private func report(_ payment: PaymentID, _ method: PaymentMethod, _ settlement: Settlement, work: String) {
    let outcome: String
    let level: Logger.Level
    var metadata: Logger.Metadata = [LogField.payment: "\(payment)", "method": "\(method)"]
    switch settlement {
    case .settled(_, let receipt):
      (outcome, level) = ("settled", .info)
      if let transaction = receipt?.transaction { metadata["transaction"] = "\(transaction)" }
    case .transferred: (outcome, level) = ("transferred", .info)
    case .rejected(let rejection, _):
      (outcome, level) = ("rejected", .info)
      metadata[LogField.reason] = "\(rejection.rawValue)"
    case .notSent(let outage):
      (outcome, level) = ("not_sent", .warning)
      metadata["detail"] = "\(outage.message)"
    case .void(let outage):
      (outcome, level) = ("void", .warning)
      metadata["detail"] = "\(outage.message)"
    case .unknown(let outage):
      (outcome, level) = ("unknown", .warning)
      metadata["detail"] = "\(outage.message)"
    case .stuck(let note):
      (outcome, level) = ("stuck", .error)
      metadata["detail"] = "\(note)"
    }
    self.metrics.settlements.with(method.name, work, outcome).add()
    self.log.log(level: level, "\(work): \(outcome)", metadata: metadata)
  }
}
