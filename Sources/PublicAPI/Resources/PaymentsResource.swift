internal import ExtAuthz
internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// `GET /v1/payments/{id}`: what became of a payment. The id is no secret, and neither is anything told here.
struct PaymentsResource: Sendable {
  let gate: Gate

  /// Ids are hashes; a longer text is none.
  private static let maxBytes = 128

  func show(_ request: PublicRequest) async -> HTTPResponse {
    let isID = request.id.utf8.allSatisfy { ASCII.isToken($0) || $0 == ASCII.colon }
    guard request.id.utf8.count <= Self.maxBytes, isID else { return PublicAnswer.fault(.unknownPayment) }
    let payment = PaymentID(request.id)
    do throws(Outage) {
      guard let account = try await self.gate.account(of: payment) else {
        return PublicAnswer.fault(.unknownPayment)
      }
      return PublicAnswer.json(200, self.json(payment, account))
    } catch {
      let judgement = Judgement(.unavailable(error), route: nil)
      return PublicAnswer.open(DirectAnswer.refusal(judgement, resource: request.path))
    }
  }

  private func json(_ payment: PaymentID, _ account: PaymentAccount) -> JSON {
    let grant = account.grant
    let receipt = grant?.receipt
    let headers = receipt?.fields.map { JSON.Member(name: $0.name, value: .string($0.value)) }
    return .record([
      "payment": .string(payment.text),
      "state": .string(account.state),
      "method": .string(account.method.name),
      "amount": .unsigned(account.value.value),
      "unit": .string(account.value.unit.name),
      "route": .string(account.scope.route.text),
      "created": .unsigned(UInt64(clamping: account.created.seconds)),
      "transaction": receipt?.transaction.map { .string($0) },
      "headers": headers.flatMap { $0.isEmpty ? nil : .object($0) },
      "revoked": grant.map { .bool($0.revoked == .revoked) },
      "expires": grant?.expiry,
      "remaining": grant.map { $0.remainder(at: self.gate.remaining(of: $0)) },
    ])
  }
}
