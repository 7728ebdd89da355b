internal import ExtAuthz
internal import Gate
internal import Octets
internal import Transport

/// One request to the public API, copied out of the transport's.
struct PublicRequest: Sendable {
  var method: RequestMethod
  /// Without the query; decoded where a segment is read.
  var path: String
  var query: [Parameter]
  var fields: FieldList
  var body: [UInt8]
  var client: ClientAddress?
  /// How the client called us: scheme and authority.
  var origin: String
  /// Canonical; nil for none.
  var host: String?
  var wantsPage: Bool
  /// `text/plain` by name.
  var namesText: Bool
  /// A terminal's: words and lines, where no form is asked for.
  var wantsText: Bool
  /// `Authorization: Bearer` that is neither a pass nor a payment. A secret.
  var secret: [UInt8]?
  /// The segment that a path like `/v1/payments/{id}` leaves open.
  var id = ""

  struct Parameter: Hashable, Sendable {
    var name: String
    var value: String
  }

  /// The fields that any resource reads, beside those of the schemes.
  private static let ownFields: [StaticString] = ["turnpike-pass", "content-type", "authorization"]

  init(_ request: HTTPRequest, credentials: [StaticString], settings: PublicSettings) {
    self.method = RequestMethod(request.method)
    let path = request.target.prefix { $0 != ASCII.question }
    self.path = String(decoding: path, as: UTF8.self)
    self.query = FormText.read(request.target.dropFirst(path.count + 1))
    self.fields = request.fields.selecting(Self.ownFields + credentials)
    self.body = request.body
    self.client = Self.client(of: request, settings.clientSource)
    var host: CanonicalHost?
    var authority = "localhost"
    if case .once(let name) = request.authority, let canonical = CanonicalHost(name) {
      host = canonical
      authority = String(decoding: name, as: UTF8.self).lowercased()
    }
    self.host = host?.text
    self.origin = settings.publicURL ?? "\(request.peer.tls == nil ? "http" : "https")://\(authority)"
    self.wantsPage = MediaRanges(request.fields.values(of: "accept")).preferPage
    self.namesText = Self.namesText(request.fields)
    self.wantsText = self.namesText || Self.isTerminal(request.fields)
    if let token = Self.bearerToken(request.fields) {
      if Pass.isForm(token) { self.fields.append("turnpike-pass", token) } else { self.secret = Array(token) }
    }
  }

  /// RFC 6750 §2.1; nil for any other scheme.
  private static func bearerToken(_ fields: FieldList) -> ArraySlice<UInt8>? {
    guard case .once(let value) = fields.only("authorization"), value.startsIgnoringCase(with: "bearer ")
    else { return nil }
    return value.dropFirst(7).trimmed
  }

  private static func mediaTypes(_ fields: FieldList) -> [ArraySlice<UInt8>] {
    fields.values(of: "accept").flatMap { $0.split(separator: ASCII.comma) }
      .map { $0.prefix { $0 != ASCII.semicolon }.trimmed }
  }

  private static func namesText(_ fields: FieldList) -> Bool {
    self.mediaTypes(fields).contains { $0.equalsIgnoringCase("text/plain") }
  }

  /// A program for terminals that names no form.
  private static func isTerminal(_ fields: FieldList) -> Bool {
    guard self.mediaTypes(fields).allSatisfy({ $0.equalsIgnoringCase("*/*") }),
      case .once(let agent) = fields.only("user-agent")
    else { return false }
    return (["curl/", "wget/", "httpie/"] as [StaticString]).contains { agent.startsIgnoringCase(with: $0) }
  }

  private static func client(of request: HTTPRequest, _ source: PublicSettings.ClientSource) -> ClientAddress?
  {
    switch source {
    case .realIP:
      guard case .once(let text) = request.fields.only("x-real-ip") else { return nil }
      return ClientAddress(text: text)
    case .peer:
      switch request.peer.address {
      case .ipv4(let octets), .ipv6(let octets): return ClientAddress(octets: octets)
      case .unix: return nil
      }
    }
  }

  var isSecure: Bool { self.origin.hasPrefix("https://") }
}

/// Names and values as forms and queries write them (WHATWG URL §5.1).
enum FormText {
  /// More are not read.
  private static let maxPairs = 32

  static func read(_ bytes: some Collection<UInt8>) -> [PublicRequest.Parameter] {
    bytes.split(separator: 0x26).prefix(self.maxPairs).map { pair in
      let name = pair.prefix { $0 != ASCII.equals }
      return PublicRequest.Parameter(
        name: self.decoded(name), value: self.decoded(pair.dropFirst(name.count + 1)))
    }
  }

  private static func decoded(_ text: some Collection<UInt8>) -> String {
    var out: [UInt8] = []
    var rest = Array(text)[...]
    while let byte = rest.popFirst() {
      if byte == ASCII.percent, let high = rest.first.flatMap(Hex.nibble),
        let low = rest.dropFirst().first.flatMap(Hex.nibble)
      {
        out.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        out.append(byte == 0x2B ? ASCII.space : byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// One value for a query (RFC 3986 §2.3: everything but unreserved characters escaped).
  static func escape(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      let isUnreserved =
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
      if isUnreserved { out.append(byte) } else { out += [ASCII.percent] + Hex.bytes([byte]) }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
