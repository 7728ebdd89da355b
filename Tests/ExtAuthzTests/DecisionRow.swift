import Octets

@testable import ExtAuthz
@testable import Gate

/// One row of the decision table (design §4), with the answer that every dialect owes.
struct DecisionRow: CustomStringConvertible, Sendable {
  var description: String
  var decision: Decision
  /// For the client, where the proxy passes it on.
  var status: UInt16
  var reason: String?
  /// For NGINX's `auth_request`.
  var subrequestStatus: UInt16

  static let quote = Quote(tariff: House.tariff, scope: GrantScope(route: RouteID("r"), host: "a.example"))
  static let challenges = [CoinVerifier().challenge(for: House.tariff)].compactMap { $0 }

  static func demand(_ reason: Demand.Reason) -> Decision {
    .paymentRequired(Demand(reason, quote: Self.quote, challenges: Self.challenges))
  }

  static let refusals: [DecisionRow] =
    [
      DecisionRow("no offer", demand(.paymentRequired), 402, "payment_required", 401),
      DecisionRow("forged", demand(.rejected(.invalid)), 402, "invalid", 401),
      DecisionRow("spent", demand(.rejected(.spent)), 402, "spent", 401),
      DecisionRow("two offers", .deny(.twoOffers), 400, "two_offers", 401),
      DecisionRow("two passes", .deny(.twoPasses), 400, "two_passes", 401),
      DecisionRow("another route's payment", .deny(.otherRoute(PaymentID("p1"))), 409, "other_route", 401),
      DecisionRow("not his payment", .deny(.notBearer(PaymentID("p1"))), 409, "not_bearer", 401),
      DecisionRow("a name taken", .deny(.nameTaken(PaymentID("p1"))), 409, "payment_id_taken", 401),
      DecisionRow(
        "asked too often", .deny(.tooManyRequests(retryAfterSeconds: 30)), 429, "too_many_requests", 401),
      DecisionRow("cannot be canonicalised", .deny(.badRequest("two readings")), 400, "bad_request", 401),
      DecisionRow("no route", .deny(.denied), 403, "denied", 403),
      DecisionRow(
        "in flight", .unavailable(Outage(.inFlight, "m", payment: PaymentID("p2"))), 503, "in_flight", 401),
      DecisionRow("unknown", .unavailable(Outage(.unknown, "m", retryAfterSeconds: 9)), 503, "unknown", 401),
      DecisionRow("outage", .unavailable(Outage(.outage, "m")), 503, "outage", 401),
      DecisionRow("mint budget", .unavailable(Outage(.mintBudget, "m")), 503, "mint_budget", 401),
      DecisionRow("no machine to be had", .unavailable(Outage(.noVacancy, "m")), 503, "no_vacancy", 401),
    ]
    + Rejection.allCases.filter { $0.remedy == .mendTheOffer }.map {
      DecisionRow("offer \($0.rawValue)", .deny(.payment($0)), 400, $0.rawValue, 401)
    }
    + PassFault.allCases.map { DecisionRow("pass \($0.rawValue)", demand(.pass($0)), 402, $0.rawValue, 401) }

  static let pass = IssuedPass(token: "tp1.abc", cookiePath: "/hour", maxAgeSeconds: 3600)

  private static let hourly = Tariff(prices: [Amount(100, .sat)], terms: .duration(.seconds(3600)))
  static let hour = Remaining(
    until: StoppedClock().now() + .seconds(3540), under: Self.hourly, at: StoppedClock().now())
  static let few = Remaining(
    of: GrantRecord(
      serial: Serial(1), payment: PaymentID("p"), scope: Self.quote.scope, paid: Amount(50, .sat), uses: 5,
      usesTaken: 4, end: nil),
    under: House.tariff, at: StoppedClock().now())

  static let allows: [DecisionRow] = [
    DecisionRow("free", .allow(Allowance(basis: .free)), 200, nil, 200),
    DecisionRow("preflight", .allow(Allowance(basis: .preflight)), 200, nil, 200),
    DecisionRow(
      "by a pass", .allow(Allowance(basis: .pass, assertions: Assertions(payment: .earlier))), 200, nil, 200),
    DecisionRow("within its quota", .allow(Allowance(basis: .quota)), 200, nil, 200),
    DecisionRow(
      "by a payer's counted pass",
      .allow(
        Allowance(
          basis: .pass, assertions: Assertions(payment: .earlier, user: "0xabc"), remaining: Self.few)),
      200, nil, 200),
    DecisionRow(
      "a machine by its pass",
      .allow(
        Allowance(
          basis: .pass,
          assertions: Assertions(
            payment: .earlier, workload: .init(id: HouseOffice.lease.id, grant: "tg1.abc")),
          remaining: Self.few)),
      200, nil, 200),
    DecisionRow(
      "paid",
      .allow(
        Allowance(
          basis: .payment, assertions: Assertions(payment: .now(Amount(10, .sat)), user: "0xabc"),
          pass: Self.pass, receipt: Receipt(fields: [.init("PAYMENT-RESPONSE", "cmVjZWlwdA==")]),
          remaining: Self.hour)),
      200, nil, 200),
  ]

  init(_ name: String, _ decision: Decision, _ status: UInt16, _ reason: String?, _ subrequestStatus: UInt16)
  {
    self.description = name
    self.decision = decision
    self.status = status
    self.reason = reason
    self.subrequestStatus = subrequestStatus
  }

  var judgement: Judgement { Judgement(self.decision, route: nil) }
}
