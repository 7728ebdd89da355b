import Digest
import Gate
import JSON
import Octets
import PublicAPI
import Synchronization
import Transport

/// A gate with a public service in front: coins are taken on trust, so the book alone decides.
struct Shop {
  let book = Book()
  let gate: Gate
  let service: PublicService
  let invoices = Invoices()

  static let page = "text/html,application/xhtml+xml,*/*;q=0.8"

  /// - Parameter prices: how many further routes there are, each with a price of its own.
  init(invoiceLimit: RequestLimit = RequestLimit(requests: 10, per: .seconds(60)), prices: Int = 0) throws {
    let verifiers: [any PaymentVerifier] = [CoinVerifier()]
    let revocations = Revocations()
    revocations.load([], at: StoppedClock().now())
    let cashier = Cashier(
      ledger: self.book, verifiers: verifiers, revocations: revocations,
      settings: Cashier.Settings(deadline: .seconds(60)), clock: StoppedClock())
    let more = try (0..<prices).map {
      try Self.route("/p\($0)", .priced(Tariff(prices: [Amount(UInt64(1_000 + $0), .sat)], terms: .uses(1))))
    }
    let routes =
      try more + [
        Self.route("/free/**", .free),
        Self.route("/one/**", .priced(Tariff(prices: [Amount(10, .sat)], terms: .uses(1)))),
        Self.route("/five/**", .priced(Tariff(prices: [Amount(50, .sat)], terms: .uses(5)))),
        Self.route(
          "/hour/**", .priced(Tariff(prices: [Amount(100, .sat)], terms: .duration(.seconds(3600))))),
        Self.route("/never/**", .denied),
        Self.route("/gold/**", .free, tier: "gold"),
      ]
    self.gate = Gate(
      policy: Policy(
        routes: try RouteTable(routes), fallback: .deny, verifiers: verifiers,
        invoices: "https://pay.example/v1/invoices"),
      verifiers: verifiers,
      passKeys: PassKeys(active: PassKey(id: 1, authenticator: HMACKey(Array("key".utf8)))),
      revocations: revocations, cashier: cashier, clock: StoppedClock())
    var settings = PublicSettings(version: "1.2")
    settings.invoiceLimit = invoiceLimit
    settings.methods = [.init("coin", json: #"{"mint":"here"}"#)]
    self.cashier = cashier
    self.service = PublicService(
      settings: settings, gate: self.gate, verifiers: verifiers, invoices: self.invoices)
  }

  private let cashier: Cashier

  private static func route(_ path: String, _ access: Route.Access, tier: String? = nil) throws -> Route {
    Route(id: RouteID(path), label: path, pattern: try PathPattern(path), tier: tier, access: access)
  }

  /// Runs the cashier beside `body`.
  static func open<R: Sendable>(
    invoiceLimit: RequestLimit = RequestLimit(requests: 10, per: .seconds(60)),
    _ body: @Sendable (Shop) async throws -> R
  ) async throws -> R {
    let shop = try Shop(invoiceLimit: invoiceLimit)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await shop.cashier.run() }
      defer { shop.cashier.stop() }
      return try await body(shop)
    }
  }

  func ask(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], body: String = "",
    host: String = "pay.example", from address: [UInt8] = [192, 0, 2, 1]
  ) async -> HTTPResponse {
    let request = HTTPRequest(peer: Peer(address: .ipv4(address), port: 1))
    request.method = Array(method.utf8)
    request.target = Array(target.utf8)
    request.authority = .once(Array(host.utf8)[...])
    for (name, value) in fields { request.fields.append(name: name.lowercased().utf8, value: value.utf8) }
    request.body = Array(body.utf8)
    switch self.service.respond(to: request) {
    case .now(let response): return response
    case .later(let work): return await work()
    }
  }

  /// A payment brought for a resource.
  func exchange(_ coin: String, for url: String, pass: String? = nil) async -> HTTPResponse {
    var fields = [("X-Coin", coin), ("Content-Type", "application/json")]
    if let pass { fields.append(("Turnpike-Pass", pass)) }
    return await self.ask("POST", "/v1/passes", fields, body: #"{"url":"\#(url)"}"#)
  }

  /// Whether the gate lets a request with this pass in.
  func shows(_ pass: String, at target: String, host: String = "shop.example") async -> Decision {
    var fields = FieldList()
    fields.append("turnpike-pass", pass.utf8)
    let request = AccessRequest(
      adapter: .envoy, method: .get, target: Array(target.utf8), host: Array(host.utf8), id: [UInt8]?.none,
      client: nil, fields: fields)
    switch self.gate.rule(on: request) {
    case .decided(let judgement): return judgement.decision
    case .pending(let pending): return await self.gate.decide(pending).decision
    }
  }
}

