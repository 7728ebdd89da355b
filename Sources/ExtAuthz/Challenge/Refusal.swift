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
  var status: UInt16
  /// The public reason code.
  var reason: String
  var fields: FieldList
  var body: [UInt8]
  /// What of the challenge had no room in `fields`; it stands in a JSON body.
  var unplaced: [Challenge.Field]

  init(_ demand: Demand, _ route: Route?, _ audience: Audience) {
    self.init(demand, route, audience, resource: audience.resource)
    // The address only says where the payer was: it must not take the room of a way to pay.
    for shorter in Self.shorter(audience.resource) where !self.unplaced.isEmpty {
      self = Refusal(demand, route, audience, resource: shorter)
    }
  }

  /// - Parameter resource: what the schemes are told of the audience's.
  private init(_ demand: Demand, _ route: Route?, _ audience: Audience, resource: String) {
    let occasion = Challenge.Occasion(resource: resource, reason: demand.reason.code)
    let texts = demand.challenges.map { $0.text(for: occasion) }
    var body = ReasonBody(.paymentRequired, reason: demand.reason.code)
    if let unit = demand.quote.tariff.prices.first?.unit { body.amount = demand.quote.minimum(in: unit) }
    body.sells = SaleText.text(of: demand.quote.tariff, on: route)
    body.members = texts.flatMap(\.members)
    self.init(body, demand.reason.code, route, audience, challenge: texts)
  }

  /// Without its query, then without its path; only what is shorter.
  private static func shorter(_ resource: String) -> [String] {
    let bare = resource.prefix { $0 != "?" }
    let path = bare.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).first
    let origin = path.map { String(bare.dropLast($0.count)) }
    return [String(bare), origin].compactMap { $0 }.filter { $0.utf8.count < resource.utf8.count }
  }

  init(_ denial: Denial, _ route: Route?, _ audience: Audience) {
    let phrase: ReasonBody.Phrase
    var payment: PaymentID?
    var retryAfterSeconds: Int?
    switch denial {
    case .badRequest, .payment, .twoOffers, .twoPasses: phrase = .badRequest
    case .denied: phrase = .forbidden
    case .otherRoute(let id), .notBearer(let id), .nameTaken(let id): (phrase, payment) = (.conflict, id)
    case .tooManyRequests(let seconds): (phrase, retryAfterSeconds) = (.tooManyRequests, seconds)
    }
    var body = ReasonBody(phrase, reason: denial.code)
    body.payment = payment
    self.init(body, denial.code, route, audience, retryAfterSeconds: retryAfterSeconds)
  }

  fileprivate init(_ outage: Outage, _ route: Route?, _ audience: Audience) {
    var body = ReasonBody(.unavailable, reason: outage.code.rawValue)
    body.payment = outage.payment
    self.init(
      body, outage.code.rawValue, route, audience, retryAfterSeconds: max(1, outage.retryAfterSeconds))
  }

  /// - Parameter challenge: of each scheme; nil for what no payment would change.
  private init(
    _ body: ReasonBody, _ reason: String, _ route: Route?, _ audience: Audience,
    challenge: [Challenge.Text]? = nil, retryAfterSeconds: Int? = nil
  ) {
    self.status = body.phrase.status
    self.reason = reason
    var fields = FieldList()
    fields.append("turnpike-reason", reason.utf8)
    fields.append("cache-control", "no-store".utf8)
    if let retryAfterSeconds { fields.append("retry-after", String(retryAfterSeconds).utf8) }
    var page: String?
    switch (audience.client, audience.body) {
    case (.browser(let printer), _) where challenge != nil:
      let ways = challenge?.flatMap(\.ways) ?? []
      let content = PaymentPage(
        resource: audience.resource, reason: reason, amount: body.amount, sells: body.sells, ways: ways)
      let (html, policy) = content.frame(printer).write()
      fields.append("content-type", "text/html; charset=utf-8".utf8)
      fields.append("content-security-policy", policy.utf8)
      fields.append("x-content-type-options", "nosniff".utf8)
      page = html
    case (.plain, .wanted), (.browser, .wanted):
      fields.append("content-type", "application/json".utf8)
      // It repeats what the client wrote.
      fields.append("x-content-type-options", "nosniff".utf8)
    case (.grpc, _), (.plain, .unwanted), (.browser, .unwanted): break
    }
    let challengeFields = challenge?.flatMap(\.fields) ?? []
    fields.append(
      vary: challenge == nil ? nil : "accept", route?.cors, for: audience, exposing: challengeFields)
    var body = body
    body.unplaced = ChallengeBudget.place(challengeFields, in: &fields)
    self.unplaced = body.unplaced
    self.fields = fields
    switch (audience.client, audience.body) {
    case (_, .unwanted): self.body = []
    case (.grpc, .wanted): self.body = Array(reason.utf8)
    case (.plain, .wanted), (.browser, .wanted): self.body = page.map { Array($0.utf8) } ?? body.json
    }
  }
}

extension FieldList {
  /// Lets a page of an admitted origin read this answer (Fetch standard, CORS protocol).
  fileprivate mutating func append(
    vary wish: String?, _ cors: CORS?, for audience: Audience, exposing challenge: [Challenge.Field]
  ) {
    let varying = [wish, cors == nil ? nil : "origin"].compactMap { $0 }.joined(separator: ", ")
    if !varying.isEmpty { self.append("vary", varying.utf8) }
    guard let cors, let origin = audience.origin, let allowed = cors.allowOrigin(for: origin) else { return }
    self.append("access-control-allow-origin", allowed.utf8)
    var exposed = "turnpike-reason, retry-after"
    for field in challenge { exposed += ", " + field.name.lowercased() }
    self.append("access-control-expose-headers", exposed.utf8)
  }
}
