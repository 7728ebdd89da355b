internal import ArgumentParser
internal import Gate
internal import Store

/// `turnpike treasury balance`
struct TreasuryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "treasury", abstract: "Shows what was redeemed.", subcommands: [Balance.self])

  struct Balance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "balance", abstract: "Counts what was redeemed, by mint and keyset.")

    @OptionGroup var store: StoreOptions

    @Flag(help: "Print it as JSON: balances, totals.")
    var json = false

    func run() async throws {
      let ledger = try self.store.open()
      let balances = try await StoreOptions.orFail { () async throws(Outage) in try await ledger.balances() }
      let totals = Self.totals(of: balances)
      if self.json {
        print(Self.json(balances, totals).text)
        return
      }
      var table = TextTable("MINT", "KEYSET", "AMOUNT", "PROOFS")
      for balance in balances {
        table.add(balance.counterpart, balance.series, "\(balance.amount)", "\(balance.pieces)")
      }
      for total in totals { table.add("total", "", "\(total)", "") }
      print(table.text)
    }

    /// One amount for each unit. What has no 64-bit sum is left out: there is not that much money.
    private static func totals(of balances: [TreasuryBalance]) -> [Amount] {
      var totals: [Amount.Unit: Amount] = [:]
      for balance in balances {
        let amount = balance.amount
        totals[amount.unit] = totals[amount.unit].map { $0.adding(amount) ?? $0 } ?? amount
      }
      return totals.values.sorted { $0.unit.name < $1.unit.name }
    }

    private static func json(_ balances: [TreasuryBalance], _ totals: [Amount]) -> JSONText {
      .object([
        (
          "balances",
          .array(
            balances.map { balance in
              .object([
                ("mint", .string(balance.counterpart)), ("keyset", .string(balance.series)),
                ("amount", .unsigned(balance.amount.value)), ("unit", .string(balance.amount.unit.name)),
                ("proofs", .unsigned(balance.pieces)),
              ])
            })
        ),
        (
          "totals",
          .array(
            totals.map { .object([("amount", .unsigned($0.value)), ("unit", .string($0.unit.name))]) })
        ),
      ])
    }
  }
}
