/// What is wrong, or to be watched, in a configuration: where, and one sentence about it. Never holds a secret.
package struct Problem: Hashable, Sendable, CustomStringConvertible {
  /// The key path (`routes[2].price.sat`), or the name of an environment variable.
  package var path: String
  /// From 1; nil for an environment variable and for what is wrong with the file as a whole.
  package var line: Int?
  package var message: String

  package init(path: String, line: Int?, message: String) {
    self.path = path
    self.line = line
    self.message = message
  }

  package var description: String {
    let place = self.line.map { "line \($0): " } ?? ""
    return place + (self.path.isEmpty ? "" : self.path + ": ") + self.message
  }
}

/// All that keeps a configuration from being used.
package struct ConfigurationFault: Error, Hashable, Sendable, CustomStringConvertible {
  package var problems: [Problem]

  /// More would only push the first off the screen.
  private static let maxShown = 25

  package init(problems: [Problem]) { self.problems = problems }

  package var description: String {
    var lines = self.problems.prefix(Self.maxShown).map(\.description)
    if self.problems.count > Self.maxShown { lines.append("and \(self.problems.count - Self.maxShown) more") }
    return lines.joined(separator: "\n")
  }
}

/// A key in the file, or a variable of the environment.
struct Location: Hashable {
  var path: String
  var line: Int?

  func key(_ name: String, line: Int?) -> Location {
    Location(path: self.path.isEmpty ? name : self.path + "." + name, line: line ?? self.line)
  }

  func element(_ index: Int, line: Int?) -> Location {
    Location(path: self.path + "[\(index)]", line: line ?? self.line)
  }
}

/// Collects while a configuration is read, so that one run names every mistake. Used by one reader, then dropped.
final class Findings {
  private(set) var problems: [Problem] = []
  private(set) var warnings: [Problem] = []

  func refuse(_ message: String, at location: Location) {
    self.problems.append(Problem(path: location.path, line: location.line, message: message))
  }

  func warn(_ message: String, at location: Location) {
    self.warnings.append(Problem(path: location.path, line: location.line, message: message))
  }

  /// Throws everything that was refused, in the order of the file.
  func finish() throws(ConfigurationFault) {
    guard !self.problems.isEmpty else { return }
    let sorted = self.problems.enumerated().sorted { a, b in
      (a.element.line ?? 0, a.offset) < (b.element.line ?? 0, b.offset)
    }
    throw ConfigurationFault(problems: sorted.map(\.element))
  }
}
