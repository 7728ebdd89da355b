internal import Gate
internal import JSON

/// The JSON that a refused client reads: `error`, `reason`, and where they exist `amount`, `unit`, `sells`, `payment` and
/// what the schemes add.
struct ReasonBody {
  /// A status with its reason phrase (RFC 9110 §15).
  enum Phrase: String {
    case badRequest = "Bad Request"
    case unauthorized = "Unauthorized"
    case paymentRequired = "Payment Required"
    case forbidden = "Forbidden"
    case notFound = "Not Found"
    case conflict = "Conflict"
    case tooManyRequests = "Too Many Requests"
    case unavailable = "Service Unavailable"

    var status: UInt16 {
      switch self {
      case .badRequest: 400
      case .unauthorized: 401
      case .paymentRequired: 402
      case .forbidden: 403
      case .notFound: 404
      case .conflict: 409
      case .tooManyRequests: 429
      case .unavailable: 503
      }
    }
  }

  let phrase: Phrase
  private let reason: String?
  /// The least amount that helps.
  var amount: Amount?
  /// What is bought, where the amount does not say it.
  var sells: String?
  var payment: PaymentID?
  /// Of the schemes, in their order; a name that stands already is left out.
  var members: [Challenge.Member] = []
  /// Header fields of a challenge that the head had no room for.
  var unplaced: [Challenge.Field] = []

  init(_ phrase: Phrase, reason: String? = nil) {
    self.phrase = phrase
    self.reason = reason
  }

  var json: [UInt8] {
    let record = JSON.record([
      "error": .string(self.phrase.rawValue),
      "reason": self.reason.map { .string($0) },
      "amount": self.amount.map { .unsigned($0.value) },
      "unit": self.amount.map { .string($0.unit.name) },
      "sells": self.sells.map { .string($0) },
      "payment": self.payment.map { .string($0.text) },
      "headers": self.unplaced.isEmpty
        ? nil : .object(self.unplaced.map { JSON.Member(name: $0.name, value: .string($0.value)) }),
    ])
    var names = Set(record.members?.map(\.name) ?? [])
    var out = JSONWriter.write(record)
    for member in self.members where names.insert(member.name).inserted {
      // A scheme's text is its own JSON; one that is none would spoil what the others say.
      guard (try? JSONReader.read(Array(member.json.utf8))) != nil else { continue }
      out.removeLast()
      out += ",".utf8 + JSONWriter.write(.string(member.name)) + ":".utf8 + member.json.utf8 + "}".utf8
    }
    return out + "\n".utf8
  }
}
