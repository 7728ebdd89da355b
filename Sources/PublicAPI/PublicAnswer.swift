internal import ExtAuthz
internal import JSON
internal import Octets
internal import Transport

/// Answers of the public API: JSON, or a page for a person. None is stored; any page may read them, since nothing here
/// goes by cookies.
enum PublicAnswer {
  /// What the client did wrong before money came into it; the raw value is the reason code.
  enum Fault: String, Error {
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case unsupportedMediaType = "unsupported_media_type"
    case badRequest = "bad_request"
    case hostMissing = "host_missing"
    case unknownPayment = "unknown_payment"
    case unknownInvoice = "unknown_invoice"
    case noInvoices = "no_invoices"
    case tooManyRequests = "too_many_requests"
    case noWorkloads = "no_workloads"
    case unknownWorkload = "unknown_workload"
    /// No pass, payment or secret that opens this.
    case unauthorized = "unauthorized"
    /// Not its owner's.
    case forbidden = "not_yours"
    case badWish = "bad_wish"
    case grantInvalid = "grant_invalid"
    /// It ended; unused time is its payment's credit.
    case workloadOver = "workload_over"
    case workloadFailed = "workload_failed"

    var status: UInt16 {
      switch self {
      case .notFound, .unknownPayment, .unknownInvoice, .noInvoices, .noWorkloads, .unknownWorkload: 404
      case .methodNotAllowed: 405
      case .unsupportedMediaType: 415
      case .badRequest, .badWish, .hostMissing: 400
      case .unauthorized: 401
      case .forbidden, .grantInvalid: 403
      case .workloadOver: 410
      case .tooManyRequests: 429
      case .workloadFailed: 503
      }
    }

    var text: String {
      switch self {
      case .notFound: "Not Found"
      case .methodNotAllowed: "Method Not Allowed"
      case .unsupportedMediaType: "Unsupported Media Type"
      case .badRequest, .badWish, .hostMissing: "Bad Request"
      case .unknownPayment, .unknownInvoice, .noInvoices, .noWorkloads, .unknownWorkload: "Not Found"
      case .tooManyRequests: "Too Many Requests"
      case .unauthorized: "Unauthorized"
      case .forbidden, .grantInvalid: "Forbidden"
      case .workloadOver: "Gone"
      case .workloadFailed: "Service Unavailable"
      }
    }
  }

  static func json(_ status: UInt16, _ value: JSON, _ more: FieldList = FieldList()) -> HTTPResponse {
    var fields = self.common("application/json")
    for index in 0..<more.count { fields.append(name: more[index].name, value: more[index].value) }
    return HTTPResponse(status: status, fields: fields, body: JSONWriter.write(value) + [ASCII.lineFeed])
  }

  /// - Parameter message: for people; nil where the reason says it.
  static func fault(_ fault: Fault, _ more: FieldList = FieldList(), message: String? = nil) -> HTTPResponse {
    self.json(
      fault.status,
      .record([
        "error": .string(fault.text), "reason": .string(fault.rawValue),
        "message": message.map { .string($0) },
      ]), more)
  }

  /// - Parameter reason: of the pass.
  static func unauthorized(_ reason: String, _ more: FieldList) -> HTTPResponse {
    self.json(401, .record(["error": .string("Unauthorized"), "reason": .string(reason)]), more)
  }

  static func text(_ status: UInt16, _ text: String, _ more: FieldList = FieldList()) -> HTTPResponse {
    var fields = self.common("text/plain; charset=utf-8")
    for index in 0..<more.count { fields.append(name: more[index].name, value: more[index].value) }
    return HTTPResponse(status: status, fields: fields, body: Array(text.utf8))
  }

  static func page(_ frame: PageFrame, _ more: FieldList = FieldList()) -> HTTPResponse {
    let (html, policy) = frame.write()
    var fields = self.common("text/html; charset=utf-8")
    fields.append("content-security-policy", policy.utf8)
    fields.append("referrer-policy", "no-referrer".utf8)
    for index in 0..<more.count { fields.append(name: more[index].name, value: more[index].value) }
    return HTTPResponse(status: 200, fields: fields, body: Array(html.utf8))
  }

  /// See other, by GET (RFC 9110 §15.4.4).
  static func seeOther(_ location: String) -> HTTPResponse {
    var fields = FieldList()
    fields.append("cache-control", "no-store".utf8)
    fields.append("location", location.utf8)
    return HTTPResponse(status: 303, fields: fields)
  }

  /// What a page of another origin may send here (Fetch standard, CORS-preflight request).
  static func preflight(_ methods: String, _ credentials: [StaticString]) -> HTTPResponse {
    var fields = FieldList()
    fields.append("access-control-allow-origin", "*".utf8)
    fields.append("access-control-allow-methods", methods.utf8)
    let names = Set((["authorization", "content-type", "turnpike-pass"] + credentials).map(\.description))
      .sorted()
    fields.append("access-control-allow-headers", names.joined(separator: ", ").utf8)
    fields.append("access-control-max-age", "600".utf8)
    return HTTPResponse(status: 204, fields: fields)
  }

  /// A gate's answer, for pages of any origin.
  static func open(_ response: HTTPResponse) -> HTTPResponse {
    var open = response
    if !open.fields.contains("access-control-allow-origin") { self.openUp(&open.fields) }
    return open
  }

  private static func openUp(_ fields: inout FieldList) {
    fields.append("access-control-allow-origin", "*".utf8)
    fields.append("access-control-expose-headers", "*".utf8)
  }

  private static func common(_ type: String) -> FieldList {
    var fields = FieldList()
    fields.append("content-type", type.utf8)
    fields.append("cache-control", "no-store".utf8)
    fields.append("x-content-type-options", "nosniff".utf8)
    self.openUp(&fields)
    return fields
  }
}
