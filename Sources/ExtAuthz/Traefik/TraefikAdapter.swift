internal import Gate
internal import Octets
internal import Transport

/// Traefik's forwardAuth (`/traefik`): `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri` and `-For`, which Traefik
/// writes itself as long as `trustForwardHeader` is false. It then sends no `X-Real-IP`.
struct TraefikAdapter: HTTPAdapter {
  func read(_ request: HTTPRequest) throws(BadMember) -> Question {
    let members = Members(request)
    // Alone it is who connected to Traefik; a list, where forwarded headers are trusted, is no address.
    let client = try members.optional("x-forwarded-for").flatMap { ClientAddress(text: $0) }
    return try Question(forwarded: members, client: client)
  }
}

extension Question {
  /// From the header set that Traefik and Caddy have in common.
  init(forwarded members: Members, client: ClientAddress?) throws(BadMember) {
    try self.init(
      method: members.required("x-forwarded-method"),
      target: members.required("x-forwarded-uri"),
      host: members.required("x-forwarded-host"),
      client: client,
      link: Audience.Link(scheme: members.required("x-forwarded-proto"))
    )
  }
}
