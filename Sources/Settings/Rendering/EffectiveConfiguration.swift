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
    lines.append("keys: \(FlowYAML.text(self.keysDirectory))")
    lines.append("store: \(FlowYAML.text(self.store.description))")
    lines.append("deadline: \(DurationText.format(self.deadline))")
    lines += self.callerLines
    lines.append("nginx:")
    lines.append("  repeats: \(self.nginx.repeats == .byRequestID)")
    lines.append("  accelLocation: \(FlowYAML.text(self.nginx.accelLocation))")
    if let paygress = self.paygress { lines.append("paygress: { proxy: \(paygress.rawValue) }") }
    if let cashu = self.cashu { lines += Self.lines(of: cashu) }
    lines.append(self.routes.isEmpty ? "routes: []" : "routes:")
    lines += self.routes.map { "  - " + $0.effectiveYAML }
    switch self.fallback {
    case .deny: lines.append("default: deny")
    case .free: lines.append("default: free")
    }
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

  private static func lines(of cashu: CashuPayments) -> [String] {
    var lines = ["payments:", "  cashu:", "    unit: \(cashu.unit.rawValue)", "    mints:"]
    for mint in cashu.mints {
      let pairs = [("url", FlowYAML.text(mint.url.text)), ("exposure", mint.exposure.map { String($0) })]
      lines.append("      - " + FlowYAML.mapping(pairs))
    }
    lines += [
      "    offline: \(cashu.offline.rawValue)",
      "    maxFeePercent: \(cashu.maxFeePercent)",
      "    maxProofs: \(cashu.maxProofs)",
    ]
    if let requests = cashu.requestsPerMinute { lines.append("    requestsPerMinute: \(requests)") }
    if let requests = cashu.perAddressPerMinute { lines.append("    perAddressPerMinute: \(requests)") }
    lines.append("    timeout: \(DurationText.format(cashu.timeout))")
    return lines
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
      pairs.append(("price", FlowYAML.mapping(price.entries.map { ($0.key, Self.amountText($0)) })))
      pairs.append(("pass", Self.passText(terms)))
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
    return FlowYAML.mapping(pairs)
  }

  /// Whole numbers plain, decimals in quotes: a reader must not make a binary fraction of them.
  private static func amountText(_ entry: RoutePrice.Entry) -> String {
    switch PriceKey(rawValue: entry.key) {
    case .usd, .eur: FlowYAML.text(entry.text)
    case .sat, .msat, .satPerHour, nil: entry.text
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
