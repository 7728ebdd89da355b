import Cashu
import Foundation
import JSON
import Octets
import Testing

/// The files of Tests/Vectors, read as they are: the official vectors are Markdown and stay unmodified.
enum Vectors {
  static func text(_ path: String, file: String = #filePath) throws -> String {
    let tests = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: tests.appending(path: "Vectors").appending(path: path), encoding: .utf8)
  }

  /// A section of a Markdown file: its headings from the outermost in, its lines of prose, and its fenced
  /// blocks.
  struct Section {
    var headings: [String]
    var prose: [String] = []
    var blocks: [String] = []
  }

  static func sections(_ path: String) throws -> [Section] {
    var sections = [Section(headings: [])]
    var block: [String]?
    for line in try self.text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    {
      if line.hasPrefix("```") {
        if let lines = block { sections[sections.count - 1].blocks.append(lines.joined(separator: "\n")) }
        block = block == nil ? [] : nil
      } else if block != nil {
        block?.append(line)
      } else if line.hasPrefix("#") {
        let level = line.prefix { $0 == "#" }.count
        let title = line.drop { $0 == "#" || $0 == " " }
        sections.append(
          Section(headings: sections[sections.count - 1].headings.prefix(level - 1) + [String(title)]))
      } else if !line.isEmpty {
        sections[sections.count - 1].prose.append(line)
      }
    }
    return sections
  }

  static func section(_ path: String, _ heading: String) throws -> Section {
    try #require(
      self.sections(path).first { $0.headings.contains { $0.hasPrefix(heading) } && !$0.blocks.isEmpty })
  }

  /// `name: value  # comment` lines of a block, in their order; quotes around values are dropped.
  static func pairs(_ block: String) -> [(name: String, value: String)] {
    block.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
      guard let colon = line.range(of: ": ") else { return nil }
      let value = line[colon.upperBound...].split(separator: "#").first.map(String.init) ?? ""
      let name = line[..<colon.lowerBound].trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
      return (name, value.trimmingCharacters(in: CharacterSet(charactersIn: "\", ")))
    }
  }

  /// The values of one name, in their order.
  static func values(_ name: String, in block: String) -> [String] {
    self.pairs(block).filter { $0.name == name }.map(\.value)
  }

  /// Lines that are neither comments nor empty.
  static func lines(_ block: String) -> [String] {
    block.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") && !$0.isEmpty }
  }

  static func json(_ text: String) throws -> JSON { try JSONReader.read(Array(text.utf8)) }
}

extension Vectors {
  static func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }
  static func point(_ hex: String) throws -> Point { try #require(Point(compressed: try self.bytes(hex))) }
  static func scalar(_ hex: String) throws -> Scalar { try #require(Scalar(try self.bytes(hex))) }
  static func hex(_ point: Point?) -> String? { point.map { Hex.encode($0.compressed) } }
}
