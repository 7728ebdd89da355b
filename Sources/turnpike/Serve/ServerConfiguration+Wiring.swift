internal import ExtAuthz
internal import Gate
internal import Logging
internal import NIOCore
internal import Settings
internal import Store
internal import Transport

/// What the configuration says, in the words of the parts it is for.
extension ServerConfiguration {
  /// Blocks; for the start.
  func openLedger(
    clock: any TimeSource, crashPoints: CrashPoints, log: Logger
  ) throws(Outage) -> TransactionalLedger {
    switch self.store {
    case .sqlite(let path): try SQLiteLedger.open(at: path, clock: clock, crashPoints: crashPoints)
    case .postgreSQL(let location):
      try PostgreSQLLedger.open(url: location.reveal(), clock: clock, crashPoints: crashPoints) { notice in
        log.warning("store: \(notice)")
      }
    }
  }

  func makePolicy(_ verifiers: [any PaymentVerifier]) throws(RouteTable.DuplicateID) -> Policy {
    Policy(
      routes: try self.makeRouteTable(), fallback: self.fallback, verifiers: verifiers,
      limits: .init(challenges: self.unpaid, passTime: self.passTime), invoices: self.invoicesURL)
  }

  /// Where a buyer's browser orders an invoice; nil where it could not.
  private var invoicesURL: String? {
    guard self.cashu?.lightning != nil, let url = self.publicAPI.url else { return nil }
    return "\(url)/v1/invoices"
  }

  func proxyTrust() throws(WiringFault) -> ProxyTrust {
    guard case .proxies(let proxies) = self.callers else { return .network }
    var known: [KnownProxy] = []
    for proxy in proxies {
      var network: CIDR?
      if let text = proxy.network {
        guard let cidr = CIDR(text) else { throw .network(text) }
        network = cidr
      }
      guard let one = KnownProxy(tlsName: proxy.tlsName, secret: proxy.secret?.reveal(), network: network)
      else { throw .emptyProxy }
      known.append(one)
    }
    return .proxies(known)
  }

  func envoySettings(_ trust: ProxyTrust) -> EnvoyAdapter.Settings {
    var settings = EnvoyAdapter.Settings()
    settings.trust = trust
    settings.width = self.eventLoops
    return settings
  }

  func proxySettings(_ trust: ProxyTrust) -> ProxyAdapters.Settings {
    var settings = ProxyAdapters.Settings()
    settings.trust = trust
    settings.nginxRepeats = self.nginx.repeats == .byRequestID ? .byRequestID : .none
    settings.accelLocation = self.nginx.accelLocation
    settings.paygress = self.paygress.flatMap { PaygressProxy(rawValue: $0.rawValue) }
    return settings
  }

  /// One for each core: connections are spread over them, and each works alone.
  var eventLoops: Int { System.coreCount }
}

extension ListenerConfiguration {
  var transportAddress: Transport.ListenAddress {
    switch self.address {
    case .tcp(let host, let port): .network(host: host, port: port)
    case .unix(let path): .unix(path: path)
    }
  }

  var transportTLS: TLSConfiguration? {
    self.tls.map {
      TLSConfiguration(certificateFile: $0.certificate, keyFile: $0.key, clientAuthorityFile: $0.clientCA)
    }
  }
}

/// A configuration that was read as good and that a part cannot take.
enum WiringFault: Error, CustomStringConvertible {
  case mint(String)
  case network(String)
  case emptyProxy

  var description: String {
    switch self {
    case .mint(let text): "payments.cashu.mints: \(text) is no address that a mint can be called at"
    case .network(let text): "proxies: \(text) is no network"
    case .emptyProxy: "proxies: one names neither a secret, a network nor a certificate's name"
    }
  }
}
