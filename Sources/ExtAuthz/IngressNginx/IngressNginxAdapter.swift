internal import Gate
internal import Octets
internal import Transport

/// ingress-nginx (`/ingress-nginx/check`), by what its template writes for `auth-url`: `X-Original-URL`
/// (`$scheme://$http_host$request_uri`), `X-Original-Method` and `X-Real-IP`. Its `X-Original-URI` may be the client's
/// own.
struct IngressNginxAdapter: HTTPAdapter {
  func read(_ request: HTTPRequest) throws(BadMember) -> Question {
    let members = Members(request)
    let url = try Self.split(members.required("x-original-url"))
    return try Question(
      method: members.required("x-original-method"),
      target: url.target,
      host: url.host,
      client: members.client(),
      link: Audience.Link(scheme: url.scheme)
    )
  }

  private struct OriginalURL {
    var scheme: ArraySlice<UInt8>
    var host: ArraySlice<UInt8>
    var target: ArraySlice<UInt8>
  }

  /// NGINX refuses a Host with a slash, so the first one behind `://` begins the target.
  private static func split(_ url: ArraySlice<UInt8>) throws(BadMember) -> OriginalURL {
    for scheme in ["https", "http"] as [StaticString] where url.startsIgnoringCase(with: scheme) {
      let rest = url.dropFirst(scheme.utf8CodeUnitCount)
      guard rest.starts(with: "://".utf8) else { continue }
      let host = rest.dropFirst(3).prefix { $0 != ASCII.slash }
      let target = rest.dropFirst(3 + host.count)
      guard !host.isEmpty, !target.isEmpty else { break }
      return OriginalURL(scheme: url.prefix(scheme.utf8CodeUnitCount), host: host, target: target)
    }
    throw BadMember("x-original-url is no URL with a path")
  }
}

/// The default backend of ingress-nginx (`/` with `X-Code`): with `custom-http-errors: "401"` it is asked, by the
/// client's own method and Host, what to show instead of a 401; the target stands in `X-Original-URI`.
struct IngressNginxBackend: HTTPAdapter {
  func read(_ request: HTTPRequest) throws(BadMember) -> Question {
    let members = Members(request)
    return try Question(
      method: request.method[...],
      target: members.required("x-original-uri"),
      host: request.onlyHost(),
      // The template replaces a client's own by its address; where an operator lets it append, a list is no address.
      client: members.optional("x-forwarded-for").flatMap { ClientAddress(text: $0) },
      link: .plain
    )
  }

  /// The status that is to be replaced; nil for a request that comes from no error.
  static func code(of request: HTTPRequest) -> UInt16? {
    guard case .once(let code) = request.fields.only("x-code") else { return nil }
    return UInt16(String(decoding: code, as: UTF8.self)).flatMap { (400...599).contains($0) ? $0 : nil }
  }
}
