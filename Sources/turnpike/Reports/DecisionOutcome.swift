internal import Gate
internal import Telemetry

/// Every outcome that metrics tell apart, numbered.
enum DecisionOutcome {
  private static let bases = [Allowance.Basis.free, .quota, .preflight, .pass, .payment]
  private static let outages = [Outage.Code.outage, .inFlight, .unknown, .mintBudget, .noVacancy]
  private static let denials = [
    "bad_request", "denied", "two_offers", "two_passes", "other_route", "not_bearer", "payment_id_taken",
    "too_many_requests",
  ]

  private static let firstDemand = bases.count
  private static let firstDenial = firstDemand + 1 + Rejection.allCases.count + PassFault.allCases.count
  private static let firstOutage = firstDenial + denials.count + Rejection.allCases.count

  static let all: [DecisionCounters.Outcome] = {
    let demands =
      [Demand.Reason.paymentRequired.code] + Rejection.allCases.map(\.rawValue)
      + PassFault.allCases.map(\.rawValue)
    let groups = [
      ("allow", bases.map(\.rawValue)), ("payment_required", demands),
      ("deny", denials + Rejection.allCases.map(\.rawValue)), ("unavailable", outages.map(\.rawValue)),
    ]
    return groups.flatMap { decision, reasons in
      reasons.map { DecisionCounters.Outcome(decision: decision, reason: $0) }
    }
  }()

  /// The place of a decision in ``all``; no allocation.
  static func number(of decision: Decision) -> Int {
    switch decision {
    case .allow(let allowance): self.place(of: allowance.basis, in: self.bases)
    case .paymentRequired(let demand):
      switch demand.reason {
      case .paymentRequired: self.firstDemand
      case .rejected(let rejection): self.firstDemand + 1 + self.place(of: rejection, in: Rejection.allCases)
      case .pass(let fault):
        self.firstDemand + 1 + Rejection.allCases.count + self.place(of: fault, in: PassFault.allCases)
      }
    case .deny(let denial): self.firstDenial + self.place(of: denial)
    case .unavailable(let outage): self.firstOutage + self.place(of: outage.code, in: self.outages)
    }
  }

  private static func place(of denial: Denial) -> Int {
    switch denial {
    case .badRequest: 0
    case .denied: 1
    case .twoOffers: 2
    case .twoPasses: 3
    case .otherRoute: 4
    case .notBearer: 5
    case .nameTaken: 6
    case .tooManyRequests: 7
    case .payment(let rejection): self.denials.count + self.place(of: rejection, in: Rejection.allCases)
    }
  }

  private static func place<Word: Equatable>(of word: Word, in all: [Word]) -> Int {
    guard let place = all.firstIndex(of: word) else {
      preconditionFailure("Every word has a place in its list.")
    }
    return place
  }
}
