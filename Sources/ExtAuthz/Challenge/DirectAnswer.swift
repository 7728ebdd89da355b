package import Gate
package import Octets
package import Transport

/// A gate's answer for who asks us directly, with no proxy between: the same words, statuses and reason codes.
package enum DirectAnswer {
  /// - Parameter resource: what the payment is for, as the client named it.
  package static func refusal(_ judgement: Judgement, resource: String) -> HTTPResponse {
    var audience = Audience()
    audience.resource = resource
    return HTTPDialect.challenge.answer(to: judgement, for: audience)
  }

  /// A pass in its header form, with the receipt of its payment and what is left of it.
  package static func fields(of exchanged: ExchangedPass) -> FieldList {
    var fields = FieldList()
    fields.append("turnpike-pass", exchanged.pass.token.utf8)
    let allowance = Allowance(basis: .pass, receipt: exchanged.grant.receipt, remaining: exchanged.remaining)
    let account = ClientFields.account(allowance)
    for index in 0..<account.count { fields.append(name: account[index].name, value: account[index].value) }
    return fields
  }
}
