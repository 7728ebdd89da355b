internal import Gate
internal import Octets
internal import Transport

/// How a proxy that asks over plain HTTP understands an answer.
enum HTTPDialect: Sendable {
  /// 200 allows, everything else goes to the client as it is (Traefik, Caddy).
  case direct
  /// As `direct`, and an allow names the NGINX location that serves the request.
  case accel(location: String)
  /// NGINX `auth_request` and ingress-nginx understand 200, 401 and 403, and make everything else a 500.
  case subrequest(PassForm)
  /// What NGINX serves to the client after a 401: never a success.
  case challenge

  /// In which forms a new pass is handed on.
  enum PassForm: Sendable {
    case headerAndCookie
    /// ingress-nginx copies the listed answer headers to the app, where a pass has no business.
    case cookie
  }

  private var passForm: PassForm {
    if case .subrequest(let form) = self { form } else { .headerAndCookie }
  }
}

extension HTTPDialect {
  /// The answer to a judgement; what hangs on its delivery is the caller's to add.
  func answer(to judgement: Judgement, for audience: @autoclosure () -> Audience) -> HTTPResponse {
    switch (self, Rendering(judgement, for: audience())) {
    case (.challenge, .allow):
      return Self.appsOwn(for: audience())
    case (_, .allow(let allowance)):
      return self.answer(to: allowance, on: judgement.route, for: audience())
    case (.direct, .refuse(let refusal)), (.accel, .refuse(let refusal)), (.challenge, .refuse(let refusal)):
      return HTTPResponse(status: refusal.status, fields: refusal.fields, body: refusal.body)
    case (.subrequest, .refuse(let refusal)):
      return HTTPResponse(status: refusal.status == 403 ? 403 : 401, fields: refusal.subrequestFields)
    }
  }

  /// A challenge endpoint was asked, and the gate has nothing against the request: the 401 is the app's own.
  static func appsOwn(for audience: Audience) -> HTTPResponse {
    var fields = FieldList()
    fields.append("cache-control", "no-store".utf8)
    guard audience.body == .wanted else { return HTTPResponse(status: 401, fields: fields) }
    fields.append("content-type", "application/json".utf8)
    return HTTPResponse(status: 401, fields: fields, body: ReasonBody(.unauthorized).json)
  }

  private func answer(
    to allowance: Allowance, on route: Route?, for audience: @autoclosure () -> Audience
  ) -> HTTPResponse {
    var forClient = ClientFields.account(allowance)
    if let pass = allowance.pass {
      let bearer = ClientFields.bearer(pass, link: audience().link)
      for index in 0..<bearer.count where self.hands(bearer[index].name) {
        forClient.append(name: bearer[index].name, value: bearer[index].value)
      }
    }
    var fields = AssertedFields.all(in: allowance.assertions)
    for index in 0..<forClient.count {
      fields.append(name: forClient[index].name, value: forClient[index].value)
    }
    if !fields.contains("turnpike-pass") { fields.append("turnpike-pass", []) }
    if let names = ClientFields.exposed(forClient, on: route, to: audience().origin) {
      fields.append("access-control-expose-headers", names.utf8)
    }
    // Behind `accel` NGINX puts it beside the app's own, and of two a cache obeys the stricter (RFC 9111 §5.2.2.5).
    if allowance.basis == .payment { fields.append("cache-control", "no-store".utf8) }
    if case .accel(let location) = self { fields.append("x-accel-redirect", location.utf8) }
    return HTTPResponse(status: 200, fields: fields)
  }

  private func hands(_ bearer: ArraySlice<UInt8>) -> Bool {
    self.passForm == .headerAndCookie || bearer.elementsEqual("set-cookie".utf8)
  }
}

extension Refusal {
  /// What `auth_request_set` can hand on: NGINX drops this answer's body and most of its head.
  fileprivate var subrequestFields: FieldList {
    var kept = FieldList()
    for name in ["turnpike-reason", "cache-control", "retry-after", "www-authenticate"] as [StaticString] {
      for value in self.fields.values(of: name) { kept.append(name, value) }
    }
    return kept
  }
}
