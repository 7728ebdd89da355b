internal import Gate
internal import Octets

/// A decision in the form that every dialect writes: the one place where decisions become statuses.
enum Rendering: Sendable {
  case allow(Allowance)
  case refuse(Refusal)

  /// - Parameter audience: asked for only by a refusal; the fast path does without.
  init(_ judgement: Judgement, for audience: @autoclosure () -> Audience) {
    switch judgement.decision {
    case .allow(let allowance): self = .allow(allowance)
    case .paymentRequired(let demand): self = .refuse(Refusal(demand, judgement.route, audience()))
    case .deny(let denial): self = .refuse(Refusal(denial, judgement.route, audience()))
    case .unavailable(let outage): self = .refuse(Refusal(outage, judgement.route, audience()))
    }
  }
}

/// An answer that does not let the request pass, in the words of HTTP: status, fields and body (design §4.6).
struct Refusal: Sendable {
  /// All fields of a refusal together; NGINX reads an answer's head into one buffer of 4 KiB.
  static let maxFieldBytes = 3_000

  var status: UInt16
  /// The public reason code.
  var reason: String
  var fields: FieldList
  var body: [UInt8]

  fileprivate init(_ demand: Demand, _ route: Route?, _ audience: Audience) {
    var body = ReasonBody(.paymentRequired, reason: demand.reason.code)
    if let unit = demand.quote.tariff.prices.first?.unit { body.amount = demand.quote.minimum(in: unit) }
    let challenge = demand.challenges.flatMap(\.fields)
    self.init(.paymentRequired, demand.reason.code, body, route, audience, challenge: challenge)
  }

  init(_ denial: Denial, _ route: Route?, _ audience: Audience) {
    let phrase: ReasonBody.Phrase
    var payment: PaymentID?
    switch denial {
    case .badRequest, .payment, .twoOffers, .twoPasses: phrase = .badRequest
    case .denied: phrase = .forbidden
    case .otherRoute(let id): (phrase, payment) = (.conflict, id)
    }
    var body = ReasonBody(phrase, reason: denial.code)
    body.payment = payment
    self.init(phrase, denial.code, body, route, audience)
  }

  fileprivate init(_ outage: Outage, _ route: Route?, _ audience: Audience) {
    var body = ReasonBody(.unavailable, reason: outage.code.rawValue)
    body.payment = outage.payment
    self.init(
      .unavailable, outage.code.rawValue, body, route, audience,
      retryAfterSeconds: max(1, outage.retryAfterSeconds))
  }

  private init(
    _ phrase: ReasonBody.Phrase, _ reason: String, _ body: ReasonBody, _ route: Route?, _ audience: Audience,
    challenge: [Challenge.Field] = [], retryAfterSeconds: Int? = nil
  ) {
    self.status = phrase.status
    self.reason = reason
    var fields = FieldList()
    fields.append("turnpike-reason", reason.utf8)
    fields.append("cache-control", "no-store".utf8)
    if let retryAfterSeconds { fields.append("retry-after", String(retryAfterSeconds).utf8) }
    switch (audience.client, audience.body) {
    case (_, .unwanted): self.body = []
    case (.grpc, .wanted): self.body = Array(reason.utf8)
    case (.plain, .wanted):
      self.body = body.json
      fields.append("content-type", "application/json".utf8)
    }
    if let cors = route?.cors { fields.append(cors, for: audience, exposing: challenge) }
    fields.append(challenge, withinBytes: Self.maxFieldBytes)
    self.fields = fields
  }
}

extension FieldList {
  /// Lets a page of an admitted origin read this answer (Fetch standard, CORS protocol).
  fileprivate mutating func append(
    _ cors: CORS, for audience: Audience, exposing challenge: [Challenge.Field]
  ) {
    self.append("vary", "origin".utf8)
    guard let origin = audience.origin, let allowed = cors.allowOrigin(for: origin) else { return }
    self.append("access-control-allow-origin", allowed.utf8)
    var exposed = "turnpike-reason, retry-after"
    for field in challenge { exposed += ", " + field.name.lowercased() }
    self.append("access-control-expose-headers", exposed.utf8)
  }

  /// What does not fit is left out: a refusal that a proxy cannot read would be a 502.
  fileprivate mutating func append(_ challenge: [Challenge.Field], withinBytes limit: Int) {
    // Name and value stand in a line with four bytes more (RFC 9112 §5).
    let lineBytes = 4
    for field in challenge {
      let size = field.name.utf8.count + field.value.utf8.count
      guard self.byteCount + size + lineBytes * (self.count + 1) <= limit else { continue }
      self.append(name: field.name.utf8.map(ASCII.lowercased), value: field.value.utf8)
    }
  }
}
