internal import ArgumentParser
internal import Cashu
internal import Gate

/// `turnpike treasury export`
struct TreasuryExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Takes money out as a Cashu token.",
    discussion: """
      Prints the token, which is money: whoever reads it first has it. It is in the book before it is printed; \
      `--again TRANSFER` prints it once more.
      """)

  @OptionGroup var options: TreasuryOptions
  @OptionGroup var source: TreasurySource

  @Option(help: ArgumentHelp("How much, in the treasury's unit.", valueName: "number"))
  var amount: UInt64?

  @Option(
    help: ArgumentHelp(
      "The unit that the amount is meant in; refused when it is not the treasury's.", valueName: "unit"))
  var unit: String?

  @Option(help: ArgumentHelp("An export whose token is printed again.", valueName: "transfer"))
  var again: String?

  @Flag(help: "Print it as JSON: transfer, mint, amount, unit, fee, token.")
  var json = false

  func validate() throws {
    guard (self.amount == nil) != (self.again == nil) else {
      throw ValidationError("give either --amount or --again")
    }
    if self.amount == 0 { throw ValidationError("--amount must be at least 1") }
  }

  func run() async throws {
    try await self.options.run { opened in
      if let unit = self.unit, unit != opened.unit.name {
        throw ValidationError("--unit: this treasury is in \(opened.unit.name)")
      }
      let exported: Treasury.Exported
      if let again = self.again {
        exported = try await opened.treasury.again(PaymentID(again.lowercased()))
      } else {
        exported = try await opened.treasury.export(self.amount ?? 0, from: self.source.mint)
      }
      self.show(exported)
    }
  }

  private func show(_ exported: Treasury.Exported) {
    if self.json {
      print(
        JSONText.object(
          [("transfer", .string(exported.transfer.text)), ("mint", .string(exported.mint))]
            + exported.amount.members
            + [("fee", .unsigned(exported.fee)), ("token", .string(exported.token))]
        ).text)
    } else {
      Complaint.say(
        "\(exported.amount) of \(exported.mint), fee \(exported.fee); transfer \(exported.transfer)")
      print(exported.token)
    }
  }
}
