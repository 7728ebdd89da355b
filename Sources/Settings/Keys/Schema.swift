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
      paths(PaymentsKey.self, below: "payments."),
      paths(CashuKey.self, below: "payments.cashu."),
      paths(MintKey.self, below: "payments.cashu.mints[]."),
      paths(RouteKey.self, below: "routes[]."),
      paths(PriceKey.self, below: "routes[].price."),
      paths(PassKey.self, below: "routes[].pass."),
      paths(CORSKey.self, below: "routes[].cors."),
      paths(LogKey.self, below: "log."),
    ]
    return sections.flatMap(\.self)
  }()

  private static func paths<Key: KeySet>(_: Key.Type, below prefix: String) -> [String] {
    Key.allCases.map { prefix + $0.rawValue }
  }
}
