internal import Octets
internal import Transport

/// Whose headers come with a question to the Paygress face.
package enum PaygressProxy: String, Sendable, CaseIterable {
  case nginx
  case ingressNginx = "ingress-nginx"
  case traefik
}

/// Paygress' `GET /auth` (its ingress plugin): the question in the headers of the proxy that is configured, the token
/// in `?token=`.
///
/// Its `amount`, `service`, `namespace` and `image` are ignored: they let the client choose the price and the goods.
struct PaygressFace: HTTPAdapter {
  let proxy: PaygressProxy

  /// Why, beside the status, as Paygress tells it.
  static let reasonField: StaticString = "x-auth-reason"

  func read(_ request: HTTPRequest) throws(BadMember) -> Question {
    var question =
      switch self.proxy {
      case .nginx: try NginxAdapter(repeats: .none).read(request)
      case .ingressNginx: try IngressNginxAdapter().read(request)
      case .traefik: try TraefikAdapter().read(request)
      }
    question.queryToken = try Self.token(in: request.target[...], question.target)
    return question
  }

  var dialect: HTTPDialect {
    switch self.proxy {
    case .nginx: .subrequest(.headerAndCookie)
    case .ingressNginx: .subrequest(.cookie)
    case .traefik: .direct
    }
  }

  /// From our own query, where `auth-url` hands it on, and from the client's: an offer is a claim wherever it stands.
  private static func token(in targets: ArraySlice<UInt8>...) throws(BadMember) -> [UInt8]? {
    var found: [UInt8]?
    for target in targets {
      let query = target.drop { $0 != ASCII.question }.dropFirst().prefix { $0 != 0x23 }
      for pair in query.split(separator: 0x26) where pair.starts(with: "token=".utf8) {
        let token = try self.decoded(pair.dropFirst(6))
        guard !token.isEmpty else { continue }
        if let first = found, first != token { throw BadMember("two tokens in the query") }
        found = token
      }
    }
    return found
  }

  /// Percent-decoded (RFC 3986 §2.1); `+` stays, it is a letter of base64.
  private static func decoded(_ text: ArraySlice<UInt8>) throws(BadMember) -> [UInt8] {
    var out: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == ASCII.percent else {
        out.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(Hex.nibble), let low = rest.popFirst().flatMap(Hex.nibble)
      else {
        throw BadMember("the token in the query has a bad escape")
      }
      out.append(high << 4 | low)
    }
    return out
  }
}
