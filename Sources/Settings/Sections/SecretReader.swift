internal import Yams

/// Reads a secret: the text itself, `{ env: NAME }` or `{ file: PATH }`.
struct SecretReader {
  let surroundings: Surroundings

  func read(_ item: Item) -> Secret? {
    guard case .mapping = item.node else {
      return item.text().flatMap { self.secret($0, .written, item) }
    }
    guard let section = Section<SecretKey>(item) else { return nil }
    switch (section.item(.env), section.item(.file)) {
    case (let name?, nil):
      guard let word = name.text() else { return nil }
      guard let text = self.surroundings.value(word) else {
        name.refuse("the variable `\(word)` is not set")
        return nil
      }
      return self.secret(text, .variable(word), name)
    case (nil, let file?):
      guard let path = file.text(), let bytes = self.surroundings.secret(inFileAt: file) else { return nil }
      let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
      return self.secret(String(decoding: line, as: UTF8.self), .file(path), file)
    default:
      item.refuse("expected one of `env` and `file`")
      return nil
    }
  }

  /// It travels in a header field or a connection's first message: visible characters, and spaces between them.
  private func secret(_ text: String, _ source: Secret.Source, _ item: Item) -> Secret? {
    guard text != ProxySecret.redacted else {
      item.refuse(ProxySecret.Fault.redacted.sentence)
      return nil
    }
    guard !text.isEmpty, text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }), text.utf8.first != 0x20 else {
      item.refuse("is empty or holds characters that cannot be sent")
      return nil
    }
    return Secret(text, from: source)
  }
}
