internal import Octets
internal import Synchronization

/// What the configuration says of requests: routes, what is done where none fits, and how to pay.
public final class Policy: Sendable {
  /// For a request that no route fits.
  public enum Fallback: Sendable {
    case deny
    case free

    var decision: Decision {
      switch self {
      case .deny: .deny(.denied)
      case .free: .allow(Allowance(basis: .free))
      }
    }
  }

  public let routes: RouteTable
  public let fallback: Fallback
  public let limits: Limits
  private let challenges: [Tariff: [Challenge]]

  /// What holds on all routes.
  public struct Limits: Sendable {
    /// Unpaid demands that one client gets; nil for any number.
    public var challenges: RequestLimit?
    /// Whether a time pass's answer says how much time is left: it costs the fast path a little (docs/configuration.md).
    public var passTime: PassTime

    public enum PassTime: Sendable { case told, untold }

    public init(challenges: RequestLimit? = nil, passTime: PassTime = .untold) {
      self.challenges = challenges
      self.passTime = passTime
    }
  }

  /// Makes the challenges of every tariff once: a 402 costs no formatting.
  ///
  /// - Parameter invoices: the address of ``/v1/invoices`` as buyers reach it; nil where none are sold.
  public init(
    routes: RouteTable, fallback: Fallback, verifiers: [any PaymentVerifier], limits: Limits = Limits(),
    invoices: String? = nil
  ) {
    self.routes = routes
    self.fallback = fallback
    self.limits = limits
    var challenges: [Tariff: [Challenge]] = [:]
    for route in routes.routes {
      guard let tariff = route.tariff, challenges[tariff] == nil else { continue }
      challenges[tariff] = verifiers.compactMap { $0.challenge(for: tariff) }
      if let invoices, let challenge = Challenge.invoice(at: invoices, for: tariff) {
        challenges[tariff]?.append(challenge)
      }
    }
    self.challenges = challenges
  }

  /// How the schemes ask for a tariff of this policy's routes.
  public func challenges(for tariff: Tariff) -> [Challenge] { self.challenges[tariff] ?? [] }

  /// Whether the ledger must count a request that shows nothing.
  func counts(_ request: AccessRequest, on route: Route) -> Bool {
    self.limits.challenges != nil || route.freeQuota != nil && request.client != nil
  }

  func route(for request: AccessRequest, at place: Place) -> Route? {
    let tier = request.tier.map { String(decoding: $0, as: UTF8.self) }
    if let tier, !self.routes.knows(tier: tier) { return nil }
    return self.routes.route(method: request.method, host: place.host, path: place.path, tier: tier)
  }

  /// The route a true CORS preflight is for (Fetch standard, CORS-preflight request), where it admits them.
  func preflightRoute(for request: AccessRequest, at place: Place) -> Route? {
    guard request.method == .options,
      case .once = request.fields.only("origin"),
      case .once(let method) = request.fields.only("access-control-request-method")
    else { return nil }
    let tier = request.tier.map { String(decoding: $0, as: UTF8.self) }
    let route = self.routes.route(
      method: RequestMethod(method), host: place.host, path: place.path, tier: tier)
    guard let route, route.cors != nil else { return nil }
    return route
  }
}

/// The policy in force.
final class PolicyBox: Sendable {
  private let box: Mutex<Policy>

  init(_ policy: Policy) { self.box = Mutex(policy) }

  var current: Policy { self.box.withLock { $0 } }

  func replace(with policy: Policy) { self.box.withLock { $0 = policy } }
}
