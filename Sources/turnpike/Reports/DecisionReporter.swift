internal import ExtAuthz
internal import Gate
internal import Logging
internal import Synchronization
internal import Telemetry

/// Counts every decision, and logs those that an operator may have to explain.
final class DecisionReporter: DecisionObserver {
  /// For requests that no route fits.
  private static let noRoute = "none"
  /// Routes of an old table are let go when so many have been seen.
  private static let maxRemembered = 4096
  /// Lines about one thing in one second; an outage must not fill a disk.
  private static let maxLinesPerSecond = 50
  /// Of a request's identity; NGINX makes 32, Envoy at most 20.
  private static let maxIdentityBytes = 64

  /// Holds its route, so that no other route can have its identity.
  private struct Known: Sendable {
    var route: Route
    var counters: RouteCounters
  }

  private let metrics: ServerMetrics
  private let log: Logger
  private let unrouted: RouteCounters
  private let known = Mutex<[ObjectIdentifier: Known]>([:])
  /// Apart from the decisions: whoever can reach the listener can cause these.
  private let callers = LineLimit(perSecond: 1)
  private let lines = LineLimit(perSecond: DecisionReporter.maxLinesPerSecond)

  init(metrics: ServerMetrics, log: Logger) {
    self.metrics = metrics
    self.log = log
    self.unrouted = metrics.decisions.route(Self.noRoute)
  }

  func decided(_ judgement: Judgement, for adapter: AccessRequest.Adapter, id: ArraySlice<UInt8>?) {
    self.counters(of: judgement.route).count(
      adapter: Self.number(of: adapter), outcome: DecisionOutcome.number(of: judgement.decision))
    self.report(judgement, adapter, id)
  }

  func refusedCaller(_ adapter: AccessRequest.Adapter) {
    guard self.callers.admits() else { return }
    self.log.warning(
      "a caller is none of `proxies`: its secret, address or certificate is another",
      metadata: ["adapter": "\(adapter.rawValue)"])
  }

  private func counters(of route: Route?) -> RouteCounters {
    guard let route else { return self.unrouted }
    return self.known.withLock { known in
      if let found = known[ObjectIdentifier(route)] { return found.counters }
      if known.count >= Self.maxRemembered { known.removeAll() }
      let counters = self.metrics.decisions.route(route.label)
      known[ObjectIdentifier(route)] = Known(route: route, counters: counters)
      return counters
    }
  }

  private static func number(of adapter: AccessRequest.Adapter) -> Int {
    switch adapter {
    case .envoy: 0
    case .nginx: 1
    case .ingressNginx: 2
    case .traefik: 3
    case .caddy: 4
    case .paygress: 5
    case .publicAPI: 6
    }
  }

  /// At `info`: what had to do with a payment. At `debug`: everything.
  private func report(_ judgement: Judgement, _ adapter: AccessRequest.Adapter, _ id: ArraySlice<UInt8>?) {
    let level = Self.level(of: judgement.decision)
    guard level >= self.log.logLevel, self.lines.admits() else { return }
    var metadata: Logger.Metadata = ["adapter": "\(adapter.rawValue)"]
    if let id {
      metadata[LogField.request] = "\(String(decoding: id.prefix(Self.maxIdentityBytes), as: UTF8.self))"
    }
    if let route = judgement.route { metadata[LogField.route] = "\(route.id)" }
    let outcome = DecisionOutcome.all[DecisionOutcome.number(of: judgement.decision)]
    metadata[LogField.reason] = "\(outcome.reason)"
    switch judgement.decision {
    case .unavailable(let outage):
      metadata["detail"] = "\(outage.message)"
      if let payment = outage.payment { metadata[LogField.payment] = "\(payment)" }
    case .deny(.otherRoute(let payment)), .deny(.notBearer(let payment)), .deny(.nameTaken(let payment)):
      metadata[LogField.payment] = "\(payment)"
    case .deny(.badRequest(let detail)): metadata["detail"] = "\(detail)"
    case .allow(let allowance):
      if let use = allowance.use { metadata["grant"] = "\(use.serial)/\(use.number)" }
      if let payment = allowance.payment { metadata[LogField.payment] = "\(payment)" }
    case .paymentRequired(let demand):
      if let payment = demand.payment { metadata[LogField.payment] = "\(payment)" }
    case .deny: break
    }
    self.log.log(level: level, "\(outcome.decision)", metadata: metadata)
  }

  private static func level(of decision: Decision) -> Logger.Level {
    switch decision {
    case .unavailable: .warning
    case .allow(let allowance): allowance.basis == .payment ? .info : .debug
    case .deny(.otherRoute), .deny(.notBearer), .deny(.nameTaken): .info
    case .paymentRequired(let demand): demand.payment == nil ? .debug : .info
    case .deny: .debug
    }
  }
}
