internal import Digest
internal import Gate
internal import JSON
internal import Octets

/// The extension `payment-identifier`: a name that the payer chooses, so that one purchase is paid once.
struct PaymentIdentifier: Sendable, Equatable {
  static let key = "payment-identifier"
  private static let lengths = 16...128

  let text: String

  init?(_ text: String) {
    guard Self.lengths.contains(text.utf8.count),
      text.utf8.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.dash || $0 == 0x5F })
    else { return nil }
    self.text = text
  }

  /// Names are each payer's own: a stranger who pays under a name that he guessed takes it from nobody.
  func name(by payer: String?) -> PaymentName {
    PaymentName(SHA256.hash(Array("turnpike x402 \(Self.key) \(payer ?? "") \(self.text)".utf8)))
  }

  /// What a 402 says of it: nobody needs one.
  static let declaration = JSON.record([
    "info": .record(["required": .bool(false)]),
    "schema": .record([
      "type": .string("object"),
      "properties": .record([
        "required": .record(["type": .string("boolean")]),
        "id": .record([
          "type": .string("string"), "minLength": .unsigned(16), "maxLength": .unsigned(128),
          "pattern": .string("^[a-zA-Z0-9_-]+$"),
        ]),
      ]),
      "required": .array([.string("required")]),
    ]),
  ])
}
