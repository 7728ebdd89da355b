internal import ArgumentParser

/// `turnpike dev pay|facilitator`
struct DevCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev",
    abstract: "For trying out only: a payer and a facilitator that take no real money.",
    subcommands: [Pay.self, Facilitator.self])
}
