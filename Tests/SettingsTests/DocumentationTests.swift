import Settings
import Foundation  // reads the page
import Testing

@Suite("docs/configuration.md")
struct DocumentationTests {
  /// The first cell of each row that names one thing in code.
  private static func names() throws -> [String] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
    return page.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("| `") else { return nil }
      return String(line.dropFirst(3).prefix { $0 != "`" })
    }
  }

  @Test("has a row for every key, and for no other")
  func keys() throws {
    let keys = try Self.names().filter { !$0.hasPrefix("TURNPIKE_") }
    #expect(Set(keys) == Set(Schema.keyPaths))
    #expect(keys.count == Schema.keyPaths.count)
  }

  @Test("has a row for every variable, and for no other")
  func variables() throws {
    let variables = try Self.names().filter { $0.hasPrefix("TURNPIKE_") }
    #expect(Set(variables) == Set(Variable.allCases.map(\.rawValue)))
  }
}
