internal import Gate
internal import Octets
internal import Transport

/// What a proxy asks over plain HTTP, as one adapter has read it. The slices share the request's memory: use it in the
/// call that made it.
struct Question {
  /// The client's method, target (with query) and host, from the members of exactly one proxy's header set.
  var method: RequestMethod
  var target: ArraySlice<UInt8>
  var host: ArraySlice<UInt8>?
  /// Made by the proxy.
  var id: ArraySlice<UInt8>?
  var client: ClientAddress?
  var link: Audience.Link
  var queryToken: [UInt8]?

  /// Checks what holds for every adapter.
  init(
    method: ArraySlice<UInt8>, target: ArraySlice<UInt8>, host: ArraySlice<UInt8>?,
    id: ArraySlice<UInt8>? = nil,
    client: ClientAddress?, link: Audience.Link, queryToken: [UInt8]? = nil
  ) throws(BadMember) {
    guard let method = RequestMethod(wire: method) else { throw BadMember("the method is none") }
    guard !target.isEmpty else { throw BadMember("the target is empty") }
    self.method = method
    self.target = target
    self.host = host
    self.id = id
    self.client = client
    self.link = link
    self.queryToken = queryToken
  }
}

/// A member of the proxy's header set is missing, repeated or without meaning: answered with 400, never guessed.
struct BadMember: Error {
  /// Fixed texts of ours: nothing of the request.
  let message: String

  init(_ message: String) { self.message = message }
}

/// Reads the members of a header set.
struct Members {
  let fields: FieldList

  init(_ request: HTTPRequest) { self.fields = request.fields }

  /// A member that must be there, once, with a value.
  func required(_ name: StaticString) throws(BadMember) -> ArraySlice<UInt8> {
    guard let value = try self.optional(name) else { throw BadMember("\(name) is missing") }
    return value
  }

  /// Empty is absent: proxies blank a header by an empty value.
  func optional(_ name: StaticString) throws(BadMember) -> ArraySlice<UInt8>? {
    switch self.fields.only(name) {
    case .absent: return nil
    case .once(let value): return value.isEmpty ? nil : value
    case .repeated: throw BadMember("\(name) is repeated")
    }
  }

  /// `X-Real-IP`, which our examples make NGINX and Caddy overwrite; what is no address (a unix socket) is none.
  func client() throws(BadMember) -> ClientAddress? {
    try self.optional("x-real-ip").flatMap { ClientAddress(text: $0) }
  }
}

extension HTTPRequest {
  /// `Host`, which these proxies always write themselves.
  func onlyHost() throws(BadMember) -> ArraySlice<UInt8>? {
    switch self.authority {
    case .absent: return nil
    case .once(let host): return host
    case .repeated: throw BadMember("host is repeated")
    }
  }
}

extension RequestMethod {
  /// Longer than any that a route names.
  private static let maxBytes = 32

  /// Nil for what is no token (RFC 9110 §9.1), or too long to be a method.
  init?(wire bytes: ArraySlice<UInt8>) {
    guard !bytes.isEmpty, bytes.count <= Self.maxBytes, bytes.allSatisfy(ASCII.isToken) else { return nil }
    self.init(bytes)
  }
}

extension Audience.Link {
  init(scheme: ArraySlice<UInt8>?) {
    let isSecure = scheme.map { $0.equalsIgnoringCase("https") || $0.equalsIgnoringCase("wss") } ?? false
    self = isSecure ? .secure : .plain
  }
}
