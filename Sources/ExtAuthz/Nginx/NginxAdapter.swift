internal import Octets
internal import Transport

/// NGINX: `auth_request` (`/nginx/check`, then `/nginx/challenge` for what it refused), or one call that ends in
/// `X-Accel-Redirect` (`/nginx/accel`).
///
/// Its header set, written by the `proxy_set_header` lines of our example:
///
/// | member | value | |
/// |---|---|---|
/// | `X-Original-URI` | `$request_uri` | once |
/// | `X-Original-Method` | `$request_method` | once |
/// | `Host` | `$host` | the client's host; NGINX always writes this header itself |
/// | `X-Real-IP` | `$remote_addr` | whom limits count; must be set or blanked, NGINX hands on a client's own |
/// | `X-Forwarded-Proto` | `$scheme` | optional: without it a pass's cookie is never `Secure` |
/// | `Turnpike-Request` | `$request_id` | only with ``Repeats/byRequestID``, else ignored |
struct NginxAdapter: HTTPAdapter {
  let repeats: NginxRepeats

  func read(_ request: HTTPRequest) throws(BadMember) -> Question {
    let members = Members(request)
    let id: ArraySlice<UInt8>? =
      switch self.repeats {
      case .none: nil
      case .byRequestID: try members.optional("turnpike-request")
      }
    return try Question(
      method: members.required("x-original-method"),
      target: members.required("x-original-uri"),
      host: request.onlyHost(),
      id: id,
      client: members.client(),
      link: Audience.Link(scheme: members.optional("x-forwarded-proto"))
    )
  }
}

/// NGINX asks again after an internal redirect (`index`, `try_files`, `error_page`): whether those count once.
package enum NginxRepeats: Sendable {
  /// Each question is a request of its own.
  case none
  /// The proxy sets `Turnpike-Request` to its `$request_id`, replacing a client's. Only then may this be chosen.
  case byRequestID
}
