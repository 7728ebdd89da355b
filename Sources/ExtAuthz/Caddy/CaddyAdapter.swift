internal import Transport

/// Caddy's forward_auth (`/caddy`): `X-Forwarded-Method` and `-Uri`, and of its reverse proxy `-Proto` and `-Host`, all
/// written by Caddy; `X-Real-IP` only where `header_up X-Real-IP {remote_host}` writes it.
struct CaddyAdapter: HTTPAdapter {
  func read(_ request: HTTPRequest) throws(BadMember) -> Question {
    let members = Members(request)
    return try Question(forwarded: members, client: members.client())
  }
}
