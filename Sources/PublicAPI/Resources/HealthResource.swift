internal import Gate
internal import JSON
internal import Transport

/// `/healthz`: the process answers. Where machines are sold it says, in Paygress' words, how and how many run, what they
/// are not shut off from, and why none can be had.
enum HealthResource {
  static func answer(_ gate: Gate, _ settings: PublicSettings) -> HTTPResponse {
    let routes = gate.machineRoutes
    let route = routes.first
    let office = route == nil ? nil : gate.office
    let condition = office?.condition
    let obstacle = office.flatMap { self.obstacle(at: $0, for: routes.compactMap(\.provision)) }
    return PublicAnswer.json(
      200,
      .record([
        "status": .string("healthy"), "service": .string("turnpike"), "version": .string(settings.version),
        "config": route.flatMap { self.terms(of: $0, settings) },
        "active_pods": condition.map { .unsigned(UInt64($0.live)) },
        "accepting_pods": office.map { _ in .bool(obstacle == nil) },
        "reason": obstacle.map { .string($0) },
        "reduced_isolation": condition.flatMap { condition in
          condition.reducedIsolation.isEmpty
            ? nil : .array(condition.reducedIsolation.map { .string($0) })
        },
      ]))
  }

  /// Why no machine of any kind can be had now, for anyone; nil where one can.
  private static func obstacle(at office: any WorkloadOffice, for kinds: [WorkloadSpecName]) -> String? {
    if let fault = office.condition.fault { return Self.withoutPaths(fault) }
    let vacancies = kinds.map { office.vacancy(for: $0) }
    guard !vacancies.contains(.open) else { return nil }
    for case .unavailable(let reason, _) in vacancies { return Self.withoutPaths(reason) }
    return "All machines are taken."
  }

  /// Where things are on this host, or in its cluster, is nobody's business.
  private static func withoutPaths(_ reason: String) -> String {
    reason.split(separator: " ").map { word in
      let end = word.lastIndex { !",.:;)".contains($0) }.map(word.index(after:)) ?? word.startIndex
      let hides = word[..<end].contains { $0 == "/" || $0 == ":" }
      return hides ? "…" + word[end...] : String(word)
    }.joined(separator: " ")
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
