/// Every key path that a file may hold; lists are `[]`, the four listeners of `tls` are `*`.
package enum Schema {
  package static let keyPaths: [String] = {
    let sections: [[String]] = [
      paths(RootKey.self, below: ""),
      paths(ListenKey.self, below: "listen."),
      ["tls.*"],
      paths(TLSKey.self, below: "tls.*."),
      paths(ProxyKey.self, below: "proxies[]."),
      paths(NginxKey.self, below: "nginx."),
      paths(PaygressKey.self, below: "paygress."),
      paths(PublicKey.self, below: "public."),
      paths(PaymentsKey.self, below: "payments."),
      paths(CashuKey.self, below: "payments.cashu."),
      paths(MintKey.self, below: "payments.cashu.mints[]."),
      paths(RedeemKey.self, below: "payments.cashu.redeem."),
      paths(LightningKey.self, below: "payments.cashu.lightning."),
      paths(PayoutKey.self, below: "payments.cashu.payout."),
      paths(X402Key.self, below: "payments.x402."),
      paths(FacilitatorKey.self, below: "payments.x402.facilitator[]."),
      paths(SecretKey.self, below: "payments.x402.facilitator[].authorization."),
      paths(AcceptKey.self, below: "payments.x402.accept[]."),
      paths(SecretKey.self, below: "payments.x402.accept[].rpc."),
      paths(AssetKey.self, below: "payments.x402.accept[].asset."),
      paths(PriceKey.self, below: "price."),
      paths(RouteKey.self, below: "routes[]."),
      paths(PriceKey.self, below: "routes[].price."),
      paths(PassKey.self, below: "routes[].pass."),
      paths(RequestLimitKey.self, below: "routes[].free."),
      paths(CORSKey.self, below: "routes[].cors."),
      paths(RequestLimitKey.self, below: "unpaid."),
      paths(PassesKey.self, below: "passes."),
      paths(LogKey.self, below: "log."),
      paths(WorkloadsKey.self, below: "workloads."),
      paths(SpecKey.self, below: "workloads.specs[]."),
      paths(ClusterKey.self, below: "workloads.kubernetes."),
      paths(SecretKey.self, below: "workloads.admin."),
    ]
    return sections.flatMap(\.self)
  }()

  private static func paths<Key: KeySet>(_: Key.Type, below prefix: String) -> [String] {
    Key.allCases.map { prefix + $0.rawValue }
  }
}
