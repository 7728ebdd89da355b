internal import Octets
internal import Transport

/// The `public` listener: what anyone may ask. No adapter answers here (design §6).
struct PublicService: HTTPService {
  func intake(for request: HTTPRequest) -> Intake { .whole(maxBytes: 64 * 1024) }

  func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    let path = request.target.prefix { $0 != ASCII.question }
    guard path.elementsEqual("/healthz".utf8) else { return .now(Self.json(404, #"{"error":"not found"}"#)) }
    guard request.method.elementsEqual("GET".utf8) || request.method.elementsEqual("HEAD".utf8) else {
      return .now(Self.json(405, #"{"error":"method not allowed"}"#))
    }
    return .now(Self.json(200, #"{"status":"healthy","service":"turnpike","version":"\#(Version.text)"}"#))
  }

  private static func json(_ status: UInt16, _ text: String) -> HTTPResponse {
    var fields = FieldList()
    fields.append("content-type", "application/json".utf8)
    fields.append("cache-control", "no-store".utf8)
    return HTTPResponse(status: status, fields: fields, body: Array(text.utf8))
  }
}
