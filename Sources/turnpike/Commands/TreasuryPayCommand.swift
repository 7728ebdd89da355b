internal import ArgumentParser
internal import Cashu
internal import Gate

/// `turnpike treasury pay`
struct TreasuryPayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pay", abstract: "Pays a Lightning invoice.",
    discussion: """
      The mint pays it and takes ecash for it; what it does not need for fees comes back. An invoice whose payment is \
      not known to have failed must not be paid again.
      """)

  @OptionGroup var options: TreasuryOptions
  @OptionGroup var source: TreasurySource

  @Argument(help: "The invoice (BOLT 11), with an amount.")
  var invoice: String

  @Option(
    help: ArgumentHelp(
      "The most that may be set aside for fees, in the treasury's unit; else 2 % and at least 10.",
      valueName: "number"))
  var maxFee: UInt64?

  @Flag(help: "Print it as JSON: transfer, mint, amount, unit, fee, note.")
  var json = false

  func run() async throws {
    try await self.options.run { opened in
      let paid = try await opened.treasury.pay(self.invoice, from: self.source.mint, maxFee: self.maxFee)
      if self.json {
        print(
          JSONText.object(
            [("transfer", .string(paid.transfer.text)), ("mint", .string(paid.mint))] + paid.amount.members
              + [("fee", .unsigned(paid.fee)), ("note", .optional(paid.note))]
          ).text)
      } else {
        print("Paid \(paid.amount) from \(paid.mint), fee \(paid.fee); transfer \(paid.transfer)")
        if let note = paid.note { print(note) }
      }
    }
  }
}
