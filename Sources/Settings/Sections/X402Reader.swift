internal import X402
internal import Yams

/// Reads `payments.x402`.
struct X402Reader {
  let surroundings: Surroundings

  func read(_ item: Item) -> X402Payments? {
    guard let section = Section<X402Key>(item) else { return nil }
    let facilitators = self.facilitators(section)
    let payTo = self.surroundings.item(.payTo, section.findings) ?? section.item(.payTo)
    let accepts = section.required(.accept).flatMap { self.accepts($0, payTo: payTo) }
    let versions = section.item(.versions).map(self.versions) ?? [.v1, .v2]
    guard let facilitators, let accepts, let versions else { return nil }
    self.checkCovered(accepts, by: facilitators, section)
    return X402Payments(facilitators: facilitators, accepts: accepts, versions: versions)
  }

  private func versions(_ item: Item) -> [X402Configuration.Version]? {
    guard let elements = item.list() else { return nil }
    if elements.isEmpty { item.refuse("names no version; leave it out for both") }
    let versions = elements.compactMap { $0.integer(1...2).flatMap(X402Configuration.Version.init) }
    return versions.isEmpty || versions.count < elements.count ? nil : versions
  }

  // MARK: Facilitators

  private static let danger = "whoever is on the way can say that a payment is good"
  private static let timeouts = Duration.seconds(1)...(.seconds(120))

  private func facilitators(_ section: Section<X402Key>) -> [X402Payments.Facilitator]? {
    let item = self.surroundings.item(.facilitator, section.findings) ?? section.required(.facilitator)
    guard let item else { return nil }
    guard let elements = item.sequence else { return self.facilitator(item).map { [$0] } }
    if elements.isEmpty { item.refuse("names none; write its URL") }
    let found = elements.compactMap(self.facilitator)
    return found.isEmpty || found.count < elements.count ? nil : found
  }

  private func facilitator(_ item: Item) -> X402Payments.Facilitator? {
    guard case .mapping = item.node else {
      return item.serviceURL(Self.danger).map {
        .init(url: $0, networks: nil, authorization: nil, timeout: X402Payments.defaultTimeout)
      }
    }
    guard let section = Section<FacilitatorKey>(item) else { return nil }
    let url = section.required(.url)?.serviceURL(Self.danger)
    let networks = section.item(.networks).flatMap { $0.list() }
    if let networks, networks.isEmpty { section.item(.networks)?.refuse("is empty; leave it out for all") }
    let authorization = section.item(.authorization)
      .flatMap { SecretReader(surroundings: self.surroundings).read($0) }
    let timeout = section.item(.timeout)?.duration(Self.timeouts) ?? X402Payments.defaultTimeout
    guard let url else { return nil }
    return .init(
      url: url, networks: networks.map { $0.compactMap(self.network) }, authorization: authorization,
      timeout: timeout)
  }

  private func checkCovered(
    _ accepts: [X402Payments.Accept], by facilitators: [X402Payments.Facilitator], _ section: Section<X402Key>
  ) {
    for (index, accept) in accepts.enumerated()
    where !facilitators.contains(where: { $0.networks?.contains(accept.asset.network) ?? true }) {
      section.findings.refuse(
        "no facilitator is for `\(accept.asset.network)`, the network of `accept[\(index)]`",
        at: section.location(of: .facilitator))
    }
  }

  // MARK: What is accepted

  private func accepts(_ item: Item, payTo: Item?) -> [X402Payments.Accept]? {
    guard let elements = item.list() else { return nil }
    if elements.isEmpty {
      item.refuse("names nothing; write as `[{ network: \"eip155:8453\", asset: USDC }]`")
    }
    var accepts: [X402Payments.Accept] = []
    for element in elements {
      guard let section = Section<AcceptKey>(element), let accept = self.accept(section, payTo: payTo) else {
        continue
      }
      if accepts.contains(where: { $0.asset.unit == accept.asset.unit && $0.transfer == accept.transfer }) {
        element.refuse("is listed twice")
      }
      accepts.append(accept)
    }
    return accepts.isEmpty || accepts.count < elements.count ? nil : accepts
  }

