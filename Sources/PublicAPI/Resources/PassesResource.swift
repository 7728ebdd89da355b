internal import ExtAuthz
internal import Gate
internal import JSON
internal import Transport

/// `POST /v1/passes`: a payment for a pass, for who cannot keep a cookie behind his proxy; with `Turnpike-Pass` it adds
/// to that pass. The payment is the idempotency key.
struct PassesResource: Sendable {
  let gate: Gate

  func exchange(_ request: PublicRequest) async -> HTTPResponse {
    let wanted: ResourceRequest
    do throws(PublicAnswer.Fault) {
      wanted = try ResourceRequest(request)
    } catch {
      return PublicAnswer.fault(error)
    }
    switch await self.gate.exchange(wanted.exchange(request)) {
    case .refused(let judgement):
      return PublicAnswer.open(DirectAnswer.refusal(judgement, resource: wanted.resource))
    case .pass(let exchanged, let route):
      return PublicAnswer.json(
        200, exchanged.json(label: route.label), DirectAnswer.fields(of: exchanged))
    }
  }
}

extension ExchangedPass {
  /// - Parameter label: of its route.
  func json(label: String) -> JSON {
    .record([
      "pass": .string(self.pass.token),
      "header": .string("Turnpike-Pass"),
      "payment": .string(self.grant.payment.text),
      "route": .string(label),
      "host": self.grant.scope.host.isEmpty ? nil : .string(self.grant.scope.host),
      "expires": self.grant.expiry,
      "remaining": self.grant.remainder(at: self.remaining),
    ])
  }
}

extension GrantRecord {
  /// Nil where only uses count, and for time that waits for a machine.
  var expiry: JSON? {
    self.unused == nil ? self.end.map { .unsigned(UInt64(clamping: $0.seconds)) } : nil
  }

  /// What is left, as an object.
  func remainder(at remaining: Remaining?) -> JSON {
    .record([
      "uses": (remaining?.uses ?? self.uses.map { $0 - min($0, self.usesTaken) }).map {
        .unsigned(UInt64($0))
      },
      "seconds": remaining?.seconds.map { .unsigned(UInt64(clamping: $0)) },
    ])
  }
}
