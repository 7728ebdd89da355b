/// The gate's answer to one request.
public enum Decision: Sendable {
  case allow(Allowance)
  case paymentRequired(Demand)
  case deny(Denial)
  case unavailable(Outage)
}

/// A decision and the route it was made under, which its rendering (CORS) and its metrics need.
public struct Judgement: Sendable {
  public var decision: Decision
  public var route: Route?

  public init(_ decision: Decision, route: Route?) {
    self.decision = decision
    self.route = route
  }
}

/// The request may pass.
public struct Allowance: Sendable {
  /// By what right.
  public enum Basis: String, Sendable {
    case free, preflight, pass, payment
    /// Unpaid, within the free quota of its route.
    case quota
  }

  public var basis: Basis
  /// What the app is told; an absent member removes the header the client may have sent.
  public var assertions: Assertions
  /// A pass the client should keep, where the proxy can hand it on.
  public var pass: IssuedPass?
  /// The use this answer takes. Whoever writes the answer reports to the gate whether it went out.
  public var use: TakenUse?
  /// What the counterpart said of the payment, for the client where the proxy can hand it on.
  public var receipt: Receipt?
  /// Whose credit was taken, for the log; nil where no ledger was asked (free routes, time passes).
  public var payment: PaymentID?
  /// What is left of the right, for the client where the proxy can hand it on.
  public var remaining: Remaining?

  public init(
    basis: Basis, assertions: Assertions = Assertions(), pass: IssuedPass? = nil, use: TakenUse? = nil,
    payment: PaymentID? = nil, receipt: Receipt? = nil, remaining: Remaining? = nil
  ) {
    self.basis = basis
    self.assertions = assertions
    self.pass = pass
    self.use = use
    self.payment = payment
    self.receipt = receipt
    self.remaining = remaining
  }
}

/// The facts that an allow asserts to the app (design §6 "Allow, to the app").
public struct Assertions: Sendable, Equatable {
  /// The payment that this allow rests on; nil on free routes.
  public enum Payment: Sendable, Equatable {
    /// By a pass; the amount was asserted when it was bought.
    case earlier
    case now(Amount)
  }

  public var payment: Payment?
  /// `X-User-ID`: the payer, where the scheme tells it.
  public var user: String?
  /// The machine that this allow is for; nil on routes that give none.
  public var workload: Workload?

  public struct Workload: Sendable, Equatable {
    public var id: WorkloadID
    /// `Turnpike-Grant` (``WorkloadGrant``). A secret.
    public var grant: String

    public init(id: WorkloadID, grant: String) {
      self.id = id
      self.grant = grant
    }
  }

  public init(payment: Payment? = nil, user: String? = nil, workload: Workload? = nil) {
    self.payment = payment
    self.user = user
    self.workload = workload
  }
}

/// A pass in its bearer form. A secret: whoever holds it may pass.
public struct IssuedPass: Sendable {
  public var token: String
  /// `Path` of its cookie form: the route's literal prefix.
  public var cookiePath: String
  /// Seconds until it ends; nil for a pass that only counts uses.
  public var maxAgeSeconds: Int64?

  public init(token: String, cookiePath: String, maxAgeSeconds: Int64?) {
    self.token = token
    self.cookiePath = cookiePath
    self.maxAgeSeconds = maxAgeSeconds
  }
}

/// 402: what is owed, and why what was offered is not enough.
public struct Demand: Sendable {
  /// The raw value is the public reason code.
  public enum Reason: Hashable, Sendable {
    case paymentRequired
    case rejected(Rejection)
    case pass(PassFault)

    public var code: String {
      switch self {
      case .paymentRequired: "payment_required"
      case .rejected(let rejection): rejection.rawValue
      case .pass(let fault): fault.rawValue
      }
    }
  }

  public var reason: Reason
  public var quote: Quote
  public var challenges: [Challenge]
  /// The payment that was offered and is not enough, where it was good enough to have a name; for the log.
  public var payment: PaymentID?

  public init(_ reason: Reason, quote: Quote, challenges: [Challenge]) {
    self.reason = reason
    self.quote = quote
    self.challenges = challenges
  }
}

/// Why a pass is as if absent.
public enum PassFault: String, Hashable, Sendable, CaseIterable {
  case expired = "pass_expired"
  case used = "pass_used"
  case revoked = "pass_revoked"
  case invalid = "pass_invalid"
  case otherRoute = "pass_route"
}

/// The request is refused whatever is paid.
public enum Denial: Hashable, Sendable {
  /// 400: the path or host has more than one reading, or a member of the proxy's header set is missing or repeated.
  case badRequest(String)
  /// 403: no route, or a caller that may not ask.
  case denied
  /// 400: an offer that can never be accepted here.
  case payment(Rejection)
  /// 400: more than one offer.
  case twoOffers
  /// 400: two different passes.
  case twoPasses
  /// 409: a good payment, bought for another route.
  case otherRoute(PaymentID)
  /// 409: a good payment that was presented before; only its pass, or the secret of its challenge, bears it.
  case notBearer(PaymentID)
  /// 409: the payer's own name of the payment belongs to another payment.
  case nameTaken(PaymentID)
  /// 429: this client has been asked to pay too often in one window.
  case tooManyRequests(retryAfterSeconds: Int)

  /// The public reason code.
  public var code: String {
    switch self {
    case .badRequest: "bad_request"
    case .denied: "denied"
    case .payment(let rejection): rejection.rawValue
    case .twoOffers: "two_offers"
    case .twoPasses: "two_passes"
    case .otherRoute: "other_route"
    case .notBearer: "not_bearer"
    case .nameTaken: "payment_id_taken"
    case .tooManyRequests: "too_many_requests"
    }
  }

  public var status: UInt16 {
    switch self {
    case .badRequest, .payment, .twoOffers, .twoPasses: 400
    case .denied: 403
    case .otherRoute, .notBearer, .nameTaken: 409
    case .tooManyRequests: 429
    }
  }
}
