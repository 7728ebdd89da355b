internal import ArgumentParser
// The only typed way to the environment of the process; read here once and handed on.
internal import Foundation
internal import Settings

/// The configuration file of a command, read under the process's environment.
struct ConfigurationFile {
  /// sysexits.h, `EX_CONFIG`.
  static let faultyConfiguration = ExitCode(78)

  let path: String

  static var environment: [String: String] { ProcessInfo.processInfo.environment }

  /// What reading comes to; nothing is printed.
  enum Reading {
    case good(ConfigurationReader.Outcome)
    /// The file is not there, or is no text.
    case unreadable(String)
    case faulty([Problem])
  }

  func read(environment: [String: String] = Self.environment) -> Reading {
    let bytes: [UInt8]
    do throws(UnreadableFile) {
      bytes = try SmallFile.read(self.path).bytes
    } catch {
      return .unreadable(error.reason)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { return .unreadable("is not UTF-8") }
    let surroundings = Surroundings(environment: environment, isOpenToAll: SmallFile.isOpenToAll) {
      path throws(UnreadableFile) in try SmallFile.read(path).bytes
    }
    do throws(ConfigurationFault) {
      return .good(try ConfigurationReader.read(text, surroundings: surroundings))
    } catch {
      return .faulty(error.problems)
    }
  }

  /// Who hears what starts but may not be what was meant.
  enum Warnings { case said, unsaid }

  /// The configuration; for commands that cannot go on without one.
  func load(warnings: Warnings = .unsaid) throws -> ServerConfiguration {
    switch self.read() {
    case .good(let outcome):
      if warnings == .said {
        for warning in outcome.warnings { Complaint.say(self.line("warning", warning)) }
      }
      return outcome.configuration
    case .unreadable(let reason):
      Complaint.say("\(self.path): \(reason)")
    case .faulty(let problems):
      Complaint.say(self.explain(problems))
    }
    throw Self.faultyConfiguration
  }

  /// One line each, as compilers write them: `FILE:LINE: error: key: what`.
  func explain(_ problems: [Problem]) -> String {
    let maxShown = 25
    var lines = problems.prefix(maxShown).map { self.line("error", $0) }
    if problems.count > maxShown { lines.append("and \(problems.count - maxShown) more") }
    return lines.joined(separator: "\n")
  }

  func line(_ kind: String, _ problem: Problem) -> String {
    let place = problem.line.map { "\(self.path):\($0): " } ?? "\(self.path): "
    return place + "\(kind): " + (problem.path.isEmpty ? "" : problem.path + ": ") + problem.message
  }
}
