internal import Yams

/// One YAML file as a tree of nodes that know their lines.
enum Document {
  /// A table of 100 000 routes has about 10 MB.
  static let maxBytes = 64 * 1024 * 1024
  /// Keys written twice that are named in one run.
  private static let maxDuplicates = 16

  /// Nil when it is empty or no YAML, which `findings` then say.
  static func compose(_ yaml: String, _ findings: Findings) -> Item? {
    guard yaml.utf8.count <= self.maxBytes else {
      findings.refuse("the file is longer than \(self.maxBytes) bytes", at: Location(path: "", line: nil))
      return nil
    }
    var text = yaml
    var duplicates: [Duplicate] = []
    while true {
      do {
        guard let node = try Yams.compose(yaml: text) else {
          // Nobody means it: the path is wrong, or a disk was full.
          findings.refuse("the file is empty", at: Location(path: "", line: nil))
          return nil
        }
        let root = Item(node: node, location: Location(path: "", line: node.mark?.line), findings: findings)
        for duplicate in duplicates { duplicate.report(in: root) }
        return root
      } catch YamlError.duplicatedKeysInMapping(let names, let context) {
        // Yams names no path and stops. With the first of the two renamed the tree can be read, and the other found.
        let line = context.mark.line
        guard let name = names.first, duplicates.count < self.maxDuplicates,
          let marked = self.rename(name, at: context.mark, in: text, number: duplicates.count)
        else {
          findings.refuse(
            "a key is written twice", at: Location(path: names.joined(separator: ", "), line: line))
          return nil
        }
        duplicates.append(Duplicate(name: name, substitute: marked.substitute, firstLine: line))
        text = marked.text
      } catch {
        let (line, message) = self.explain(error)
        findings.refuse(message, at: Location(path: "", line: line))
        return nil
      }
    }
  }

  /// A key that one mapping holds twice.
  private struct Duplicate {
    var name: String
    var substitute: String
    var firstLine: Int

    func report(in item: Item) {
      if case .mapping(let mapping) = item.node {
        if mapping.contains(where: { $0.key.string == self.substitute }) {
          let second = mapping.first { $0.key.string == self.name }
          let location = item.location.key(self.name, line: second?.key.mark?.line)
          item.findings.refuse("is written twice; the first is on line \(self.firstLine)", at: location)
          return
        }
        for (key, value) in mapping {
          guard let name = key.string else { continue }
          self.report(in: item.below(value, at: item.location.key(name, line: key.mark?.line)))
        }
      }
      for element in item.sequence ?? [] { self.report(in: element) }
    }
  }

  /// Marks start with this; `Section` passes over them.
  static let substitutePrefix = "duplicate-of-"

  private static func rename(
    _ name: String, at mark: Mark, in text: String, number: Int
  ) -> (text: String, substitute: String)? {
    // By bytes: as characters, CR LF is one and no line end.
    var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { Substring($0) }
    guard lines.indices.contains(mark.line - 1) else { return nil }
    let scalars = Array(lines[mark.line - 1].unicodeScalars)
    let rest = scalars.dropFirst(mark.column - 1)
    let written = Array(name.unicodeScalars)
    // A quoted or escaped key has no such form; then the line alone must do.
    guard rest.starts(with: written) else { return nil }
    let substitute = "\(self.substitutePrefix)\(number)-\(name)"
    var line = String.UnicodeScalarView()
    line.append(contentsOf: scalars.prefix(mark.column - 1))
    line.append(contentsOf: substitute.unicodeScalars)
    line.append(contentsOf: rest.dropFirst(written.count))
    lines[mark.line - 1] = Substring(String(line))
    return (lines.joined(separator: "\n"), substitute)
  }

  private static func explain(_ error: any Error) -> (line: Int?, message: String) {
    switch error {
    case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      (mark.line, "is not YAML: \(problem)")
    case YamlError.reader(let problem, _, _, _): (nil, "is not YAML: \(problem)")
    default: (nil, "is not YAML")
    }
  }
}
