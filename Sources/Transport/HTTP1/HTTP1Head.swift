internal import Octets

/// The rules for one request head, from the request line to the empty line.
enum HTTP1Head {
  /// Fills `request` from a head whose lines all end with CR LF.
  static func parse(
    _ head: ArraySlice<UInt8>,
    maxCount: Int,
    into request: HTTPRequest
  ) throws(HTTP1Error) -> HTTP1Framing {
    var rest = head
    try self.requestLine(self.line(&rest), into: request)
    request.fields.removeAll()
    while true {
      let line = self.line(&rest)
      if line.isEmpty { break }
      guard request.fields.count < maxCount else { throw .headTooLarge }
      let (name, value) = try self.field(line)
      request.fields.append(name: name.lazy.map(ASCII.lowercased), value: value)
    }
    try self.authority(of: request)
    return try self.framing(of: request)
  }

  /// Name and value of a line; the value without white space around it.
  static func field(
    _ line: ArraySlice<UInt8>
  ) throws(HTTP1Error) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
    // A folded line begins with white space, which no token does (RFC 9112 §5.2).
    guard let colon = line.firstIndex(of: ASCII.colon), colon > line.startIndex else { throw .fieldName }
    let name = line[..<colon]
    guard name.allSatisfy(ASCII.isToken) else { throw .fieldName }
    let value = line[(colon + 1)...].trimmed
    guard value.allSatisfy({ !ASCII.isControl($0) || $0 == ASCII.tab }) else { throw .fieldValue }
    return (name, value)
  }

  private static func line(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let end = rest.firstIndex(of: ASCII.carriageReturn) ?? rest.endIndex
    let line = rest[..<end]
    rest = rest[end...].dropFirst(2)
    return line
  }

  // MARK: request line

  /// `method SP target SP version`, single spaces (RFC 9112 §3).
  private static func requestLine(_ line: ArraySlice<UInt8>, into request: HTTPRequest) throws(HTTP1Error) {
    let parts = line.split(separator: ASCII.space, maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(ASCII.isToken) else { throw .requestLine }
    guard !parts[1].isEmpty, parts[1].allSatisfy({ $0 > ASCII.space && $0 < 0x7F }) else {
      throw .requestLine
    }
    request.version = try self.version(parts[2])
    request.method.removeAll(keepingCapacity: true)
    request.method.append(contentsOf: parts[0])
    request.authority = .absent
    request.scheme = nil
    try self.target(parts[1], into: request)
  }

  private static func version(_ text: ArraySlice<UInt8>) throws(HTTP1Error) -> HTTPVersion {
    if text.elementsEqual("HTTP/1.1".utf8) { return .http1_1 }
    if text.elementsEqual("HTTP/1.0".utf8) { return .http1_0 }
    guard text.count == 8, text.starts(with: "HTTP/".utf8) else { throw .requestLine }
    throw .version
  }

  /// The four forms of RFC 9112 §3.2.
  private static func target(_ target: ArraySlice<UInt8>, into request: HTTPRequest) throws(HTTP1Error) {
    request.target.removeAll(keepingCapacity: true)
    if request.method.elementsEqual("CONNECT".utf8) { throw .method }
    if target.first == ASCII.slash {
      request.target.append(contentsOf: target)
    } else if target.elementsEqual("*".utf8) {
      guard request.method.elementsEqual("OPTIONS".utf8) else { throw .requestLine }
      request.target.append(contentsOf: target)
    } else {
      let scheme = target.prefix { $0 != ASCII.colon }
      guard scheme.equalsIgnoringCase("http") || scheme.equalsIgnoringCase("https") else {
        throw .requestLine
      }
      let behind = target[scheme.endIndex...]
      guard behind.starts(with: "://".utf8) else { throw .requestLine }
      let rest = behind.dropFirst(3)
      let end = rest.firstIndex { $0 == ASCII.slash || $0 == ASCII.question } ?? rest.endIndex
      guard end > rest.startIndex else { throw .requestLine }
      request.authority = .once(rest[..<end])
      if rest[end...].first != ASCII.slash { request.target.append(ASCII.slash) }
      request.target.append(contentsOf: rest[end...])
    }
  }

  // MARK: fields with a meaning for the connection

  /// Exactly one Host in HTTP/1.1, at most one in 1.0 (RFC 9112 §3.2). Beside an absolute target it must agree: the
  /// RFC lets the target win, but then a reader of the field sees another host.
  private static func authority(of request: HTTPRequest) throws(HTTP1Error) {
    switch request.fields.only("host") {
    case .repeated: throw .host
    case .absent:
      if request.version == .http1_1 { throw .host }
    case .once(let host):
      guard host.allSatisfy(self.isHostByte) else { throw .host }
      if case .once(let target) = request.authority {
        guard target.elementsEqual(host, by: { ASCII.lowercased($0) == ASCII.lowercased($1) }) else {
          throw .host
        }
      }
      request.authority = .once(host)
    }
    if case .once(let authority) = request.authority, !authority.allSatisfy(self.isHostByte) { throw .host }
  }

  /// No white space, list, path, query, fragment or user information in a host (RFC 3986 §3.2).
  private static func isHostByte(_ byte: UInt8) -> Bool {
    guard byte > ASCII.space, byte < 0x7F else { return false }
    switch byte {
    case ASCII.comma, ASCII.slash, ASCII.backslash, ASCII.question, 0x23, 0x40, 0x22, 0x3C, 0x3E: return false
    default: return true
    }
  }

  private static func framing(of request: HTTPRequest) throws(HTTP1Error) -> HTTP1Framing {
    HTTP1Framing(
      body: try self.body(of: request),
      keepsAlive: self.keepsAlive(request),
      expectsContinue: try self.expectsContinue(request)
    )
  }

  /// RFC 9112 §6.3, without what it only tolerates.
  private static func body(of request: HTTPRequest) throws(HTTP1Error) -> HTTP1Framing.Body {
    switch (request.fields.only("transfer-encoding"), request.fields.only("content-length")) {
    case (.absent, .absent): return .none
    case (.once(let coding), .absent):
      guard request.version == .http1_1, coding.equalsIgnoringCase("chunked") else { throw .transferEncoding }
      return .chunked
    case (.repeated, .absent): throw .transferEncoding
    case (.absent, .once(let text)):
      guard (1...18).contains(text.count), text.allSatisfy(ASCII.isDigit) else { throw .contentLength }
      let length = text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      return length == 0 ? .none : .length(length)
    case (.absent, .repeated), (.once, _), (.repeated, _): throw .contentLength
    }
  }

  private static func keepsAlive(_ request: HTTPRequest) -> Bool {
    var keepAlive = false
    for value in request.fields.values(of: "connection") {
      for option in value.split(separator: ASCII.comma) {
        if option.trimmed.equalsIgnoringCase("close") { return false }
        if option.trimmed.equalsIgnoringCase("keep-alive") { keepAlive = true }
      }
    }
    return request.version == .http1_1 || keepAlive
  }

  private static func expectsContinue(_ request: HTTPRequest) throws(HTTP1Error) -> Bool {
    switch request.fields.only("expect") {
    case .absent: return false
    // A client of HTTP/1.0 does not know it (RFC 9110 §10.1.1).
    case .once(let text) where text.equalsIgnoringCase("100-continue"): return request.version == .http1_1
    case .once, .repeated: throw .expectation
    }
  }
}
