internal import Gate
internal import Octets

/// The header fields by which an allow tells the app what it rests on (design §6).
///
/// Every allow says something about each of them: a value, or that there is none. A client's own copy would else reach
/// the app of a proxy that copies only what it is given (Traefik), or that writes a placeholder for what is missing
/// (Caddy).
enum AssertedFields {
  static let names: [StaticString] = [
    "x-payment-verified", "x-payment-amount", "x-payment-unit", "x-provisioned-pod", "x-user-id",
    "turnpike-grant",
  ]

  /// Those that hold, with their values.
  static func present(in assertions: Assertions) -> FieldList {
    var fields = FieldList()
    if let user = assertions.user { fields.append("x-user-id", user.utf8) }
    if let workload = assertions.workload {
      fields.append("x-provisioned-pod", workload.id.podName.utf8)
      fields.append("turnpike-grant", workload.grant.utf8)
    }
    guard let payment = assertions.payment else { return fields }
    fields.append("x-payment-verified", "true".utf8)
    if case .now(let amount) = payment {
      fields.append("x-payment-amount", String(amount.value).utf8)
      fields.append("x-payment-unit", amount.unit.name.utf8)
    }
    return fields
  }

  /// All of them, an absent one with an empty value: for HTTP, where a name cannot be taken away.
  static func all(in assertions: Assertions) -> FieldList {
    var fields = self.present(in: assertions)
    for name in self.names where !fields.contains(name) { fields.append(name, []) }
    return fields
  }
}
