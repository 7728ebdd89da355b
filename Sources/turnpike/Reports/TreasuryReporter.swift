internal import Cashu
internal import Gate
internal import Logging
internal import Telemetry

/// Counts and logs what is done with money beside the requests: redemptions, invoices, payouts.
struct TreasuryReporter: Sendable {
  private let metrics: ServerMetrics
  private let log: Logger

  init(metrics: ServerMetrics, log: Logger) {
    self.metrics = metrics
    self.log = log
  }

  func report(_ event: InvoiceWatch.Event) {
    switch event {
    case .paid(let payment, let amount):
      self.log.info("an invoice is paid", metadata: [LogField.payment: "\(payment)", "value": "\(amount)"])
    case .lost(let payment, _):
      self.log.error(
        "an invoice is paid, and the mint does not give its money", metadata: [LogField.payment: "\(payment)"]
      )
    case .failed(let outage):
      self.metrics.outages.with("invoices").add()
      self.log.warning("invoices cannot be looked at", metadata: ["detail": "\(outage.message)"])
    }
  }

  func report(_ event: Payout.Event) {
    switch event {
    case .paid(let paid):
      self.metrics.transfers.with("payout", paid.mint, "done").add()
      self.log.notice(
        "paid out",
        metadata: [
          "mint": "\(paid.mint)", "value": "\(paid.amount)", "fee": "\(paid.fee)",
          "transfer": "\(paid.transfer)",
        ])
    case .addressFailed(let mint, let fault):
      self.log.warning(
        "the Lightning address gives no invoice", metadata: ["mint": "\(mint)", "detail": "\(fault)"])
    case .failed(let mint, let fault):
      self.metrics.transfers.with("payout", mint, "failed").add()
      self.log.warning("payout failed", metadata: ["mint": "\(mint)", "detail": "\(fault.sentence)"])
    }
  }

  func report(_ event: Redeemer.Event) {
    switch event {
    case .redeemed(let mint, let payments, let value, let fee):
      self.metrics.transfers.with("redemption", mint, "done").add()
      self.log.info(
        "redeemed",
        metadata: ["mint": "\(mint)", "payments": "\(payments)", "value": "\(value)", "fee": "\(fee)"])
    case .lost(let mint, let payment, let note):
      self.metrics.transfers.with("redemption", mint, "lost").add()
      self.log.error(
        "the mint does not give the money of an accepted payment",
        metadata: ["mint": "\(mint)", LogField.payment: "\(payment)", "detail": "\(note)"])
    case .failed(let mint, let outage):
      self.metrics.transfers.with("redemption", mint, "failed").add()
      self.log.warning("redemption failed", metadata: ["mint": "\(mint)", "detail": "\(outage.message)"])
    case .blind(let outage):
      self.metrics.outages.with("redemption").add()
      self.log.warning("redemption cannot read the store", metadata: ["detail": "\(outage.message)"])
    }
  }
}
