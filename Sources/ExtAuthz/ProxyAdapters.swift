internal import Gate
internal import Octets
package import Transport

/// The proxy listener: one path per proxy, each reading exactly one header set. A second set beside it would let a
/// client ask about another page than the one it gets.
package struct ProxyAdapters: HTTPService {
  package struct Settings: Sendable {
    package var trust = ProxyTrust.network
    package var nginxRepeats = NginxRepeats.none
    /// The named location that serves a request after `/nginx/accel` allowed it.
    package var accelLocation = "@app"
    /// Nil: `/auth` does not exist.
    package var paygress: PaygressProxy?

    package init() {}
  }

  private struct Entry: Sendable {
    var path: StaticString
    var endpoint: Endpoint
  }

  private let desk: GateDesk
  private let trust: ProxyTrust
  private let entries: [Entry]
  private let backend: Endpoint

  package init(desk: GateDesk, settings: Settings) {
    self.desk = desk
    self.trust = settings.trust
    let nginx = NginxAdapter(repeats: settings.nginxRepeats)
    var entries = [
      Entry(
        path: "/nginx/check",
        endpoint: Endpoint(name: .nginx, adapter: nginx, dialect: .subrequest(.headerAndCookie))),
      Entry(
        path: "/nginx/challenge",
        endpoint: Endpoint(name: .nginx, adapter: nginx, dialect: .challenge, purpose: .review)),
      Entry(
        path: "/nginx/accel",
        endpoint: Endpoint(name: .nginx, adapter: nginx, dialect: .accel(location: settings.accelLocation))),
      Entry(
        path: "/ingress-nginx/check",
        endpoint: Endpoint(name: .ingressNginx, adapter: IngressNginxAdapter(), dialect: .subrequest(.cookie))
      ),
      Entry(
        path: "/traefik", endpoint: Endpoint(name: .traefik, adapter: TraefikAdapter(), dialect: .direct)),
      Entry(path: "/caddy", endpoint: Endpoint(name: .caddy, adapter: CaddyAdapter(), dialect: .direct)),
    ]
    if let proxy = settings.paygress {
      let face = PaygressFace(proxy: proxy)
      entries.append(
        Entry(
          path: "/auth",
          endpoint: Endpoint(
            name: .paygress, adapter: face, dialect: face.dialect, reasonField: PaygressFace.reasonField)))
    }
    self.entries = entries
    self.backend = Endpoint(
      name: .ingressNginx, adapter: IngressNginxBackend(), dialect: .challenge, purpose: .review)
  }

  /// No adapter reads a body; the proxies send none, except to the default backend.
  private static let maxBodyBytes = 64 * 1024
  /// The default backend gets the client's own body. This much is read and dropped to keep the connection.
  private static let maxDrainBytes = 1024 * 1024

  package func intake(for request: HTTPRequest) -> Intake {
    guard Self.path(of: request).elementsEqual([ASCII.slash]) else {
      return .whole(maxBytes: Self.maxBodyBytes)
    }
    let reply = self.respond(to: request)
    return .stream { stream in
      var drained = 0
      do throws(HTTPStreamError) {
        while drained <= Self.maxDrainBytes, let part = try await stream.read() { drained += part.count }
        let response =
          switch reply {
          case .now(let response): response
          case .later(let work): await work()
          }
        try stream.respond(status: response.status, fields: response.fields)
        if !response.body.isEmpty { try await stream.write(response.body) }
        stream.finish()
      } catch {
        // The proxy is gone; there is nobody to tell.
      }
    }
  }

  package func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    let path = Self.path(of: request)
    let entry = self.entries.first { $0.path.isEqual(to: path) }
    let isBackend = path.elementsEqual([ASCII.slash])
    guard self.trust.admits(request.peer, fields: request.fields) else {
      return .now((entry?.endpoint ?? self.backend).refuseCaller(at: self.desk))
    }
    if let entry { return entry.endpoint.answer(request, at: self.desk) }
    guard isBackend, let code = IngressNginxBackend.code(of: request) else {
      return .now(Self.plain(404, body: ReasonBody(.notFound).json))
    }
    // Another of the errors that `custom-http-errors` may name stays what it is.
    guard code == ReasonBody.Phrase.unauthorized.status else { return .now(Self.plain(code)) }
    return self.backend.answer(request, at: self.desk)
  }

  private static func plain(_ status: UInt16, body: [UInt8] = []) -> HTTPResponse {
    var fields = FieldList()
    fields.append("cache-control", "no-store".utf8)
    if !body.isEmpty { fields.append("content-type", "application/json".utf8) }
    return HTTPResponse(status: status, fields: fields, body: body)
  }

  /// Without the query: Caddy appends the client's own.
  private static func path(of request: HTTPRequest) -> ArraySlice<UInt8> {
    request.target.prefix { $0 != ASCII.question }
  }
}

extension StaticString {
  fileprivate func isEqual(to path: ArraySlice<UInt8>) -> Bool {
    self.withUTF8Buffer { unsafe path.elementsEqual($0) }
  }
}
