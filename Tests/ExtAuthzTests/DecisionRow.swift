import Gate
import Octets

@testable import ExtAuthz

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
      DecisionRow("cannot be canonicalised", .deny(.badRequest("two readings")), 400, "bad_request", 401),
      DecisionRow("no route", .deny(.denied), 403, "denied", 403),
      DecisionRow(
        "in flight", .unavailable(Outage(.inFlight, "m", payment: PaymentID("p2"))), 503, "in_flight", 401),
      DecisionRow("unknown", .unavailable(Outage(.unknown, "m", retryAfterSeconds: 9)), 503, "unknown", 401),
      DecisionRow("outage", .unavailable(Outage(.outage, "m")), 503, "outage", 401),
      DecisionRow("mint budget", .unavailable(Outage(.mintBudget, "m")), 503, "mint_budget", 401),
    ]
    + Rejection.allCases.filter { $0.remedy == .mendTheOffer }.map {
      DecisionRow("offer \($0.rawValue)", .deny(.payment($0)), 400, $0.rawValue, 401)
    }
    + PassFault.allCases.map { DecisionRow("pass \($0.rawValue)", demand(.pass($0)), 402, $0.rawValue, 401) }

  static let pass = IssuedPass(token: "tp1.abc", cookiePath: "/hour", maxAgeSeconds: 3600)

  static let allows: [DecisionRow] = [
    DecisionRow("free", .allow(Allowance(basis: .free)), 200, nil, 200),
    DecisionRow("preflight", .allow(Allowance(basis: .preflight)), 200, nil, 200),
    DecisionRow(
      "by a pass", .allow(Allowance(basis: .pass, assertions: Assertions(payment: .earlier))), 200, nil, 200),
    DecisionRow(
      "paid",
      .allow(
        Allowance(basis: .payment, assertions: Assertions(payment: .now(Amount(10, .sat))), pass: Self.pass)),
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