  private func accept(_ section: Section<AcceptKey>, payTo: Item?) -> X402Payments.Accept? {
    let network = section.required(.network).flatMap(self.network)
    let payee = section.item(.payTo) ?? payTo
    if payee == nil {
      section.findings.refuse("`payTo` is missing: the address that is paid", at: section.location)
    }
    let rpc = section.item(.rpc).flatMap(self.endpoint)
    let transfer = section.item(.transfer)?.choice(X402Configuration.Transfer.self)
    let maxTimeout = section.item(.maxTimeout).map { $0.duration(.seconds(30)...(.seconds(86_400))) }
    guard let network, let payee, let address = payee.text(),
      let (asset, naming) = self.asset(section, on: network), let maxTimeout = maxTimeout ?? .seconds(120)
    else { return nil }
    do throws(X402Configuration.Accept.Fault) {
      let accept = try X402Configuration.Accept(asset: asset, payTo: address, transfer: transfer)
      if rpc == nil, section.item(.rpc) == nil, accept.transfer != .svm {
        section.findings.warn(
          "has no `rpc`: a settlement whose answer is lost waits for an operator", at: section.location)
      }
      return .init(
        asset: asset, naming: naming, payTo: accept.payTo, transfer: accept.transfer, rpc: rpc,
        maxTimeout: maxTimeout)
    } catch {
      switch error {
      case .payTo, .nobody: payee.refuse("\(error)")
      case .transfer: (section.item(.transfer) ?? section.item(.asset) ?? payee).refuse("\(error)")
      case .maxTimeout: section.findings.refuse("\(error)", at: section.location(of: .maxTimeout))
      }
      return nil
    }
  }

  /// CAIP-2. The names of x402 V1 are understood and pointed at.
  private func network(_ item: Item) -> Network? {
    guard let text = item.text() else { return nil }
    guard let network = Network(text) else {
      item.refuse(
        "expected a network such as `eip155:8453` (Base) or `eip155:84532` (Base Sepolia), found \(Item.quote(text))"
      )
      return nil
    }
    if network.name != text { item.warn("is the name of x402 V1; here it is written `\(network)`") }
    return network
  }

  private func asset(_ section: Section<AcceptKey>, on network: Network) -> (Asset, X402Payments.Naming)? {
    guard let item = section.item(.asset) else {
      if let asset = Asset.dollar(on: network) { return (asset, .bySymbol) }
      section.findings.refuse("`asset` is missing: none is known for `\(network)`", at: section.location)
      return nil
    }
    if case .mapping = item.node { return self.token(item, on: network).map { ($0, .inFull) } }
    guard let text = item.text() else { return nil }
    if let asset = Asset.named(text, on: network) { return (asset, .bySymbol) }
    item.refuse(
      "\(Item.quote(text)) is not known on `\(network)`; write `{ address: …, name: …, version: …, decimals: … }`"
    )
    return nil
  }

  /// An asset of the operator's own, with what its EIP-712 domain says of it.
  private func token(_ item: Item, on network: Network) -> Asset? {
    guard let section = Section<AssetKey>(item) else { return nil }
    let symbol = section.item(.symbol).map { $0.text() } ?? .some(nil)
    guard let address = section.required(.address)?.text(), let name = section.required(.name)?.text(),
      let version = section.required(.version)?.text(),
      let decimals = section.required(.decimals)?.integer(0...36), let symbol
    else { return nil }
    do throws(Asset.Fault) {
      return try Asset(
        network: network, address: address, name: name, version: version, decimals: Int(decimals),
        symbol: symbol)
    } catch {
      (section.item(.address) ?? item).refuse("\(error)")
      return nil
    }
  }

  private func endpoint(_ item: Item) -> X402Payments.Endpoint? {
    guard let secret = SecretReader(surroundings: self.surroundings).read(item) else { return nil }
    return item.serviceURL(of: secret.reveal(), "whoever is on the way can say that a payment arrived")
      .map { .init(url: $0, source: secret.source) }
  }
}
