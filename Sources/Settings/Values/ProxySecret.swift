internal import Octets

/// A text that only its two ends may know; nothing prints it.
package struct ProxySecret: Sendable, Equatable {
  private let text: String

  package static let redacted = "<redacted>"
  /// A shorter one could be guessed.
  package static let minBytes = 16

  package enum Fault: Error, Hashable {
    case tooShort
    case notAFieldValue
    case redacted

    var sentence: String {
      switch self {
      case .tooShort: "needs \(ProxySecret.minBytes) bytes or more, as from `openssl rand -hex 32`"
      case .notAFieldValue: "may hold visible ASCII characters only: it travels in a header"
      case .redacted: "is what `turnpike check` prints in place of a secret; write the secret itself"
      }
    }
  }

  package init(_ text: String) throws(Fault) {
    guard text != Self.redacted else { throw .redacted }
    guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw .notAFieldValue }
    guard text.utf8.count >= Self.minBytes else { throw .tooShort }
    self.text = text
  }

  /// For the one who compares or sends it.
  package func reveal() -> String { self.text }

  package static func == (a: ProxySecret, b: ProxySecret) -> Bool {
    equalInConstantTime(a.text.utf8, b.text.utf8)
  }
}

extension ProxySecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { Self.redacted }
  package var debugDescription: String { Self.redacted }
  package var customMirror: Mirror { Mirror(self, children: [:]) }
}
