internal import Gate

/// The JSON that a refused client reads: `error`, `reason`, and where they exist `amount`, `unit` and `payment`.
struct ReasonBody {
  /// A status with its reason phrase (RFC 9110 §15).
  enum Phrase: String {
    case badRequest = "Bad Request"
    case unauthorized = "Unauthorized"
    case paymentRequired = "Payment Required"
    case forbidden = "Forbidden"
    case notFound = "Not Found"
    case conflict = "Conflict"
    case unavailable = "Service Unavailable"

    var status: UInt16 {
      switch self {
      case .badRequest: 400
      case .unauthorized: 401
      case .paymentRequired: 402
      case .forbidden: 403
      case .notFound: 404
      case .conflict: 409
      case .unavailable: 503
      }
    }
  }

  private let phrase: Phrase
  private let reason: String?
  /// The least amount that helps.
  var amount: Amount?
  var payment: PaymentID?

  init(_ phrase: Phrase, reason: String? = nil) {
    self.phrase = phrase
    self.reason = reason
  }

  var json: [UInt8] {
    var out = #"{"error":"# + Self.quoted(self.phrase.rawValue)
    if let reason = self.reason { out += #","reason":"# + Self.quoted(reason) }
    if let amount = self.amount {
      out += #","amount":\#(amount.value),"unit":"# + Self.quoted(amount.unit.name)
    }
    if let payment = self.payment { out += #","payment":"# + Self.quoted(payment.text) }
    return Array((out + "}\n").utf8)
  }

  /// A JSON string (RFC 8259 §7).
  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        out.unicodeScalars.append("\\")
        out.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
