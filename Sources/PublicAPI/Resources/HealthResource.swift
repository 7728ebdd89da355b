internal import Gate
internal import JSON
internal import Transport

/// `/healthz`: the process answers. Where machines are sold it says, in Paygress' words, how and how many run, and what
/// they are not shut off from.
enum HealthResource {
  static func answer(_ gate: Gate, _ settings: PublicSettings) -> HTTPResponse {
    let routes = gate.machineRoutes
    let route = routes.first
    let office = route == nil ? nil : gate.office
    let condition = office?.condition
    let accepts = office.map { office in
      office.condition.fault == nil
        && routes.contains { $0.provision.map { office.vacancy(for: $0) == .open } ?? false }
    }
    return PublicAnswer.json(
      200,
      .record([
        "status": .string("healthy"), "service": .string("turnpike"), "version": .string(settings.version),
        "config": route.flatMap { self.terms(of: $0, settings) },
        "active_pods": condition.map { .unsigned(UInt64($0.live)) },
        "accepting_pods": accepts.map { .bool($0) },
        "reduced_isolation": condition.flatMap { condition in
          condition.reducedIsolation.isEmpty
            ? nil : .array(condition.reducedIsolation.map { .string($0) })
        },
      ]))
  }

  private static func terms(of route: Route, _ settings: PublicSettings) -> JSON? {
    guard let tariff = route.tariff, let price = tariff.prices.first else { return nil }
    let quote = Quote(tariff: tariff, scope: GrantScope(route: route.id, host: ""))
    let span: Duration? =
      switch tariff.terms {
      case .rate(let per, _): per
      case .duration(let span), .usesWithin(_, let span): span
      case .uses: nil
      }
    let minutes = span.map { " = \($0.components.seconds / 60) minutes" } ?? ""
    return .record([
      "payment_model": .string("\(price)\(minutes)"),
      "minimum_payment": .string("\(quote.minimum(in: price.unit) ?? price)"),
      "namespace": .string(settings.workloads.namespace),
    ])
  }
}
