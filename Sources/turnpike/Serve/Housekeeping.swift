internal import Gate
internal import Logging
internal import Store

/// Forgets rows of the book that nobody can ask about any more, now and then.
struct Housekeeping: Sendable {
  static let interval: Duration = .seconds(3600)
  /// How long it is known that a use was served, or that a payment was refused.
  static let retention: Duration = .seconds(7 * 24 * 3600)
  /// Rows in one transaction, so that it keeps no payment waiting.
  static let batch = 1000

  private let ledger: TransactionalLedger
  private let log: Logger

  init(ledger: TransactionalLedger, log: Logger) {
    self.ledger = ledger
    self.log = log
  }

  /// Works until cancelled.
  func run() async {
    while !Task.isCancelled {
      await self.prune()
      try? await Task.sleep(for: Self.interval)
    }
  }

  private func prune() async {
    var count = 0
    do throws(Outage) {
      while !Task.isCancelled {
        let pruned = try await self.ledger.prune(olderThan: Self.retention, limit: Self.batch)
        count += pruned
        guard pruned >= Self.batch else { break }
      }
      if count > 0 { self.log.info("old rows forgotten", metadata: ["rows": "\(count)"]) }
    } catch {
      self.log.warning("old rows could not be forgotten", metadata: ["detail": "\(error.message)"])
    }
  }
}
