internal import ArgumentParser
internal import ExtAuthz
internal import Settings

/// `turnpike check FILE`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks a configuration file and prints the configuration in force.",
    discussion: """
      The file is read as `serve` reads it, under the TURNPIKE_ variables that are set. Defaults are written out, \
      secrets are not. Exit codes: 0 good, 78 not.
      """
  )

  @Argument(help: "The configuration file.")
  var file: String

  @Flag(help: "Print what was found as JSON: valid, problems, warnings, configuration.")
  var json = false

  func run() throws {
    let file = ConfigurationFile(path: self.file)
    let reading = Self.weighed(file.read())
    if self.json { print(Self.json(reading).text) }
    switch reading {
    case .good(let outcome):
      guard !self.json else { return }
      for warning in outcome.warnings { Complaint.say(file.line("warning", warning)) }
      print(outcome.configuration.effectiveYAML, terminator: "")
      return
    case .unreadable(let reason): Complaint.say("\(self.file): \(reason)")
    case .faulty(let problems): Complaint.say(file.explain(problems))
    }
    throw ConfigurationFile.faultyConfiguration
  }

  /// With what only the parts themselves know: a challenge too long for a proxy to read.
  private static func weighed(_ reading: ConfigurationFile.Reading) -> ConfigurationFile.Reading {
    guard case .good(var outcome) = reading else { return reading }
    outcome.warnings += outcome.configuration.challengeOverflows.map { overflow in
      let fields = overflow.fields.map { "`\($0)`" }.joined(separator: ", ")
      return Problem(
        path: "routes", line: nil,
        message:
          "the 402 of `\(overflow.route)` would have \(overflow.bytes) bytes of headers, more than proxies read; it "
          + "goes without \(fields): name fewer mints or assets")
    }
    return .good(outcome)
  }

  private static func json(_ reading: ConfigurationFile.Reading) -> JSONText {
    var problems: [Problem] = []
    var warnings: [Problem] = []
    var effective: String?
    switch reading {
    case .good(let outcome): (warnings, effective) = (outcome.warnings, outcome.configuration.effectiveYAML)
    case .unreadable(let reason): problems = [Problem(path: "", line: nil, message: reason)]
    case .faulty(let found): problems = found
    }
    return .object([
      ("valid", .flag(effective != nil)), ("problems", .array(problems.map(Self.json))),
      ("warnings", .array(warnings.map(Self.json))), ("configuration", .optional(effective)),
    ])
  }

  private static func json(_ problem: Problem) -> JSONText {
    .object([
      ("key", .string(problem.path)), ("line", problem.line.map { .integer(Int64($0)) } ?? .null),
      ("message", .string(problem.message)),
    ])
  }
}
