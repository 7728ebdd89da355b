internal import Gate
internal import Yams

/// Reads a configuration file: one YAML document, every key known, every value checked, under the environment's
/// variables. Reports all that is wrong at once.
package enum ConfigurationReader {
  package struct Outcome: Sendable {
    package var configuration: ServerConfiguration
    /// What starts, but may not be what was meant.
    package var warnings: [Problem]
  }

  package static func read(
    _ yaml: String, surroundings: Surroundings
  ) throws(ConfigurationFault) -> Outcome {
    let findings = Findings()
    let top = Location(path: "", line: nil)
    var root = Section<RootKey>(absentAt: top, findings)
    if let document = Document.compose(yaml, findings), let section = Section<RootKey>(document) {
      root = section
    }

    let listeners = ListenReader(root: root, surroundings: surroundings).read()
    let callers = CallersReader(root: root, surroundings: surroundings).read(for: listeners)
    let payments = PaymentsReader(root: root, surroundings: surroundings).read()
    let workloads = WorkloadsReader(root: root, surroundings: surroundings).read()
    let configuration = ServerConfiguration(
      listeners: listeners.configuration,
      keysDirectory: (surroundings.item(.keys, findings) ?? root.item(.keys))?.text() ?? "./keys",
      store: self.store(surroundings.item(.store, findings) ?? root.item(.store), surroundings),
      deadline: (surroundings.item(.deadline, findings) ?? root.item(.deadline))?
        .duration(.seconds(1)...(.seconds(300))) ?? .seconds(29),
      callers: callers,
      nginx: self.nginx(root.item(.nginx)),
      paygress: self.paygress(root.item(.paygress)),
      cashu: payments.cashu,
      x402: payments.x402,
      publicAPI: self.publicAPI(root, surroundings, findings),
      unpaid: root.item(.unpaid).flatMap(RequestLimit.read),
      passTime: self.passTime(root.item(.passes)),
      workloads: workloads,
      routes: RoutesReader(
        root: root, payments: payments, workloads: workloads,
        defaultPrice: DefaultPrice(root: root, surroundings: surroundings)
      ).read(),
      fallback: self.fallback(root.item(.default)),
      log: self.log(root.item(.log), surroundings, findings)
    )
    ForeignVariables.warn(of: surroundings, workloads, findings)
    try findings.finish()
    return Outcome(configuration: configuration, warnings: findings.warnings)
  }

  private static func store(_ item: Item?, _ surroundings: Surroundings) -> StoreLocation {
    let fallback = StoreLocation.sqlite(path: "./turnpike.db")
    guard let item, let text = item.text() else { return fallback }
    do throws(StoreLocation.Fault) {
      return try StoreLocation(text).with(environment: surroundings.environment)
    } catch {
      item.refuse(error.sentence)
      return fallback
    }
  }

  private static func publicAPI(
    _ root: Section<RootKey>, _ surroundings: Surroundings, _ findings: Findings
  ) -> PublicConfiguration {
    var configuration = PublicConfiguration()
    let section = root.item(.public).flatMap { Section<PublicKey>($0) }
    let url = surroundings.item(.publicURL, findings) ?? section?.item(.url)
    configuration.url = url?.serviceURL("whoever is on the way can take what is bought")
    configuration.clientAddress =
      section?.item(.clientAddress)?.choice(PublicConfiguration.ClientAddress.self) ?? .connection
    return configuration
  }

  private static func nginx(_ item: Item?) -> NginxConfiguration {
    var nginx = NginxConfiguration()
    guard let item, let section = Section<NginxKey>(item) else { return nginx }
    if section.item(.repeats)?.flag() == true { nginx.repeats = .byRequestID }
    if let location = section.item(.accelLocation), let text = location.text() {
      nginx.accelLocation = text
      if !text.hasPrefix("@") && !text.hasPrefix("/") { location.refuse("must begin with `@` or `/`") }
    }
    return nginx
  }

  private static func paygress(_ item: Item?) -> PaygressFront? {
    guard let item, let section = Section<PaygressKey>(item) else { return nil }
    return section.required(.proxy)?.choice(PaygressFront.self)
  }

  private static func passTime(_ item: Item?) -> Policy.Limits.PassTime {
    guard let item, let section = Section<PassesKey>(item) else { return .untold }
    return section.item(.timeLeft)?.flag() == true ? .told : .untold
  }

  private enum FallbackWord: String, CaseIterable { case deny, free }

  private static func fallback(_ item: Item?) -> Policy.Fallback {
    switch item?.choice(FallbackWord.self) {
    case .free: .free
    case .deny, nil: .deny
    }
  }

  private static func log(_ item: Item?, _ surroundings: Surroundings, _ findings: Findings)
    -> LogConfiguration
  {
    var log = LogConfiguration()
    let section =
      item.flatMap { Section<LogKey>($0) } ?? Section(absentAt: Location(path: "log", line: nil), findings)
    if let level = surroundings.item(.logLevel, findings) ?? section.item(.level) {
      log.level = level.choice(LogConfiguration.Level.self) ?? log.level
    } else if let text = surroundings.value(ForeignVariables.logLevel)?.lowercased() {
      // A name that other programs of the same container may share: what it cannot mean here is no mistake.
      log.level = LogConfiguration.Level(rawValue: text == "warn" ? "warning" : text) ?? log.level
    }
    let format = surroundings.item(.logFormat, findings) ?? section.item(.format)
    log.format = format?.choice(LogConfiguration.Format.self) ?? log.format
    return log
  }
}
