internal import ArgumentParser
internal import Gate
internal import Store

/// `turnpike ledger list|show|reconcile|reopen|revoke`
struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Shows payments and uses, and checks that every sat is accounted for.",
    subcommands: [List.self, Show.self, Reconcile.self, Reopen.self, Revoke.self])

  /// What can be listed: the states of payments, and of uses that a crash may have served twice or lost.
  enum Selection: String, CaseIterable, ExpressibleByArgument {
    case reserved, settling, accepted, settled, rejected, unknown
    /// Payments that a counterpart holds, and uses that were lost twice.
    case stuck
    case redelivered

    var payments: PaymentState? { PaymentState(rawValue: self.rawValue) }
    var uses: LostUse.Kind? { LostUse.Kind(rawValue: self.rawValue) }
  }
}
