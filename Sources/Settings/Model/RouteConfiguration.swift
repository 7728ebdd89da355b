package import Gate

/// One rule as the file states it.
package struct RouteConfiguration: Sendable, Equatable {
  package enum Access: Sendable, Equatable {
    case free
    case denied
    case priced(RoutePrice, Tariff.Terms)
  }

  /// As given by `id:`, or made of the rest.
  package var id: RouteID
  package var pattern: PathPattern
  /// As written.
  package var hosts: [Host]
  package var methods: [RequestMethod]
  package var tier: String?
  package var access: Access
  /// Requests of one client that pass before the 402; nil: none.
  package var free: RequestLimit?
  package var cors: CORS?
  package var covers: [RouteID]
  /// The kind of machine that its payments buy; nil: none.
  package var provision: WorkloadSpecName?

  package struct Host: Sendable, Equatable {
    package var text: String
    package var pattern: HostPattern
  }

  /// A text that a person reads, the same for the same rule: `api.example.com/api/** GET POST tier=gold`.
  static func derivedID(
    hosts: [Host], pattern: PathPattern, methods: [RequestMethod], tier: String?
  ) -> RouteID {
    var text = hosts.map { $0.text.lowercased() }.joined(separator: ",") + pattern.text
    for method in methods { text += " " + method.name }
    if let tier { text += " tier=" + tier }
    return RouteID(text)
  }

  func makeRoute() -> Route {
    let access: Route.Access =
      switch self.access {
      case .free: .free
      case .denied: .denied
      case .priced(let price, let terms): .priced(Tariff(prices: price.payable, terms: terms))
      }
    return Route(
      id: self.id, label: self.pattern.text, pattern: self.pattern, hosts: self.hosts.map(\.pattern),
      methods: self.methods, tier: self.tier, access: access, cors: self.cors, covers: self.covers,
      freeQuota: self.free, provision: self.provision)
  }
}

/// What a route costs, in every unit that it names.
package struct RoutePrice: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    /// The key under `price:`.
    package var key: String
    /// As written.
    package var text: String
    /// One for each configured payment that takes it.
    package var amounts: [Amount]
  }

  package var entries: [Entry]
  /// As written; of a rate.
  package var minimum: String?

  package var payable: [Amount] { self.entries.flatMap(\.amounts) }
}
