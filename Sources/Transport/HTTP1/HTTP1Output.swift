internal import NIOCore
internal import Octets

/// The bytes of HTTP/1 answers on their way out.
struct HTTP1Output {
  /// How the body of the answer being streamed is framed.
  private enum Streamed {
    case no
    case chunked(keepsAlive: Bool)
    /// Until the connection closes, for HTTP/1.0.
    case untilClose
    /// HEAD, 204 and 304: parts are dropped.
    case none(keepsAlive: Bool)
  }

  /// What an idle connection keeps of its buffer.
  private static let maxKeptBytes = 8 * 1024

  private var bytes: [UInt8] = []
  var answers: [AnswerMark] = []
  private var streamed = Streamed.no

  var count: Int { self.bytes.count }
  var isEmpty: Bool { self.bytes.isEmpty }

  /// A streamed answer has begun and not ended.
  var isInsideAnswer: Bool {
    if case .no = self.streamed { false } else { true }
  }

  mutating func append(_ text: StaticString) {
    unsafe self.bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A whole answer, which goes out in one write.
  mutating func append(_ answer: HTTPResponse, to request: HTTPRequest, keepsAlive: Bool) {
    var answer = answer
    var fields = answer.wireFields(length: answer.body.count)
    if fields == nil || !(200...999).contains(answer.status) || answer.grpcStatus != nil {
      // The service made an invalid answer; what it meant must not go out half.
      answer = HTTPResponse(status: 500, onDelivery: answer.onDelivery)
      fields = answer.wireFields(length: 0)
    }
    if let onDelivery = answer.onDelivery {
      self.answers.append(AnswerMark(offset: self.bytes.count, onDelivery: onDelivery))
    }
    self.appendHead(answer.status, fields ?? FieldList(), version: request.version, keepsAlive: keepsAlive)
    if answer.mayHaveBody, !request.method.matches("HEAD") {
      self.bytes.append(contentsOf: answer.body)
    }
  }

  mutating func beginStream(_ head: HTTPResponse, to request: HTTPRequest, keepsAlive: Bool) {
    guard var fields = head.wireFields(length: nil), (200...999).contains(head.status) else {
      self.appendHead(500, FieldList(), version: request.version, keepsAlive: false)
      self.streamed = .none(keepsAlive: false)
      return
    }
    if !head.mayHaveBody || request.method.matches("HEAD") {
      self.streamed = .none(keepsAlive: keepsAlive)
    } else if request.version == .http1_1 {
      fields.append("transfer-encoding", "chunked".utf8)
      self.streamed = .chunked(keepsAlive: keepsAlive)
    } else {
      self.streamed = .untilClose
    }
    let stays = if case .untilClose = self.streamed { false } else { keepsAlive }
    self.appendHead(head.status, fields, version: request.version, keepsAlive: stays)
  }

  mutating func appendPart(_ part: ArraySlice<UInt8>) {
    switch self.streamed {
    case .chunked:
      self.bytes.append(contentsOf: String(part.count, radix: 16).utf8)
      self.append("\r\n")
      self.bytes.append(contentsOf: part)
      self.append("\r\n")
    case .untilClose: self.bytes.append(contentsOf: part)
    case .none, .no: break
    }
  }

  /// Ends a streamed answer; true when the connection may be used again.
  mutating func endStream() -> Bool {
    defer { self.streamed = .no }
    switch self.streamed {
    case .chunked(let keepsAlive):
      self.append("0\r\n\r\n")
      return keepsAlive
    case .none(let keepsAlive): return keepsAlive
    case .untilClose, .no: return false
    }
  }

  mutating func move(to out: inout ByteBuffer, answers: inout [AnswerMark]) {
    guard !self.bytes.isEmpty else { return }
    out.writeBytes(self.bytes)
    self.bytes.removeAll(keepingCapacity: self.bytes.capacity <= Self.maxKeptBytes)
    answers.append(contentsOf: self.answers)
    self.answers.removeAll(keepingCapacity: true)
  }

  private mutating func appendHead(
    _ status: UInt16, _ fields: FieldList, version: HTTPVersion, keepsAlive: Bool
  ) {
    self.append("HTTP/1.1 ")
    self.bytes.append(contentsOf: String(status).utf8)
    self.append(" ")
    self.append(Self.reason(status))
    self.append("\r\n")
    for index in 0..<fields.count {
      self.bytes.append(contentsOf: fields[index].name)
      self.append(": ")
      self.bytes.append(contentsOf: fields[index].value)
      self.append("\r\n")
    }
    if !keepsAlive {
      self.append("connection: close\r\n")
    } else if version == .http1_0 {
      self.append("connection: keep-alive\r\n")
    }
    self.append("\r\n")
  }

  /// The phrases of RFC 9110 §15; a client ignores them (RFC 9112 §4).
  private static func reason(_ status: UInt16) -> StaticString {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 302: "Found"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