extension HTTPResponse {
  var json: JSON? { try? JSONReader.read(self.body) }
  var text: String { String(decoding: self.body, as: UTF8.self) }

  func field(_ name: StaticString) -> String? {
    guard case .once(let value) = self.fields.only(name) else { return nil }
    return String(decoding: value, as: UTF8.self)
  }
}

struct StoppedClock: TimeSource {
  func now() -> Timestamp { Timestamp(seconds: 1_800_000_000) }
}

/// `x-coin: name=value`; the name `forged` is invalid. Granted on trust.
struct CoinVerifier: PaymentVerifier {
  let method = PaymentMethod("coin")
  var credentialFields: [StaticString] = ["x-coin"]
  var bearing = Bearing.payload

  func offers(in request: AccessRequest) -> [PaymentOffer] {
    self.credentialFields.flatMap { request.fields.values(of: $0) }.compactMap { value in
      if value.startsIgnoringCase(with: "bearer ") { return nil }
      let bytes = value.startsIgnoringCase(with: "cashu ") ? value.dropFirst(6) : value
      return PaymentOffer(method: self.method, bytes: Array(bytes))
    }
  }

  func challenge(for tariff: Tariff) -> Challenge? {
    Challenge(
      method: self.method,
      text: .init(fields: [.init("X-Coin", "pay")], members: [.init("coins", json: "[1]")]))
  }

  func verify(_ offer: PaymentOffer, against quote: Quote, reach: Reach) async throws(Outage) -> Verdict {
    let parts = String(decoding: offer.bytes, as: UTF8.self).split(separator: "=")
    guard parts.count == 2, let value = UInt64(parts[1]) else { return .rejected(.malformed) }
    guard parts[0] != "forged" else { return .rejected(.invalid) }
    guard let least = quote.minimum(in: .sat), value >= least.value else { return .rejected(.tooLittle) }
    return .verified(
      VerifiedPayment(
        id: PaymentID(String(parts[0])), method: self.method, nullifiers: [Nullifier(Array(parts[0].utf8))],
        value: Amount(value, .sat), counterpart: "here", plan: [],
        trust: .reservation(limit: 1_000_000, beyond: .refuse), bearing: self.bearing))
  }

  func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {
    throw Outage(.mintBudget, "trusted coins ask nobody")
  }

  func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    .notSent(Outage(.outage, "trusted coins are not settled now"))
  }

  func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    .notSent(Outage(.outage, "trusted coins are not settled now"))
  }
}

/// Grants every payment at once, counts, and adds to grants.
final class Book: Ledger {
  struct State {
    var grants: [Serial: GrantRecord] = [:]
    var payments: [PaymentID: (serial: Serial, scope: GrantScope)] = [:]
    var counts: [String: UInt32] = [:]
    var notBearers: Set<PaymentID> = []
    var isDown = false
  }

  let state = Mutex(State())

  private func standing(_ id: PaymentID, _ scope: GrantScope, in state: State) -> PaymentStanding {
    guard let (serial, bought) = state.payments[id], let grant = state.grants[serial] else { return .unseen }
    if state.notBearers.contains(id) { return .notBearer(grant) }
    return bought == scope ? .granted(grant) : .otherRoute(id)
  }

  private func open() throws(Outage) {
    if self.state.withLock({ $0.isDown }) { throw Outage(.outage, "down", retryAfterSeconds: 3) }
  }

  func standing(of payment: VerifiedPayment, scope: GrantScope) async throws(Outage) -> PaymentStanding {
    try self.open()
    return self.state.withLock { self.standing(payment.id, scope, in: $0) }
  }

