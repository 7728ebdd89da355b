internal import Yams

/// A mapping whose keys are those of `Key`; any other is refused as it is opened.
struct Section<Key: KeySet> {
  let location: Location
  let findings: Findings
  private let items: [Key: Item]

  /// Nil when the item is no mapping.
  init?(_ item: Item) {
    guard case .mapping(let mapping) = item.node else {
      let keys = Key.allCases.map(\.rawValue).joined(separator: ", ")
      let _: Never? = item.refuseKind("a mapping with some of the keys \(keys)")
      return nil
    }
    var items: [Key: Item] = [:]
    for (name, value) in mapping {
      guard let text = name.string else {
        item.refuse("holds a key that is no text")
        continue
      }
      let location = item.location.key(text, line: name.mark?.line)
      if let key = Key(rawValue: text) {
        items[key] = item.below(value, at: location)
      } else if !text.hasPrefix(Document.substitutePrefix) {
        item.findings.refuse("unknown key\(Self.hint(for: text, in: item.location.path))", at: location)
      }
    }
    self.location = item.location
    self.findings = item.findings
    self.items = items
  }

  /// A section that is not in the file.
  init(absentAt location: Location, _ findings: Findings) {
    self.location = location
    self.findings = findings
    self.items = [:]
  }

  func item(_ key: Key) -> Item? { self.items[key] }

  /// Nil, and refused, when it is absent.
  func required(_ key: Key) -> Item? {
    if let item = self.items[key] { return item }
    self.findings.refuse("`\(key.rawValue)` is missing", at: self.location)
    return nil
  }

  /// Where `key` is, or would be.
  func location(of key: Key) -> Location {
    self.items[key]?.location ?? self.location.key(key.rawValue, line: nil)
  }

  private static func hint(for word: String, in path: String) -> String {
    let keys = Key.allCases.map(\.rawValue)
    if let nearest = Spelling.nearest(to: word, among: keys) { return "; did you mean `\(nearest)`?" }
    if let elsewhere = Schema.keyPaths.first(where: { $0.hasSuffix("." + word) || $0 == word }) {
      return "; did you mean `\(elsewhere)`?"
    }
    return "; known here: \(keys.joined(separator: ", "))"
  }
}
