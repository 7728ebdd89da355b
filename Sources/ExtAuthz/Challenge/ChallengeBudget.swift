package import Gate
internal import Octets

/// How the fields of a challenge share the head of an answer.
package enum ChallengeBudget {
  /// All fields of a refusal together; NGINX reads an answer's head into one buffer of 4 KiB.
  static let maxFieldBytes = 3_000

  /// Name and value stand in a line with four bytes more (RFC 9112 §5).
  private static let lineBytes = 4

  /// Appends the smallest first, so that as many ways to pay as possible fit.
  ///
  /// - Returns: those that do not: a refusal that a proxy cannot read would be a 502.
  static func place(_ challenge: [Challenge.Field], in fields: inout FieldList) -> [Challenge.Field] {
    let sizes = challenge.enumerated().map { (index: $0, size: self.size(of: $1)) }
    var left: Set<Int> = []
    var used = fields.byteCount + self.lineBytes * fields.count
    for (index, size) in sizes.sorted(by: { ($0.size, $0.index) < ($1.size, $1.index) }) {
      if used + size > self.maxFieldBytes { left.insert(index) } else { used += size }
    }
    for (index, field) in challenge.enumerated() where !left.contains(index) {
      fields.append(name: field.name.utf8.map(ASCII.lowercased), value: field.value.utf8)
    }
    return left.sorted().map { challenge[$0] }
  }

  private static func size(of field: Challenge.Field) -> Int {
    field.name.utf8.count + field.value.utf8.count + self.lineBytes
  }

  /// A price whose challenge does not fit into the head of a 402.
  package struct Overflow: Sendable {
    package var route: String
    /// The header fields that such a 402 goes without.
    package var fields: [String]
    /// Bytes of all its fields, with those.
    package var bytes: Int
  }

  /// For `turnpike check`: which routes' 402s cannot say in headers all that their schemes have to say.
  package static func overflows(of policy: Policy) -> [Overflow] {
    policy.routes.routes.compactMap { route in
      guard let tariff = route.tariff else { return nil }
      var audience = Audience()
      // As long as most addresses are.
      audience.resource =
        "https://" + String(repeating: "x", count: 40) + "/" + String(repeating: "x", count: 79)
      audience.origin = Array(audience.resource.utf8.prefix(48))
      let quote = Quote(tariff: tariff, scope: GrantScope(route: route.id, host: ""))
      let demand = Demand(.paymentRequired, quote: quote, challenges: policy.challenges(for: tariff))
      let refusal = Refusal(demand, route, audience)
      guard !refusal.unplaced.isEmpty else { return nil }
      let placed = refusal.fields.byteCount + self.lineBytes * refusal.fields.count
      return Overflow(
        route: route.label, fields: refusal.unplaced.map(\.name),
        bytes: refusal.unplaced.reduce(placed) { $0 + self.size(of: $1) })
    }
  }
}
