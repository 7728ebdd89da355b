internal import ArgumentParser

/// The program: subcommands only.
@main
struct Turnpike: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "turnpike",
    abstract: "Answers a proxy: may this request pass?",
    discussion: """
      Exit codes: 0 done, 1 no or failed, 64 bad usage, 75 begun and its end not known (`treasury`), 78 bad configuration.
      """,
    version: Version.text,
    subcommands: [
      ServeCommand.self, CheckCommand.self, LedgerCommand.self, TreasuryCommand.self, WorkloadCommand.self,
      DevCommand.self,
      VersionCommand.self,
    ]
  )
}
