/// Whose machine a request is about, by what it shows.
public enum Bearer: Sendable {
  case nobody
  /// `payment`: the grant as that bears it; nil by a pass.
  case of(Serial, payment: GrantRecord?)
  /// A good payment that bought nothing here.
  case stranger(PaymentID)
  case fault(PassFault)
  case refused(Judgement)
}

extension Gate {
  /// Whose machine is meant: a pass counts before a payment beside it. Takes nothing, and asks no
  /// counterpart.
  public func bearer(of request: WorkloadRequest) async -> Bearer {
    do throws(Outage) {
      switch self.passes.shown(in: request.fields) {
      case .absent: break
      case .invalid: return .fault(.invalid)
      case .twoPasses: return .refused(Judgement(.deny(.twoPasses), route: nil))
      case .pass(let pass):
        switch try await self.cashier.take(pass.serial, for: nil, intent: .look) {
        case .revoked: return .fault(.revoked)
        case .missing: return .fault(.expired)
        case .time, .expired, .taken, .repeated, .available, .delivering, .exhausted:
          return .of(pass.serial, payment: nil)
        }
      }
      let offers = self.offers(in: request.access)
      guard offers.count <= 1 else { return .refused(Judgement(.deny(.twoOffers), route: nil)) }
      guard let offer = offers.first else { return .nobody }
      switch try await self.find(offer) {
      case .rejected(let decision, let route): return .refused(Judgement(decision, route: route))
      case .known(let payment, let account):
        guard let account else { return .stranger(payment.id) }
        switch try await self.cashier.standing(of: payment, scope: account.scope) {
        case .granted(let grant) where grant.revoked == .revoked: return .fault(.revoked)
        case .granted(let grant): return .of(grant.serial, payment: grant)
        case .notBearer(let grant): return .refused(Judgement(.deny(.notBearer(grant.payment)), route: nil))
        case .otherRoute, .nameTaken, .inFlight, .unknown, .stuck, .rejected, .transferred, .unseen:
          return .stranger(payment.id)
        }
      }
    } catch {
      return .refused(Judgement(.unavailable(error), route: nil))
    }
  }

  enum KnownOffer {
    case known(VerifiedPayment, PaymentAccount?)
    case rejected(Decision, route: Route?)
  }

  /// A payment by its bytes alone, under whichever machine's price takes it.
  func find(_ offer: PaymentOffer) async throws(Outage) -> KnownOffer {
    var fault = KnownOffer.rejected(.deny(.payment(.wrongScheme)), route: nil)
    for route in self.machineRoutes {
      guard let tariff = route.tariff else { continue }
      let demand = self.demand(on: route, tariff)
      switch try await self.cashier.verify(offer, against: demand.quote, reach: .local) {
      case .verified(let payment):
        return .known(payment, try await self.cashier.ledger.account(of: payment.id))
      case .rejected(let rejection): fault = .rejected(Self.refuse(rejection, demand), route: route)
      }
    }
    return fault
  }

  func demand(on route: Route, _ tariff: Tariff) -> Demand {
    Demand(
      .paymentRequired, quote: Quote(tariff: tariff, scope: GrantScope(route: route.id, host: "")),
      challenges: self.policy.current.challenges(for: tariff))
  }
}
