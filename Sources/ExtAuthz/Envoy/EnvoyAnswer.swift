internal import Gate
internal import Octets
internal import Proto

/// Puts judgements into `CheckResponse`s.
struct EnvoyAnswer: Sendable {
  let outages: EnvoyOutages
  /// What is taken off every request that passes.
  private let credentials: FieldList
  private let freeAllow: [UInt8]
  private let passAllow: [UInt8]
  private let timedAllow: TimedAnswer

  init(credentialFields: [StaticString], outages: EnvoyOutages) {
    self.outages = outages
    var credentials = FieldList()
    for name in credentialFields { credentials.append(name, []) }
    self.credentials = credentials
    self.freeAllow = CheckResponse.ok(Self.mutation(Assertions(), removing: credentials))
    let byPass = Self.mutation(Assertions(payment: .earlier), removing: credentials)
    self.passAllow = CheckResponse.ok(byPass)
    self.timedAllow = TimedAnswer(byPass)
  }

  /// Credentials among the fields that the app uses too.
  struct SharedFields {
    enum Authorization { case appsOwn, offer }

    var authorization = Authorization.appsOwn
    /// What is left of `cookie` without our pass; nil when there is none in it.
    var cookie: [UInt8]?

    var isUntouched: Bool { self.authorization == .appsOwn && self.cookie == nil }
  }

  /// - Parameter origin: of a page whose scripts may read the answer's fields; asked for only where there are some.
  func allow(
    _ allowance: Allowance, shared: SharedFields, link: Audience.Link, route: Route? = nil,
    origin: @autoclosure () -> [UInt8]? = nil
  ) -> [UInt8] {
    if shared.isUntouched, let prepared = self.prepared(allowance, on: route) { return prepared }
    var mutation = Self.mutation(allowance.assertions, removing: self.credentials)
    if shared.authorization == .offer { mutation.removedRequestHeaders.append("authorization", []) }
    if let cookie = shared.cookie {
      if cookie.isEmpty {
        mutation.removedRequestHeaders.append("cookie", [])
      } else {
        mutation.requestHeaders.append("cookie", cookie)
      }
    }
    if let pass = allowance.pass { mutation.responseHeaders = ClientFields.bearer(pass, link: link) }
    let account = ClientFields.account(allowance)
    for index in 0..<account.count {
      mutation.responseHeaders.append(name: account[index].name, value: account[index].value)
    }
    if let names = ClientFields.exposed(mutation.responseHeaders, on: route, to: origin()) {
      mutation.responseHeaders.append("access-control-expose-headers", names.utf8)
    }
    if allowance.basis == .payment { mutation.responseHeaders.append("cache-control", "no-store".utf8) }
    return CheckResponse.ok(mutation)
  }

  /// An answer that was written before; nil for one of its own.
  private func prepared(_ allowance: Allowance, on route: Route?) -> [UInt8]? {
    guard allowance.pass == nil, allowance.basis != .payment, allowance.assertions.user == nil,
      allowance.assertions.workload == nil
    else { return nil }
    switch (allowance.assertions.payment, allowance.remaining) {
    case (nil, nil): return self.freeAllow
    case (.earlier, nil): return self.passAllow
    // A page of another origin is told which fields it may read.
    case (.earlier, .some) where route?.cors != nil: return nil
    case (.earlier, .some(let remaining)): return self.timedAllow.answer(for: remaining)
    case (nil, .some), (.now, _): return nil
    }
  }

  func refuse(_ refusal: Refusal) -> [UInt8] {
    switch (refusal.status, self.outages) {
    case (503, .asError):
      CheckResponse.error(.unavailable, status: 503, headers: refusal.fields, body: refusal.body)
    case (503, .asDenial):
      CheckResponse.denied(.unavailable, status: 503, headers: refusal.fields, body: refusal.body)
    case (let status, _):
      CheckResponse.denied(.permissionDenied, status: status, headers: refusal.fields, body: refusal.body)
    }
  }

  private static func mutation(_ assertions: Assertions, removing credentials: FieldList)
    -> CheckResponse.Mutation
  {
    var mutation = CheckResponse.Mutation()
    mutation.requestHeaders = AssertedFields.present(in: assertions)
    mutation.removedRequestHeaders = credentials
    for name in AssertedFields.names where !mutation.requestHeaders.contains(name) {
      mutation.removedRequestHeaders.append(name, [])
    }
    return mutation
  }
}

/// In which field of the answer a 503 stands.
package enum EnvoyOutages: Sendable {
  /// `denied_response`: the client gets the 503, whatever `failure_mode_allow` says.
  case asDenial
  /// `error_response`: counted as an error, and let through to the app by `failure_mode_allow`.
  case asError
}
