internal import X402

extension CashuPayments {
  /// Below `payments:`.
  var effectiveLines: [String] {
    var lines = ["  cashu:", "    unit: \(self.unit.rawValue)", "    mints:"]
    for mint in self.mints {
      let pairs = [("url", FlowYAML.text(mint.url.text)), ("exposure", mint.exposure.map { String($0) })]
      lines.append("      - " + FlowYAML.mapping(pairs))
    }
    lines.append("    offline: \(self.offline.rawValue)")
    if self.offline != .off {
      let redeem = [
        ("proofs", String(self.redeem.proofs)), ("every", DurationText.format(self.redeem.every)),
      ]
      lines.append("    redeem: " + FlowYAML.mapping(redeem))
    }
    if let mint = self.lightning { lines.append("    lightning: { mint: \(FlowYAML.text(mint.text)) }") }
    if let payout = self.payout {
      let pairs = [
        ("above", String(payout.above)), ("keep", String(payout.keep)), ("to", FlowYAML.text(payout.to)),
        ("maxFeePercent", String(payout.maxFeePercent)),
      ]
      lines.append("    payout: " + FlowYAML.mapping(pairs))
    }
    lines += ["    maxFeePercent: \(self.maxFeePercent)", "    maxProofs: \(self.maxProofs)"]
    if let requests = self.requestsPerMinute { lines.append("    requestsPerMinute: \(requests)") }
    if let requests = self.perAddressPerMinute { lines.append("    perAddressPerMinute: \(requests)") }
    lines.append("    timeout: \(DurationText.format(self.timeout))")
    return lines
  }
}

extension X402Payments {
  /// Below `payments:`.
  var effectiveLines: [String] {
    var lines = ["  x402:", "    facilitator:"]
    for facilitator in self.facilitators {
      lines.append(
        "      - "
          + FlowYAML.mapping([
            ("url", FlowYAML.text(facilitator.url.text)),
            ("networks", facilitator.networks.map { FlowYAML.list($0.map { FlowYAML.text($0.name) }) }),
            ("authorization", facilitator.authorization?.effectiveYAML),
            ("timeout", DurationText.format(facilitator.timeout)),
          ]))
    }
    lines.append("    accept:")
    lines += self.accepts.map { "      - " + $0.effectiveYAML }
    lines.append("    versions: " + FlowYAML.list(self.versions.map { String($0.rawValue) }))
    return lines
  }
}

extension X402Payments.Accept {
  fileprivate var effectiveYAML: String {
    FlowYAML.mapping([
      ("network", FlowYAML.text(self.asset.network.name)), ("asset", self.assetYAML),
      ("payTo", FlowYAML.text(self.payTo)), ("transfer", self.transfer.rawValue),
      ("rpc", self.rpc?.effectiveYAML), ("maxTimeout", DurationText.format(self.maxTimeout)),
    ])
  }

  private var assetYAML: String {
    switch self.naming {
    case .bySymbol: FlowYAML.text(self.asset.symbol)
    case .inFull:
      FlowYAML.mapping([
        ("address", FlowYAML.text(self.asset.address)), ("name", FlowYAML.text(self.asset.name)),
        ("version", FlowYAML.text(self.asset.version)), ("decimals", String(self.asset.decimals)),
        ("symbol", FlowYAML.text(self.asset.symbol)),
      ])
    }
  }
}

extension X402Payments.Endpoint {
  fileprivate var effectiveYAML: String {
    switch self.source {
    case .written: FlowYAML.text(self.url.text)
    case .variable, .file: Secret("", from: self.source).effectiveYAML
    }
  }
}
