internal import Octets

/// A text of which the configuration shows at most where it comes from.
package struct Secret: Sendable, Equatable {
  /// How the file gave it.
  package enum Source: Sendable, Hashable {
    case written
    case variable(String)
    case file(String)
  }

  private let text: String
  package let source: Source

  package init(_ text: String, from source: Source = .written) {
    self.text = text
    self.source = source
  }

  /// For the one who sends it.
  package func reveal() -> String { self.text }

  /// As the file writes it, without the secret.
  var effectiveYAML: String {
    switch self.source {
    case .written: FlowYAML.text(ProxySecret.redacted)
    case .variable(let name): FlowYAML.mapping([("env", FlowYAML.text(name))])
    case .file(let path): FlowYAML.mapping([("file", FlowYAML.text(path))])
    }
  }

  package static func == (a: Secret, b: Secret) -> Bool {
    a.source == b.source && equalInConstantTime(a.text.utf8, b.text.utf8)
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { ProxySecret.redacted }
  package var debugDescription: String { ProxySecret.redacted }
  package var customMirror: Mirror { Mirror(self, children: [:]) }
}
