/// Reads `listen` and `tls`.
struct ListenReader {
  let root: Section<RootKey>
  let surroundings: Surroundings

  /// The listeners, and where each was given, for what is checked later.
  struct Found {
    var configuration: Listeners
    var locations: [ListenerName: Location]
  }

  func read() -> Found {
    let findings = self.root.findings
    var listen = Section<ListenKey>(absentAt: self.root.location(of: .listen), findings)
    if let item = self.root.item(.listen), let section = Section<ListenKey>(item) { listen = section }
    listen.item(.gateway)?.refuse("the gateway is not in this release")
    listen.item(.session)?.refuse("session routes are not in this release")
    var found = Found(configuration: Listeners([:]), locations: [:])
    for name in ListenerName.allCases {
      let item = self.override(name, findings) ?? listen.item(Self.key(of: name))
      found.locations[name] = item?.location ?? listen.location(of: Self.key(of: name))
      guard let address = self.address(item, or: name.defaultAddress) else { continue }
      found.configuration[name] = ListenerConfiguration(address: address)
    }
    self.checkDistinct(found, findings)
    self.readTLS(into: &found.configuration)
    if found.configuration[.proxy] == nil, found.configuration[.grpc] == nil {
      findings.warn("`proxy` and `grpc` are off: no proxy can ask", at: listen.location)
    }
    return found
  }

  private func override(_ name: ListenerName, _ findings: Findings) -> Item? {
    switch name {
    case .proxy: self.surroundings.item(.proxyListen, findings)
    case .grpc: self.surroundings.item(.grpcListen, findings)
    case .public:
      self.surroundings.item(.publicListen, findings)
        ?? self.surroundings.item(named: ForeignVariables.publicListen, findings)
    case .admin: self.surroundings.item(.adminListen, findings)
    }
  }

  private static func key(of name: ListenerName) -> ListenKey {
    switch name {
    case .proxy: .proxy
    case .grpc: .grpc
    case .public: .public
    case .admin: .admin
    }
  }

  /// Nil for `off`.
  private func address(_ item: Item?, or preset: BindAddress) -> BindAddress? {
    guard let item, let text = item.text() else { return preset }
    if text == "off" { return nil }
    do throws(BindAddress.Fault) {
      return try BindAddress(text)
    } catch {
      item.refuse(error.sentence)
      return preset
    }
  }

  private func checkDistinct(_ found: Found, _ findings: Findings) {
    var seen: [BindAddress: ListenerName] = [:]
    for name in ListenerName.allCases {
      guard let address = found.configuration[name]?.address, let location = found.locations[name] else {
        continue
      }
      if case .tcp(_, port: 0) = address { continue }
      if let other = seen[address] {
        findings.refuse(
          "`\(address)` is taken by `\(other.rawValue)`; each listener has its own", at: location)
      }
      seen[address] = name
    }
  }

  private func readTLS(into listeners: inout Listeners) {
    guard let item = self.root.item(.tls), let section = Section<TLSListenerKey>(item) else { return }
    for (name, key) in [
      (ListenerName.proxy, TLSListenerKey.proxy), (.grpc, .grpc), (.public, .public), (.admin, .admin),
    ] {
      guard let item = section.item(key), let files = Section<TLSKey>(item) else { continue }
      let certificate = self.path(files.required(.cert))
      let privateKey = self.path(files.required(.key))
      let clientCA = self.path(files.item(.clientCA))
      guard let certificate, let privateKey else { continue }
      if listeners[name] == nil { item.refuse("`listen.\(name.rawValue)` is off") }
      listeners[name]?.tls = TLSFiles(certificate: certificate, key: privateKey, clientCA: clientCA)
    }
  }

  /// The path of a file that can be read now.
  private func path(_ item: Item?) -> String? {
    guard let item, self.surroundings.contents(ofFileAt: item) != nil else { return nil }
    return item.text()
  }
}
