import Digest
import Gate
import Octets
import Synchronization
import TestKit
import Testing

/// A gate with a memory ledger, scripted coins and a clock of its own.
final class Workbench: Sendable {
  let counterpart = ScriptedCounterpart()
  let clock = ManualClock()
  let ledger: any Ledger
  let cashier: Cashier
  let gate: Gate
  let revocations = Revocations()
  let office: ScriptedOffice

  /// Who has machines made.
  enum Provisioning { case scripted, none }

  init(
    routes: [Route]? = nil, fallback: Policy.Fallback = .deny, keys: PassKeys = Workbench.keys(1),
    deadline: Duration = .seconds(20), deliveryPatience: Duration = .seconds(5),
    limits: Policy.Limits = Policy.Limits(), trust: Trust = .settlement, bearing: Bearing = .payload,
    provisioning: Provisioning = .scripted
  ) throws {
    let verifier = ScriptedVerifier(self.counterpart, trust: trust, bearing: bearing)
    self.ledger = MemoryLedger.make(clock: self.clock)
    self.office = ScriptedOffice(ledger: self.ledger, clock: self.clock)
    self.cashier = Cashier(
      ledger: self.ledger, verifiers: [verifier], revocations: self.revocations,
      settings: .init(deadline: deadline, deliveryPatience: deliveryPatience), clock: self.clock)
    self.gate = Gate(
      policy: Policy(
        routes: try RouteTable(try routes ?? Self.routes()), fallback: fallback, verifiers: [verifier],
        limits: limits),
      verifiers: [verifier], passKeys: keys, revocations: self.revocations, cashier: self.cashier,
      office: provisioning == .none ? nil : self.office, clock: self.clock)
    self.revocations.load([], at: self.clock.now())
  }

  /// Runs the service beside `body`.
  func running<R: Sendable>(_ body: @Sendable (Workbench) async throws -> R) async throws -> R {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await self.cashier.run() }
      defer { self.cashier.stop() }
      return try await body(self)
    }
  }

  static func keys(_ ids: UInt32...) -> PassKeys {
    let keys = ids.map { PassKey(id: $0, authenticator: HMACKey(Array("key \($0)".utf8))) }
    return PassKeys(active: keys[0], retiring: Array(keys.dropFirst()))
  }

  static func routes() throws -> [Route] {
    [
      try route("/free/**", .free),
      try route("/paid/**", .priced(Tariff(prices: [Amount(10, .sat)], terms: .uses(1)))),
      try route("/hour/**", .priced(Tariff(prices: [Amount(100, .sat)], terms: .duration(.seconds(3600))))),
      try route("/five/**", .priced(Tariff(prices: [Amount(50, .sat)], terms: .uses(5)))),
      try route("/closed/**", .denied),
      try route(
        "/open/**", .priced(Tariff(prices: [Amount(10, .sat)], terms: .uses(1))), cors: CORS(origins: .any)),
      try route(
        "/ssh", .priced(Tariff(prices: [Amount(100, .sat)], terms: .rate(per: .seconds(3600)))),
        provision: WorkloadSpecName("small")),
      try route(
        "/big", .priced(Tariff(prices: [Amount(400, .sat)], terms: .rate(per: .seconds(3600)))),
        provision: WorkloadSpecName("large")),
    ]
  }

  static func route(
    _ pattern: String, _ access: Route.Access, cors: CORS? = nil, covers: [RouteID] = [], tier: String? = nil,
    freeQuota: RequestLimit? = nil, provision: WorkloadSpecName? = nil
  ) throws -> Route {
    Route(
      id: RouteID(pattern), label: pattern, pattern: try PathPattern(pattern), tier: tier, access: access,
      cors: cors,
      covers: covers, freeQuota: freeQuota, provision: provision)
  }

  static func request(
    _ target: String, method: RequestMethod = .get, host: String? = "shop.example", id: String? = nil,
    tier: String? = nil, _ fields: [(StaticString, String)] = [], adapter: AccessRequest.Adapter = .envoy,
    client: ClientAddress? = nil
  ) -> AccessRequest {
    var list = FieldList()
    for (name, value) in fields { list.append(name, value.utf8) }
    return AccessRequest(
      adapter: adapter, method: method, target: Array(target.utf8), host: host.map { Array($0.utf8) },
      id: id.map { Array($0.utf8) }, client: client, fields: list, tier: tier.map { Array($0.utf8) })
  }

  /// Asks, and reports the answer as written, as an adapter does.
  func ask(_ request: AccessRequest) async -> Decision {
    let decision = await self.askInFlight(request)
    if let use = decision.allowance?.use { try? await self.ledger.report(use, .written) }
    return decision
  }

  /// Asks, and leaves the answer on its way out.
  func askInFlight(_ request: AccessRequest) async -> Decision {
    switch self.gate.rule(on: request) {
    case .decided(let judgement): judgement.decision
    case .pending(let pending): await self.gate.decide(pending).decision
    }
  }

  func ask(
    _ target: String, method: RequestMethod = .get, id: String? = nil, coin: Coin? = nil, pass: String? = nil
  ) async -> Decision {
    var fields: [(StaticString, String)] = []
    if let coin { fields.append(("x-coin", coin.offer)) }
    if let pass { fields.append(("turnpike-pass", pass)) }
    return await self.ask(Self.request(target, method: method, id: id, fields))
  }
}

extension Decision {
  /// `allow`, or the public reason code.
  var code: String {
    switch self {
    case .allow: "allow"
    case .paymentRequired(let demand): demand.reason.code
    case .deny(let denial): denial.code
    case .unavailable(let outage): outage.code.rawValue
    }
  }

  var allowance: Allowance? {
    if case .allow(let allowance) = self { allowance } else { nil }
  }
}
