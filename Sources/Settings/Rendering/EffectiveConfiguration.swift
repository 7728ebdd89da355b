internal import Gate

extension ServerConfiguration {
  /// The whole configuration as a file that would give it again, defaults written out, secrets redacted.
  package var effectiveYAML: String {
    var lines: [String] = []
    lines.append("listen:")
    for name in ListenerName.allCases {
      let address = self.listeners[name].map { FlowYAML.text($0.address.description) } ?? "off"
      lines.append("  \(name.rawValue): \(address)")
    }
    lines += self.tlsLines
    let publicPairs = [
      ("url", self.publicAPI.url.map { FlowYAML.text($0.text) }),
      ("clientAddress", self.publicAPI.clientAddress.rawValue),
    ]
    lines.append("public: " + FlowYAML.mapping(publicPairs))
    lines.append("keys: \(FlowYAML.text(self.keysDirectory))")
    lines.append("store: \(FlowYAML.text(self.store.description))")
    lines.append("deadline: \(DurationText.format(self.deadline))")
    lines += self.callerLines
    lines.append("nginx:")
    lines.append("  repeats: \(self.nginx.repeats == .byRequestID)")
    lines.append("  accelLocation: \(FlowYAML.text(self.nginx.accelLocation))")
    if let paygress = self.paygress { lines.append("paygress: { proxy: \(paygress.rawValue) }") }
    if self.cashu != nil || self.x402 != nil { lines.append("payments:") }
    if let cashu = self.cashu { lines += cashu.effectiveLines }
    if let x402 = self.x402 { lines += x402.effectiveLines }
    if let workloads = self.workloads { lines += workloads.effectiveLines }
    lines.append(self.routes.isEmpty ? "routes: []" : "routes:")
    lines += self.routes.map { "  - " + $0.effectiveYAML }
    switch self.fallback {
    case .deny: lines.append("default: deny")
    case .free: lines.append("default: free")
    }
    if let unpaid = self.unpaid { lines.append("unpaid: \(unpaid.effectiveYAML)") }
    if self.passTime == .told { lines.append("passes: { timeLeft: true }") }
    lines.append("log: { level: \(self.log.level.rawValue), format: \(self.log.format.rawValue) }")
    return lines.joined(separator: "\n") + "\n"
  }

  private var tlsLines: [String] {
    let lines = ListenerName.allCases.compactMap { name in
      self.listeners[name]?.tls.map { files in
        let mapping = FlowYAML.mapping([
          ("cert", FlowYAML.text(files.certificate)), ("key", FlowYAML.text(files.key)),
          ("clientCA", files.clientCA.map(FlowYAML.text)),
        ])
        return "  \(name.rawValue): \(mapping)"
      }
    }
    return lines.isEmpty ? [] : ["tls:"] + lines
  }

  private var callerLines: [String] {
    switch self.callers {
    case .local: return []
    case .network: return ["trust: network"]
    case .proxies(let proxies):
      return ["proxies:"]
        + proxies.map { proxy in
          let secret = proxy.secretFile == nil && proxy.secret != nil
          return "  - "
            + FlowYAML.mapping([
              ("name", proxy.tlsName.map(FlowYAML.text)),
              ("secret", secret ? FlowYAML.text(ProxySecret.redacted) : nil),
              ("secretFile", proxy.secretFile.map(FlowYAML.text)),
              ("cidr", proxy.network.map(FlowYAML.text)),
            ])
        }
    }
  }
}

extension RouteConfiguration {
  var effectiveYAML: String {
    var pairs: [(key: String, value: String?)] = [
      ("id", FlowYAML.text(self.id.text)),
      ("path", FlowYAML.text(self.pattern.text)),
      ("hosts", self.hosts.isEmpty ? nil : FlowYAML.list(self.hosts.map { FlowYAML.text($0.text) })),
      ("methods", self.methods.isEmpty ? nil : FlowYAML.list(self.methods.map(\.name))),
      ("tier", self.tier.map(FlowYAML.text)),
    ]
    switch self.access {
    case .free: pairs.append(("access", "free"))
    case .denied: pairs.append(("access", "deny"))
    case .priced(let price, let terms):
      pairs.append(
        (
          "price",
          FlowYAML.mapping(price.entries.map { ($0.key, Self.amountText($0)) } + [("minimum", price.minimum)])
        ))
      pairs.append(("pass", Self.passText(terms)))
      pairs.append(("free", self.free?.effectiveYAML))
    }
    switch self.cors?.origins {
    case .any: pairs.append(("cors", "{ origins: \"*\" }"))
    case .listed(let origins):
      pairs.append(("cors", "{ origins: \(FlowYAML.list(origins.map(FlowYAML.text))) }"))
    case nil: break
    }
    if !self.covers.isEmpty {
      pairs.append(("covers", FlowYAML.list(self.covers.map { FlowYAML.text($0.text) })))
    }
    pairs.append(("provision", self.provision.map { FlowYAML.text($0.text) }))
    return FlowYAML.mapping(pairs)
  }

  /// Whole numbers plain, decimals in quotes: a reader must not make a binary fraction of them.
  private static func amountText(_ entry: RoutePrice.Entry) -> String {
    switch PriceKey(rawValue: entry.key) {
    case .usd, .eur, .usdPerHour: FlowYAML.text(entry.text)
    case .sat, .msat, .satPerHour, .minimum, nil: entry.text
    }
  }

  private static func passText(_ terms: Tariff.Terms) -> String? {
    switch terms {
    case .uses(let uses): "{ uses: \(uses) }"
    case .duration(let duration): "{ duration: \(DurationText.format(duration)) }"
    case .usesWithin(let uses, let duration): "{ uses: \(uses), duration: \(DurationText.format(duration)) }"
    case .rate: nil
    }
  }
}