  func claim(_ reservation: Reservation) async throws(Outage) -> ClaimOutcome {
    try self.open()
    let standing = self.state.withLock { state -> PaymentStanding in
      let payment = reservation.payment
      let known = self.standing(payment.id, reservation.scope, in: state)
      guard case .unseen = known else { return known }
      guard let purchase = Purchase(of: payment.value, under: reservation.tariff) else {
        return .rejected(.tooLittle)
      }
      let now = StoppedClock().now()
      var grant: GrantRecord
      if let onto = reservation.onto, var found = state.grants[onto] {
        found.uses = found.uses.map { $0 + (purchase.uses ?? 0) }
        found.end = found.end.map { $0 + (purchase.time ?? .zero) }
        grant = found
      } else {
        grant = GrantRecord(
          serial: Serial(UInt128(state.grants.count + 1)), payment: payment.id, scope: reservation.scope,
          paid: payment.value, uses: purchase.uses, usesTaken: 0, end: purchase.time.map { now + $0 },
          receipt: Receipt(fields: [.init("PAYMENT-RESPONSE", "cmVjZWlwdA==")], transaction: "0xabc"))
      }
      state.grants[grant.serial] = grant
      state.payments[payment.id] = (grant.serial, reservation.scope)
      return .granted(grant)
    }
    return .standing(standing)
  }

  func take(_ request: UseRequest) async throws(Outage) -> UseOutcome {
    self.state.withLock { state in
      guard var grant = state.grants[request.serial] else { return .missing }
      if grant.revoked == .revoked { return .revoked }
      guard let uses = grant.uses else { return .time(grant) }
      guard grant.usesTaken < uses else { return .exhausted }
      if request.intent == .look { return .available(grant) }
      grant.usesTaken += 1
      state.grants[request.serial] = grant
      return .taken(TakenUse(serial: grant.serial, number: grant.usesTaken - 1), grant)
    }
  }

  func count(_ event: MeterEvent) async throws(Outage) -> MeterReading {
    self.state.withLock { state in
      let before = state.counts[event.meter, default: 0]
      guard before < event.limit else { return .full(until: StoppedClock().now() + .seconds(7)) }
      state.counts[event.meter] = before + 1
      return .counted(left: event.limit - before - 1)
    }
  }

  func account(of payment: PaymentID) async throws(Outage) -> PaymentAccount? {
    try self.open()
    return self.state.withLock { state in
      guard let (serial, scope) = state.payments[payment], let grant = state.grants[serial] else {
        return nil
      }
      return PaymentAccount(
        state: "accepted", method: PaymentMethod("coin"), value: grant.paid, scope: scope,
        created: StoppedClock().now(), grant: grant)
    }
  }

  func resume(_ payment: PaymentID) async throws(Outage) -> ResumeOutcome { .standing(.unseen) }
  func conclude(_ term: ClaimTerm, with settlement: Settlement) async throws(Outage) -> PaymentStanding {
    .unseen
  }
  func report(_ use: TakenUse, _ delivery: UseDelivery) async throws(Outage) {}
  func due(limit: Int) async throws(Outage) -> [DuePayment] { [] }
  func revocations(limit: Int) async throws(Outage) -> [Serial] { [] }

  func revoke(_ payment: PaymentID) {
    self.state.withLock { state in
      guard let serial = state.payments[payment]?.serial else { return }
      state.grants[serial]?.revoked = .revoked
    }
  }
}

/// Invoices that a test pays.
final class Invoices: InvoiceSource {
  private let all = Mutex<[String: Invoice]>([:])

  func open(for quote: Quote) async throws(Outage) -> Invoice {
    guard let amount = quote.minimum(in: .sat) else { throw Outage(.outage, "no price in sats") }
    return self.all.withLock { all in
      let now = StoppedClock().now()
      let invoice = Invoice(
        id: "secret\(all.count + 1)", counterpart: "mint", counterpartQuote: "q", plan: [],
        bolt11: "lnbc10n1abc", amount: amount, quote: quote, created: now, expires: now + .seconds(600))
      all[invoice.id] = invoice
      return invoice
    }
  }

  func invoice(_ id: String) async throws(Outage) -> Invoice? { self.all.withLock { $0[id] } }

  func close(_ id: String, _ end: Invoice.End) { self.all.withLock { $0[id]?.state = .closed(end) } }
}
