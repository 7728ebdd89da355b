import Digest
import Gate
import JSON
import Octets
import PublicAPI
import TestKit
import Transport

/// A gate that sells machines of a scripted office, with a public service in front and a book in memory.
struct Depot {
  let clock = ManualClock()
  let ledger: any Ledger
  let office: ScriptedOffice
  let gate: Gate
  let service: PublicService
  private let cashier: Cashier
  private let verifiers: [any PaymentVerifier]

  static let secret = "the admin's own secret"

  init(bearing: Bearing, publicURL: String?) throws {
    let verifiers: [any PaymentVerifier] = [
      CoinVerifier(credentialFields: ["x-coin", "x-cashu", "authorization"], bearing: bearing)
    ]
    let revocations = Revocations()
    revocations.load([], at: self.clock.now())
    self.ledger = MemoryLedger.make(clock: self.clock)
    self.office = ScriptedOffice(ledger: self.ledger, clock: self.clock)
    self.cashier = Cashier(
      ledger: self.ledger, verifiers: verifiers, revocations: revocations,
      settings: Cashier.Settings(deadline: .seconds(60)), clock: self.clock)
    self.verifiers = verifiers
    self.gate = Gate(
      policy: try Self.policy(selling: "small", verifiers),
      verifiers: verifiers,
      passKeys: PassKeys(active: PassKey(id: 1, authenticator: HMACKey(Array("key".utf8)))),
      revocations: revocations, cashier: self.cashier, office: self.office, clock: self.clock)
    var settings = PublicSettings(version: "1.2")
    settings.publicURL = publicURL
    settings.workloads.adminSecret = Self.secret
    settings.workloads.kinds = [
      .init(
        name: WorkloadSpecName("small"), milliCPU: 500, memoryBytes: 256 << 20, diskBytes: 128 << 20,
        processes: 128, images: ["debian", "alpine"], username: "dev", network: "none")
    ]
    self.service = PublicService(settings: settings, gate: self.gate, verifiers: verifiers)
  }

  private static func policy(selling spec: String, _ verifiers: [any PaymentVerifier]) throws -> Policy {
    Policy(
      routes: try RouteTable([
        try Self.route("/ssh", 100, spec), try Self.route("/big", 400, "large"),
        Route(
          id: RouteID("/free"), label: "/free", pattern: try PathPattern("/free"), access: .free),
      ]), fallback: .deny, verifiers: verifiers)
  }

  /// On `/ssh`, from now on.
  func sell(_ spec: String) throws { self.gate.reload(try Self.policy(selling: spec, self.verifiers)) }

  private static func route(_ path: String, _ sats: UInt64, _ spec: String) throws -> Route {
    Route(
      id: RouteID(path), label: path, pattern: try PathPattern(path),
      access: .priced(
        Tariff(prices: [Amount(sats, .sat)], terms: .rate(per: .seconds(3600), least: .seconds(60)))),
      provision: WorkloadSpecName(spec))
  }

  /// Runs the cashier beside `body`.
  static func open<R: Sendable>(
    bearing: Bearing = .payload, publicURL: String? = nil, _ body: @Sendable (Depot) async throws -> R
  ) async throws -> R {
    let depot = try Depot(bearing: bearing, publicURL: publicURL)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await depot.cashier.run() }
      defer { depot.cashier.stop() }
      return try await body(depot)
    }
  }

  func ask(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], body: String = "",
    host: String = "pay.example"
  ) async -> HTTPResponse {
    let request = HTTPRequest(peer: Peer(address: .ipv4([192, 0, 2, 1]), port: 1))
    request.method = Array(method.utf8)
    request.target = Array(target.utf8)
    request.authority = .once(Array(host.utf8)[...])
    for (name, value) in fields { request.fields.append(name: name.lowercased().utf8, value: value.utf8) }
    if !body.isEmpty { request.fields.append("content-type", "application/json".utf8) }
    request.body = Array(body.utf8)
    switch self.service.respond(to: request) {
    case .now(let response): return response
    case .later(let work): return await work()
    }
  }

  /// Whether the book has seen a payment.
  func knows(_ payment: String) async -> Bool {
    (try? await self.ledger.account(of: PaymentID(payment))) != nil
  }

  /// A machine for a coin.
  func buy(_ coin: String, body: String = "") async -> HTTPResponse {
    await self.ask("POST", "/v1/workloads", [("X-Coin", coin)], body: body)
  }

  /// What a proxy's question about a request is answered.
  func decide(_ target: String, _ fields: [(StaticString, String)], method: RequestMethod = .get) async
    -> Decision
  {
    var list = FieldList()
    for (name, value) in fields { list.append(name, value.utf8) }
    let request = AccessRequest(
      adapter: .nginx, method: method, target: Array(target.utf8), host: Array("shop.example".utf8),
      id: [UInt8]?.none, client: nil, fields: list)
    switch self.gate.rule(on: request) {
    case .decided(let judgement): return judgement.decision
    case .pending(let pending): return await self.gate.decide(pending).decision
    }
  }

  /// The grant that an allow gives to the listener behind the proxy.
  func grant(_ coin: String, _ target: String = "/ssh", method: RequestMethod = .get) async -> String? {
    guard case .allow(let allowance) = await self.decide(target, [("x-coin", coin)], method: method) else {
      return nil
    }
    return allowance.assertions.workload?.grant
  }
}
