import Octets
import Synchronization
import Transport

@testable import ExtAuthz
@testable import Gate

/// A gate with a free, a priced, a metered and a denied route, and one made-up scheme; its ledger can only count.
struct House {
  let gate: Gate
  let desk: GateDesk
  let observer = Decisions()

  static let tariff = Tariff(prices: [Amount(10, .sat)], terms: .uses(1))

  init(challengeLimit: RequestLimit? = nil, vacancy: Vacancy = .open) throws {
    let verifiers: [any PaymentVerifier] = [CoinVerifier()]
    let routes = try [
      Self.route("/free/**", .free),
      Self.route("/paid/**", .priced(Self.tariff)),
      Self.route("/cors/**", .priced(Self.tariff), cors: CORS(origins: .listed(["https://app.example"]))),
      Self.route("/never/**", .denied),
      Self.route(
        "/quota/**", .priced(Self.tariff), freeQuota: RequestLimit(requests: 2, per: .seconds(60))),
      Self.route("/tier/**", .free, tier: "gold"),
      Self.route("/tier/**", .denied),
      Self.route("/host/**", .free, host: "a.example"),
      Self.route(
        "/ssh", .priced(Tariff(prices: [Amount(100, .sat)], terms: .rate(per: .seconds(3600)))),
        provision: HouseOffice.lease.spec),
    ]
    let revocations = Revocations()
    self.gate = Gate(
      policy: Policy(
        routes: try RouteTable(routes), fallback: .deny, verifiers: verifiers,
        limits: Policy.Limits(challenges: challengeLimit)),
      verifiers: verifiers,
      passKeys: Self.keys,
      revocations: revocations,
      cashier: Cashier(
        ledger: CountingLedger(), verifiers: verifiers, revocations: revocations,
        settings: Cashier.Settings(deadline: .seconds(60)), clock: StoppedClock()),
      office: HouseOffice(vacancy: vacancy), clock: StoppedClock()
    )
    self.desk = GateDesk(gate: self.gate, verifiers: verifiers, observer: self.observer)
  }

  static let keys = PassKeys(active: PassKey(id: 1, authenticator: SumAuthenticator()))

  /// Of the machine that the house has.
  static let machinePass = Pass.token(
    kind: .time, end: StoppedClock().now(), serial: HouseOffice.lease.serial,
    routeTag: Route.tag(of: RouteID("/ssh")), host: "", signedWith: keys.active)

  private static func route(
    _ path: String, _ access: Route.Access, tier: String? = nil, host: String? = nil, cors: CORS? = nil,
    freeQuota: RequestLimit? = nil, provision: WorkloadSpecName? = nil
  ) throws -> Route {
    Route(
      id: RouteID(path + (tier ?? "")), label: path, pattern: try PathPattern(path),
      hosts: host.flatMap { HostPattern($0) }.map { [$0] } ?? [], tier: tier, access: access, cors: cors,
      freeQuota: freeQuota, provision: provision)
  }
}

/// Recognises `coin…` in `x-coin` and in `authorization: Coin …`; never gets as far as judging one.
struct CoinVerifier: PaymentVerifier {
  let method = PaymentMethod("coin")
  let credentialFields: [StaticString] = ["x-coin", "authorization"]
  /// Bytes of what it asks for.
  var request = 5

  func offers(in request: AccessRequest) -> [PaymentOffer] {
    var found = request.fields.values(of: "x-coin").map {
      PaymentOffer(method: self.method, bytes: Array($0))
    }
    for value in request.fields.values(of: "authorization") where value.startsIgnoringCase(with: "coin ") {
      found.append(PaymentOffer(method: self.method, bytes: Array(value.dropFirst(5))))
    }
    if let token = request.queryToken { found.append(PaymentOffer(method: self.method, bytes: Array(token))) }
    return found
  }

  func challenge(for tariff: Tariff) -> Challenge? {
    Challenge(
      method: self.method,
      text: Challenge.Text(
        fields: [
          .init("X-Coin", self.request == 5 ? "pay10" : String(repeating: "p", count: self.request)),
          .init("WWW-Authenticate", #"Coin realm="turnpike""#),
        ],
        members: [.init("coins", json: "[10]")],
        ways: [.init(title: "Coins", price: "10 sat", code: "coin:pay10")]))
  }

  func verify(_ offer: PaymentOffer, against quote: Quote, reach: Reach) async throws(Outage) -> Verdict {
    throw Outage(.outage, "the mint is down", retryAfterSeconds: 7)
  }

  func admit(_ payment: VerifiedPayment, from client: ClientAddress?) throws(Outage) {}

  func settle(_ payment: VerifiedPayment, under claim: consuming Claim) async -> Settlement {
    .notSent(Outage(.outage, "the mint is down"))
  }

  func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement {
    .notSent(Outage(.outage, "the mint is down"))
  }
}

/// Counts, and is otherwise down.
final class CountingLedger: Ledger {
  private let counts = Mutex<[String: UInt32]>([:])
  private var outage: Outage { Outage(.outage, "the store is down") }

