/// Reads `proxies` and `trust`: who may ask.
struct CallersReader {
  let root: Section<RootKey>
  let surroundings: Surroundings

  private enum TrustWord: String, CaseIterable { case network }

  func read(for listeners: ListenReader.Found) -> Callers {
    let findings = self.root.findings
    let trust = self.surroundings.item(.trust, findings) ?? self.root.item(.trust)
    let trustsNetwork = trust?.choice(TrustWord.self) != nil
    let proxies = self.proxies()
    switch proxies {
    case .some(let proxies):
      if let trust, trustsNetwork {
        trust.refuse(
          "admits whoever reaches the listener, so `proxies` would mean nothing; write one of the two")
      }
      self.checkNames(proxies, listeners)
      return .proxies(proxies)
    case nil where trustsNetwork: return .network
    case nil:
      // What was refused above needs no second sentence.
      if self.root.item(.proxies) == nil, trust == nil { self.requireLocal(listeners) }
      return .local
    }
  }

  /// Nil when nobody is named.
  private func proxies() -> [TrustedProxy]? {
    let findings = self.root.findings
    var proxies: [TrustedProxy] = []
    if let item = self.root.item(.proxies), let elements = item.list() {
      if elements.isEmpty { item.refuse("names nobody; leave it out, or name a proxy") }
      for element in elements {
        if let proxy = self.proxy(element) { proxies.append(proxy) }
      }
    }
    if let secret = self.surroundings.item(.proxySecret, findings).flatMap(self.secret(in:)) {
      proxies.append(TrustedProxy(secret: secret))
    }
    if let file = self.surroundings.item(.proxySecretFile, findings), let secret = self.secret(inFileAt: file)
    {
      proxies.append(TrustedProxy(secret: secret, secretFile: file.text()))
    }
    return proxies.isEmpty ? nil : proxies
  }

  private func proxy(_ item: Item) -> TrustedProxy? {
    guard let section = Section<ProxyKey>(item) else { return nil }
    var proxy = TrustedProxy()
    proxy.tlsName = section.item(.name)?.text()
    proxy.network = section.item(.cidr).flatMap(self.network)
    proxy.secret = section.item(.secret).flatMap(self.secret(in:))
    if let file = section.item(.secretFile) {
      if section.item(.secret) != nil { file.refuse("stands beside `secret`; write one of the two") }
      proxy.secret = self.secret(inFileAt: file)
      proxy.secretFile = file.text()
    }
    guard ProxyKey.allCases.contains(where: { section.item($0) != nil }) else {
      item.refuse("says nothing of the proxy; write `secret`, `secretFile`, `cidr` or `name`")
      return nil
    }
    return proxy
  }

  private func network(_ item: Item) -> String? {
    guard let text = item.text() else { return nil }
    do throws(NetworkText.Fault) {
      try NetworkText.check(text)
      return text
    } catch {
      item.refuse(error.sentence)
      return nil
    }
  }

  private func secret(in item: Item) -> ProxySecret? {
    guard let text = item.text() else { return nil }
    return self.secret(text, from: item)
  }

  /// The file's first line.
  private func secret(inFileAt item: Item) -> ProxySecret? {
    guard let bytes = self.surroundings.secret(inFileAt: item) else { return nil }
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    return self.secret(String(decoding: line, as: UTF8.self), from: item)
  }

  private func secret(_ text: String, from item: Item) -> ProxySecret? {
    do throws(ProxySecret.Fault) {
      return try ProxySecret(text)
    } catch {
      item.refuse(error.sentence)
      return nil
    }
  }

  /// A proxy known by its certificate can be known only where certificates are asked for.
  private func checkNames(_ proxies: [TrustedProxy], _ listeners: ListenReader.Found) {
    guard proxies.contains(where: { $0.tlsName != nil }) else { return }
    let asking = [ListenerName.proxy, .grpc].filter { listeners.configuration[$0]?.tls?.clientCA != nil }
    guard asking.isEmpty else { return }
    self.root.findings.refuse(
      "a proxy is known by `name`, but no listener asks for certificates; write `tls: { proxy: { clientCA: … } }`",
      at: self.root.location(of: .proxies))
  }

  /// Design §6: whoever can speak as the proxy decides what is asked.
  private func requireLocal(_ listeners: ListenReader.Found) {
    for name in [ListenerName.proxy, .grpc] {
      guard let address = listeners.configuration[name]?.address, !address.isLocal,
        let location = listeners.locations[name]
      else { continue }
      self.root.findings.refuse(
        "others than this host can reach `\(address)`, and whoever speaks as the proxy decides what is asked; write "
          + "`proxies: [{ secretFile: PATH }]` (or `cidr:`, or `name:` with mutual TLS), or `trust: network` where "
          + "the network itself keeps others out",
        at: location)
    }
  }
}
