internal import ArgumentParser
internal import Gate
internal import Store

/// `turnpike treasury balance`
struct TreasuryBalanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance",
    abstract: "Counts what was redeemed, by mint and keyset, and what is still to be redeemed.",
    discussion: "AMOUNT is free, LOCKED is in unfinished transfers; what mints still owe is listed below.")

  @OptionGroup var store: StoreOptions

  @Flag(help: "Print it as JSON: balances, totals, owed.")
  var json = false

  func run() async throws {
    let ledger = try self.store.open()
    let (balances, owed) = try await StoreOptions.orFail { () async throws(Outage) in
      (try await ledger.balances(), try await ledger.exposure())
    }
    let totals = Self.totals(of: balances.map(\.amount))
    if self.json {
      print(Self.json(balances, totals, owed).text)
      return
    }
    var table = TextTable("MINT", "KEYSET", "AMOUNT", "PROOFS", "LOCKED")
    for balance in balances {
      table.add(
        balance.counterpart, balance.series, "\(balance.amount)", "\(balance.pieces)",
        "\(Amount(balance.locked, balance.amount.unit))")
    }
    for total in totals { table.add("total", "", "\(total)", "", "") }
    print(table.text)
    guard !owed.isEmpty else { return }
    var waiting = TextTable("NOT YET OURS AT", "AMOUNT")
    for exposure in owed { waiting.add(exposure.counterpart, "\(exposure.amount)") }
    print("\n" + waiting.text)
  }

  /// One amount for each unit. What has no 64-bit sum is left out: there is not that much money.
  private static func totals(of amounts: [Amount]) -> [Amount] {
    var totals: [Amount.Unit: Amount] = [:]
    for amount in amounts {
      totals[amount.unit] = totals[amount.unit].map { $0.adding(amount) ?? $0 } ?? amount
    }
    return totals.values.sorted { $0.unit.name < $1.unit.name }
  }

  private static func json(_ balances: [TreasuryBalance], _ totals: [Amount], _ owed: [Exposure]) -> JSONText
  {
    .object([
      (
        "balances",
        .array(
          balances.map { balance in
            .object([
              ("mint", .string(balance.counterpart)), ("keyset", .string(balance.series)),
              ("amount", .unsigned(balance.amount.value)), ("unit", .string(balance.amount.unit.name)),
              ("proofs", .unsigned(balance.pieces)), ("locked", .unsigned(balance.locked)),
            ])
          })
      ),
      ("totals", .array(totals.map { .object($0.members) })),
      ("owed", .array(owed.map { .object([("by", .string($0.counterpart))] + $0.amount.members) })),
    ])
  }
}

extension Amount {
  /// As every command's JSON writes it.
  var members: [(String, JSONText)] {
    [("amount", .unsigned(self.value)), ("unit", .string(self.unit.name))]
  }
}
