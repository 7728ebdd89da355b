internal import ArgumentParser
internal import Gate
internal import Store

extension LedgerCommand {
  /// `turnpike ledger reconcile`
  struct Reconcile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reconcile",
      abstract: "Recounts the whole book: what was received, where it is, what is missing.",
      discussion: """
        For every mint and unit: received + found = held + locked + exported + paid + fees. Reads every row. Exit codes: \
        0 the book agrees with itself, 1 it does not.
        """)

    @OptionGroup var store: StoreOptions

    @Flag(help: "Print it as JSON: accounts, differences.")
    var json = false

    func run() async throws {
      let ledger = try self.store.open()
      let found = try await StoreOptions.orFail { () async throws(Outage) in try await ledger.reconcile() }
      let differences = found.accounts.compactMap(\.differenceText) + found.differences
      if self.json {
        print(
          JSONText.object([
            ("accounts", .array(found.accounts.map(\.json))),
            ("differences", .array(differences.map { .string($0) })),
          ]).text)
      } else {
        print(Self.table(of: found.accounts))
        for difference in differences { print("difference: \(difference)") }
        if differences.isEmpty { print("Everything is accounted for.") }
      }
      guard differences.isEmpty else { throw ExitCode.failure }
    }

    private static func table(of accounts: [Reconciliation.Account]) -> String {
      var table = TextTable(
        "OF", "UNIT", "RECEIVED", "FOUND", "ON CHAIN", "HELD", "LOCKED", "EXPORTED", "PAID", "FEES",
        "ON TRUST",
        "OPEN", "STUCK")
      for account in accounts {
        table.add(
          account.counterpart, account.unit.name, "\(account.received)", "\(account.found)",
          "\(account.onChain)",
          "\(account.held)", "\(account.locked)", "\(account.exported)", "\(account.paid)", "\(account.fees)",
          "\(account.onTrust)", "\(account.open)", "\(account.stuck)")
      }
      return table.text
    }
  }
}

extension Reconciliation.Account {
  fileprivate var differenceText: String? {
    guard self.difference != 0 else { return nil }
    let (amount, word) = (self.difference.magnitude, self.difference > 0 ? "missing" : "too many")
    return "\(amount) \(self.unit.name) \(word) at \(self.counterpart)"
  }

  fileprivate var json: JSONText {
    let figures: [(String, UInt128)] = [
      ("received", self.received), ("found", self.found), ("onChain", self.onChain), ("held", self.held),
      ("locked", self.locked), ("exported", self.exported), ("paid", self.paid), ("onTrust", self.onTrust),
      ("open", self.open), ("stuck", self.stuck),
    ]
    return .object(
      [("counterpart", .string(self.counterpart)), ("unit", .string(self.unit.name))]
        + figures.map { ($0, .number("\($1)")) }
        + [("fees", .number("\(self.fees)")), ("difference", .number("\(self.difference)"))])
  }
}
