internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// Any path with a valid `Turnpike-Grant`: this listener stands behind the proxy on a route that sells machines, and
/// answers how to log in to exactly the request that was allowed (design §6). The same for the same grant, until its
/// payment is presented again.
struct GrantResource: Sendable {
  let gate: Gate
  let clerk: WorkloadClerk

  /// Nil for a request without one: it is for the path table.
  func answer(to request: HTTPRequest, _ question: PublicRequest) -> Reply<HTTPResponse>? {
    let text: ArraySlice<UInt8>
    switch request.fields.only("turnpike-grant") {
    case .absent: return nil
    // A proxy blanks a header by an empty value.
    case .once(let value) where value.isEmpty: return nil
    case .once(let value): text = value
    case .repeated: return .now(PublicAnswer.fault(.grantInvalid))
    }
    var host: ArraySlice<UInt8>?
    if case .once(let name) = request.authority { host = name }
    guard
      let grant = self.gate.workloadGrant(
        text, method: question.method, target: request.target[...], host: host)
    else {
      return .now(
        PublicAnswer.fault(
          .grantInvalid,
          message: "The proxy must hand on method, host and path as Turnpike judged them, within 60 s."))
    }
    // HEAD changes nothing.
    if question.method == .head { return .now(PublicAnswer.text(200, "")) }
    return .later { await self.credentials(grant, question) }
  }

  private func credentials(_ grant: WorkloadGrant, _ request: PublicRequest) async -> HTTPResponse {
    do throws(Outage) {
      guard let office = self.gate.office, let lease = try await office.lease(grant.workload) else {
        return PublicAnswer.fault(.unknownWorkload)
      }
      if let refusal = try await self.grant(request, to: lease, of: office) { return refusal }
      let exchanged = try await self.gate.account(of: grant.payment)?.grant.flatMap { self.gate.pass(of: $0) }
      let password = ProposedPassword(grant.password, asked: .now - grant.age)
      var card = try await self.clerk.card(of: lease, setting: password, pass: exchanged, request)
      card.origin = self.clerk.settings.publicURL
      guard card.access != nil else { return WorkloadClerk.failed(card) }
      if request.wantsPage { return PublicAnswer.page(card.page) }
      return request.wantsText ? PublicAnswer.text(200, card.text) : PublicAnswer.json(200, card.json)
    } catch { return self.clerk.outage(error, request) }
  }

  /// Sets the key that the body brings: the allow was asked without the body, so what cannot be changed any more is
  /// refused aloud. Nil where all is done.
  private func grant(
    _ request: PublicRequest, to lease: Lease, of office: any WorkloadOffice
  ) async throws(Outage) -> HTTPResponse? {
    let made = "The machine is made and yours: send the payment again"
    let body: WorkloadBody
    do throws(WorkloadBody.Fault) { body = try WorkloadBody(request) } catch {
      return PublicAnswer.fault(error.reason, message: "\(error.message) \(made).")
    }
    guard body.unchangeable.isEmpty else {
      let names = body.unchangeable.joined(separator: ", ")
      return PublicAnswer.fault(
        .badWish,
        message: "\(made) without \(names); at /v1/workloads that can be asked for, before it is made.")
    }
    guard let key = body.wishes.publicKey, lease.state.isLive else { return nil }
    if let fault = office.check(WorkloadWishes(publicKey: key), for: lease.spec) {
      return PublicAnswer.fault(.badWish, message: "\(fault.text) \(made).")
    }
    try await office.setKey(key, of: lease.id)
    return nil
  }
}
