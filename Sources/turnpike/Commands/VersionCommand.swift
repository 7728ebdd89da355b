internal import ArgumentParser

/// `turnpike version`
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

  @Flag(help: "Print it as JSON.")
  var json = false

  func run() {
    print(self.json ? JSONText.object([("version", .string(Version.text))]).text : "turnpike \(Version.text)")
  }
}
