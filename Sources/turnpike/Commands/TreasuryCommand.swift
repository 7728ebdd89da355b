internal import ArgumentParser

/// `turnpike treasury balance|transfers|export|pay|restore|seed`
struct TreasuryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "treasury", abstract: "Counts what was redeemed, and moves it.",
    discussion: """
      All of them work while Turnpike serves. What moves money is written down before it is done, so that a crash loses \
      nothing. Exit codes: 0 done, 1 not done and nothing left, 75 begun and its end not known: do not repeat it, \
      `turnpike treasury transfers --finish` finds out.
      """,
    subcommands: [
      TreasuryBalanceCommand.self, TreasuryTransfersCommand.self, TreasuryExportCommand.self,
      TreasuryPayCommand.self,
      TreasuryRestoreCommand.self, TreasurySeedCommand.self,
    ])
}
