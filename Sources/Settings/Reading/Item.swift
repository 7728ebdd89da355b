internal import Yams

/// A value as written, and where. Readers answer nil after they have said what is wrong with it.
struct Item {
  let node: Node
  let location: Location
  let findings: Findings

  func below(_ node: Node, at location: Location) -> Item {
    Item(node: node, location: location, findings: self.findings)
  }

  func refuse(_ message: String) { self.findings.refuse(message, at: self.location) }
  func warn(_ message: String) { self.findings.warn(message, at: self.location) }

  /// The elements of a list; nil, without a word, for anything else.
  var sequence: [Item]? {
    guard case .sequence(let sequence) = self.node else { return nil }
    return sequence.enumerated().map { index, node in
      self.below(node, at: self.location.element(index, line: node.mark?.line))
    }
  }

  // MARK: Values

  /// Any scalar but an empty one.
  func text() -> String? {
    guard case .scalar(let scalar) = self.node else { return self.refuseKind("a text") }
    guard !self.isNull, !scalar.string.isEmpty else {
      self.refuse("has no value; leave the key out to have the default")
      return nil
    }
    guard !scalar.string.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      self.refuse("holds a control character")
      return nil
    }
    return scalar.string
  }

  /// A whole number within `range`, in digits.
  func integer(_ range: ClosedRange<UInt64>) -> UInt64? {
    guard case .scalar(let scalar) = self.node, !self.isNull else { return self.refuseKind("a whole number") }
    guard scalar.style == .plain || scalar.style == .any,
      scalar.string.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
      let value = UInt64(scalar.string)
    else {
      self.refuse("expected a whole number, found \(Self.quote(scalar.string))")
      return nil
    }
    guard range.contains(value) else {
      self.refuse("must be from \(range.lowerBound) to \(range.upperBound), is \(value)")
      return nil
    }
    return value
  }

  func flag() -> Bool? {
    guard case .scalar(let scalar) = self.node else { return self.refuseKind("`true` or `false`") }
    switch scalar.string {
    case "true": return true
    case "false": return false
    default:
      self.refuse("expected `true` or `false`, found \(Self.quote(scalar.string))")
      return nil
    }
  }

  func duration(_ range: ClosedRange<Duration>) -> Duration? {
    guard let text = self.text() else { return nil }
    guard let duration = DurationText.parse(text) else {
      let hint = text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? "; write its unit, as `\(text)s`" : ""
      self.refuse("expected a duration such as `500ms`, `29s` or `1h30m`, found \(Self.quote(text))\(hint)")
      return nil
    }
    guard range.contains(duration) else {
      let (least, most) = (DurationText.format(range.lowerBound), DurationText.format(range.upperBound))
      self.refuse("must be from \(least) to \(most), is \(DurationText.format(duration))")
      return nil
    }
    return duration
  }

  /// One of the words of `Choice`.
  func choice<Choice: CaseIterable & RawRepresentable<String>>(_: Choice.Type) -> Choice? {
    guard let text = self.text() else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    let list = words.map { "`\($0)`" }.joined(separator: ", ")
    self.refuse("expected \(list), found \(Self.quote(text))\(Spelling.hint(for: text, among: words))")
    return nil
  }

  func list() -> [Item]? {
    if let sequence = self.sequence { return sequence }
    return self.refuseKind("a list")
  }

  // MARK: Messages

  /// What a person may have written there, short enough for a line. Not for secrets.
  static func quote(_ text: String) -> String {
    let maxShown = 60
    let shown = text.unicodeScalars.prefix(maxShown).map { $0.value < 0x20 ? " " : String($0) }.joined()
    return "`\(shown)\(text.unicodeScalars.count > maxShown ? "…" : "")`"
  }

  func refuseKind<Value>(_ expected: String) -> Value? {
    let found =
      switch self.node {
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      case .scalar(let scalar): self.isNull ? "nothing" : Self.quote(scalar.string)
      }
    self.refuse("expected \(expected), found \(found)")
    return nil
  }

  private var isNull: Bool {
    guard case .scalar(let scalar) = self.node, scalar.style == .plain || scalar.style == .any else {
      return false
    }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }
}
