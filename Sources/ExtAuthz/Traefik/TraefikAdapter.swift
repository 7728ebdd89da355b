internal import Octets
internal import Transport

/// Traefik's forwardAuth (`/traefik`): `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`, which Traefik writes itself
/// as long as `trustForwardHeader` is false; `X-Real-IP` of its entry point.
struct TraefikAdapter: HTTPAdapter {
  func read(_ request: HTTPRequest) throws(BadMember) -> Question {
    try Question(forwarded: Members(request))
  }
}

extension Question {
  /// From the header set that Traefik and Caddy have in common.
  init(forwarded members: Members) throws(BadMember) {
    try self.init(
      method: members.required("x-forwarded-method"),
      target: members.required("x-forwarded-uri"),
      host: members.required("x-forwarded-host"),
      client: members.client(),
      link: Audience.Link(scheme: members.required("x-forwarded-proto"))
    )
  }
}