  func count(_ event: MeterEvent) async throws(Outage) -> MeterReading {
    self.counts.withLock { counts in
      let before = counts[event.meter, default: 0]
      guard before < event.limit else {
        return .full(until: StoppedClock().now() + .seconds(30))
      }
      counts[event.meter] = before + 1
      return .counted(left: event.limit - before - 1)
    }
  }
  func account(of payment: PaymentID) async throws(Outage) -> PaymentAccount? { throw self.outage }
  func standing(of payment: VerifiedPayment, scope: GrantScope) async throws(Outage) -> PaymentStanding {
    throw self.outage
  }
  func claim(_ reservation: Reservation) async throws(Outage) -> ClaimOutcome { throw self.outage }
  func resume(_ payment: PaymentID) async throws(Outage) -> ResumeOutcome { throw self.outage }
  func conclude(_ term: ClaimTerm, with settlement: Settlement) async throws(Outage) -> PaymentStanding {
    throw self.outage
  }
  func take(_ request: UseRequest) async throws(Outage) -> UseOutcome { throw self.outage }
  func report(_ use: TakenUse, _ delivery: UseDelivery) async throws(Outage) { throw self.outage }
  func due(limit: Int) async throws(Outage) -> [DuePayment] { throw self.outage }
  func revocations(limit: Int) async throws(Outage) -> [Serial] { throw self.outage }
}

/// No secret, but another code for another message.
struct SumAuthenticator: MessageAuthenticator {
  func code(for message: Span<UInt8>) -> [UInt8] {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in message.indices { sum = (sum ^ UInt64(message[index])) &* 0x100_0000_01B3 }
    return (0..<4).flatMap { (sum &+ $0).bigEndianBytes }
  }

  func isAuthentic(_ message: Span<UInt8>, code: Span<UInt8>) -> Bool {
    code.indices.map { code[$0] } == self.code(for: message)
  }
}

/// Has one machine, whoever asks.
struct HouseOffice: WorkloadOffice {
  static let lease = Lease(
    id: .random(), serial: Serial(7), payment: PaymentID("p7"), spec: WorkloadSpecName("small"),
    wishes: WorkloadWishes(), backend: "house", state: .ready, ordered: StoppedClock().now(),
    end: StoppedClock().now() + .seconds(600))

  let vacancy: Vacancy

  func vacancy(for spec: WorkloadSpecName) -> Vacancy { self.vacancy }
  func check(_ wishes: WorkloadWishes, for spec: WorkloadSpecName) -> WishFault? { nil }
  func present(_ order: WorkloadOrder) async throws(Outage) -> WorkloadStanding {
    order.serial == Self.lease.serial ? .lease(Self.lease, .again) : .over
  }
  func changed(_ serial: Serial) {}
  func timeKept(of serial: Serial) async throws(Outage) -> Duration? { nil }
  func lease(_ id: WorkloadID) async throws(Outage) -> Lease? { Self.lease }
  func lease(of serial: Serial) async throws(Outage) -> Lease? { Self.lease }
  func lease(boughtBy payment: PaymentID) async throws(Outage) -> Lease? { Self.lease }
  func leases(limit: Int) async throws(Outage) -> [Lease] { [Self.lease] }
  func access(
    to id: WorkloadID, setting password: ProposedPassword?, until deadline: ContinuousClock.Instant
  ) async throws(Outage) -> WorkloadAccess? { nil }
  func setKey(_ key: String, of id: WorkloadID) async throws(Outage) {}
  func end(_ id: WorkloadID, note: String) async throws(Outage) -> Lease? { nil }
}

struct StoppedClock: TimeSource {
  func now() -> Timestamp { Timestamp(seconds: 1_800_000_000) }
}

extension Peer {
  static let loopback = Peer(address: .ipv4([127, 0, 0, 1]), port: 40_000)
}

extension FieldList {
  init(_ fields: [(String, String)]) {
    self.init()
    for (name, value) in fields { self.append(name: name.lowercased().utf8, value: value.utf8) }
  }

  func text(_ name: StaticString) -> String? {
    guard case .once(let value) = self.only(name) else { return nil }
    return String(decoding: value, as: UTF8.self)
  }

  var names: [String] { (0..<self.count).map { String(decoding: self[$0].name, as: UTF8.self) } }
}

extension HTTPRequest {
  convenience init(
    _ target: String, _ fields: [(String, String)] = [], method: String = "GET", host: String? = "turnpike",
    peer: Peer = .loopback
  ) {
    self.init(peer: peer)
    self.method = Array(method.utf8)
    self.target = Array(target.utf8)
    self.fields = FieldList(fields)
    self.authority = host.map { .once(Array($0.utf8)[...]) } ?? .absent
    self.version = .http1_1
  }
}

extension Reply {
  /// The answer, now or later.
  func value() async -> Answer {
    switch self {
    case .now(let answer): answer
    case .later(let work): await work()
    }
  }
}
