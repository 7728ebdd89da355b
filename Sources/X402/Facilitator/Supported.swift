internal import JSON

/// What a facilitator says it can do: the answer of `/supported`.
struct Supported: Sendable, Equatable {
  private struct Kind: Hashable, Sendable {
    var version: UInt64
    var scheme: String
    /// As it writes it: a V1 name, a CAIP-2 name, or `eip155:*`.
    var network: String
  }

  private let kinds: Set<Kind>
  /// SVM: who pays the fees, by network.
  private let feePayers: [String: String]

  init?(_ json: JSON) {
    guard let items = json["kinds"]?.array else { return nil }
    var kinds: Set<Kind> = []
    var feePayers: [String: String] = [:]
    for item in items {
      guard let scheme = item["scheme"]?.string, let network = item["network"]?.string else { return nil }
      // V1 facilitators did not always write the version.
      let version = item["x402Version"]?.unsigned ?? 1
      kinds.insert(Kind(version: version, scheme: scheme, network: network))
      if let feePayer = item["extra"]?["feePayer"]?.string { feePayers[network] = feePayer }
    }
    self.kinds = kinds
    self.feePayers = feePayers
  }

  func covers(_ network: Network, _ version: X402Configuration.Version) -> Bool {
    self.names(network, version).contains { name in
      self.kinds.contains(Kind(version: version.rawValue, scheme: Scheme.exact.rawValue, network: name))
    }
  }

  func feePayer(on network: Network) -> String? {
    self.feePayers[network.name] ?? network.nameV1.flatMap { self.feePayers[$0] }
  }

  private func names(_ network: Network, _ version: X402Configuration.Version) -> [String] {
    switch version {
    case .v1: network.nameV1.map { [$0] } ?? []
    case .v2: [network.name, "\(network.name.prefix { $0 != ":" }):*"]
    }
  }
}
