import JSON
import Octets
import Proto
import Testing
import Transport

@testable import ExtAuthz
@testable import Gate

@Suite("The decision table over HTTP")
struct HTTPDecisionTableTests {
  static let open: [HTTPDialect] = [.direct, .accel(location: "@app"), .challenge]

  @Test("a refusal has its status, reason, body and no-store", arguments: DecisionRow.refusals, [0, 1, 2])
  func refusal(row: DecisionRow, dialect: Int) {
    let answer = Self.open[dialect].answer(to: row.judgement, for: Audience())
    #expect(answer.status == row.status)
    #expect(answer.fields.text("turnpike-reason") == row.reason)
    #expect(answer.fields.text("cache-control") == "no-store")
    #expect(answer.fields.text("content-type") == "application/json")
    #expect((answer.fields.text("retry-after") != nil) == (row.status == 503 || row.status == 429))
    #expect(answer.fields.text("vary") == (row.status == 402 ? "accept" : nil))
    #expect((answer.fields.text("x-coin") == "pay10") == (row.status == 402))
    #expect((answer.fields.text("www-authenticate") != nil) == (row.status == 402))
    let body = String(decoding: answer.body, as: UTF8.self)
    #expect(body.contains(#""reason":"\#(row.reason ?? "")""#))
    #expect(body.contains(#""amount":10,"unit":"sat""#) == (row.status == 402))
    #expect(body.contains(#""coins":[10]"#) == (row.status == 402))
    #expect((try? JSONReader.read(answer.body)) != nil)
  }

  @Test("NGINX's subrequest gets 401 or 403, the reason and no body", arguments: DecisionRow.refusals)
  func subrequest(row: DecisionRow) {
    let answer = HTTPDialect.subrequest(.cookie).answer(to: row.judgement, for: Audience())
    #expect(answer.status == row.subrequestStatus)
    #expect(answer.fields.text("turnpike-reason") == row.reason)
    #expect(answer.fields.text("cache-control") == "no-store")
    #expect(answer.body.isEmpty)
    #expect(answer.fields.text("x-coin") == nil)
  }

  @Test(
    "an allow is exactly 200 and says something of every asserted header", arguments: DecisionRow.allows,
    [0, 1, 2])
  func allow(row: DecisionRow, dialect: Int) {
    let dialects: [HTTPDialect] = [.direct, .accel(location: "@app"), .subrequest(.headerAndCookie)]
    let answer = dialects[dialect].answer(to: row.judgement, for: Audience())
    #expect(answer.status == 200)
    #expect(answer.body.isEmpty)
    for name in AssertedFields.names { #expect(answer.fields.text(name) != nil, "\(name)") }
    #expect(answer.fields.text("turnpike-pass") != nil)
    guard case .allow(let allowance) = row.decision else { return }
    let paid = allowance.basis == .payment
    #expect(answer.fields.text("x-payment-verified") == (allowance.assertions.payment == nil ? "" : "true"))
    #expect(answer.fields.text("x-payment-amount") == (paid ? "10" : ""))
    #expect(answer.fields.text("x-payment-unit") == (paid ? "sat" : ""))
    #expect(answer.fields.contains("set-cookie") == paid)
    #expect(answer.fields.text("x-user-id") == allowance.assertions.user ?? "")
    #expect(answer.fields.text("x-provisioned-pod") == allowance.assertions.workload?.id.podName ?? "")
    #expect(answer.fields.text("turnpike-grant") == allowance.assertions.workload?.grant ?? "")
    #expect(answer.fields.text("payment-response") == (paid ? "cmVjZWlwdA==" : nil))
    #expect(answer.fields.text("turnpike-remaining") == allowance.remaining?.text)
    #expect(answer.fields.contains("turnpike-low-balance") == (allowance.remaining?.level == .low))
  }

  @Test(
    "an allow that used a payment is not stored, others leave the app's caching alone",
    arguments: DecisionRow.allows)
  func caching(row: DecisionRow) {
    let answer = HTTPDialect.direct.answer(to: row.judgement, for: Audience())
    guard case .allow(let allowance) = row.decision else { return }
    #expect(answer.fields.text("cache-control") == (allowance.basis == .payment ? "no-store" : nil))
  }

  @Test(
    "an X-Accel-Redirect comes with nothing that would stand beside the app's own, but no-store",
    arguments: DecisionRow.allows)
  func accel(row: DecisionRow) {
    let answer = HTTPDialect.accel(location: "@app").answer(to: row.judgement, for: Audience())
    #expect(answer.fields.text("x-accel-redirect") == "@app")
    for name in ["content-type", "expires", "accept-ranges"] as [StaticString] {
      #expect(!answer.fields.contains(name))
    }
    guard case .allow(let allowance) = row.decision else { return }
    #expect(answer.fields.text("cache-control") == (allowance.basis == .payment ? "no-store" : nil))
  }

  @Test("a refusal never carries an X-Accel-Redirect", arguments: DecisionRow.refusals)
  func accelRefusal(row: DecisionRow) {
    let answer = HTTPDialect.accel(location: "@app").answer(to: row.judgement, for: Audience())
    #expect(!answer.fields.contains("x-accel-redirect"))
  }

  @Test("a challenge endpoint answers an allow with the app's own 401", arguments: DecisionRow.allows)
  func challengeOfAllow(row: DecisionRow) {
    let answer = HTTPDialect.challenge.answer(to: row.judgement, for: Audience())
    #expect(answer.status == 401)
    for name in AssertedFields.names { #expect(!answer.fields.contains(name)) }
    #expect(!answer.fields.contains("turnpike-pass") && !answer.fields.contains("set-cookie"))
  }

  @Test("HEAD gets the head without a body", arguments: DecisionRow.refusals)
  func head(row: DecisionRow) {
    var audience = Audience()
    audience.body = .unwanted
    let answer = HTTPDialect.direct.answer(to: row.judgement, for: audience)
    #expect(answer.status == row.status)
    #expect(answer.body.isEmpty)
    #expect((answer.fields.text("x-coin") == "pay10") == (row.status == 402))
  }

  @Test("a pass is given as a header and as a cookie, Secure only over https", arguments: [true, false])
  func cookie(isSecure: Bool) throws {
    var audience = Audience()
    audience.link = isSecure ? .secure : .plain
    let row = try #require(DecisionRow.allows.last)
    let answer = HTTPDialect.direct.answer(to: row.judgement, for: audience)
    #expect(answer.fields.text("turnpike-pass") == "tp1.abc")
    let cookie = try #require(answer.fields.text("set-cookie"))
    #expect(cookie.hasPrefix("turnpike_pass=tp1.abc; Path=/hour; HttpOnly; SameSite=Lax"))
    #expect(cookie.hasSuffix("; Secure") == isSecure)
  }

  @Test("what is owed, and the payment that is meant, stand in the body")
  func bodies() {
    let other = HTTPDialect.direct.answer(
      to: Judgement(.deny(.otherRoute(PaymentID("p1"))), route: nil), for: Audience())
    #expect(
      String(decoding: other.body, as: UTF8.self)
        == #"{"error":"Conflict","reason":"other_route","payment":"p1"}"# + "\n")
    let wait = Outage(.inFlight, "secret detail", retryAfterSeconds: 3, payment: PaymentID("p2"))
    let later = HTTPDialect.direct.answer(to: Judgement(.unavailable(wait), route: nil), for: Audience())
    #expect(
      String(decoding: later.body, as: UTF8.self)
        == #"{"error":"Service Unavailable","reason":"in_flight","payment":"p2"}"# + "\n")
    #expect(later.fields.text("retry-after") == "3")
    let bad = HTTPDialect.direct.answer(
      to: Judgement(.deny(.badRequest("secret detail")), route: nil), for: Audience())
    #expect(
      String(decoding: bad.body, as: UTF8.self) == #"{"error":"Bad Request","reason":"bad_request"}"# + "\n")
  }

  @Test("a unit's name cannot break the JSON")
  func quoting() {
    var body = ReasonBody(.paymentRequired, reason: "payment_required")
    body.amount = Amount(1, Amount.Unit("s\"a\\t\n"))
    #expect(String(decoding: body.json, as: UTF8.self).contains(#""unit":"s\"a\\t\u000a""#))
  }

  @Test("a scheme's members stand in the body, unless they are no JSON or their name is taken")
  func members() throws {
    var body = ReasonBody(.paymentRequired, reason: "payment_required")
    body.members = [
      .init("accepts", json: #"[{"scheme":"exact"}]"#), .init("broken", json: "[1"),
      .init("reason", json: "1"),
      .init("accepts", json: "2"),
    ]
    #expect(
      String(decoding: body.json, as: UTF8.self)
        == #"{"error":"Payment Required","reason":"payment_required","accepts":[{"scheme":"exact"}]}"# + "\n")
  }

  @Test("the fields of a refusal stay under 3 KB: what does not fit is left to the body")
  func budget() throws {
    let fields = [
      Challenge.Field("X-Big", String(repeating: "b", count: 2_900)), Challenge.Field("X-Small", "s"),
    ]
    let demand = Demand(
      .paymentRequired, quote: DecisionRow.quote,
      challenges: [Challenge(method: PaymentMethod("m"), fields: fields)])
    let answer = HTTPDialect.direct.answer(
      to: Judgement(.paymentRequired(demand), route: nil), for: Audience())
    #expect(answer.fields.byteCount + 4 * answer.fields.count <= 3_000)
    #expect(answer.fields.names.contains("x-small"))
    #expect(!answer.fields.names.contains("x-big"))
    let body = try JSONReader.read(answer.body)
    #expect(body["headers"]?["X-Big"]?.string?.count == 2_900)
    #expect(body["headers"]?["X-Small"] == nil)
  }

  @Test("a page of an admitted origin may read a refusal, another may not")
  func cors() throws {
    let route = Route(
      id: RouteID("c"), label: "c", pattern: try PathPattern("/cors/**"), access: .priced(House.tariff),
      cors: CORS(origins: .listed(["https://app.example"])))
    var audience = Audience()
    audience.origin = Array("https://app.example".utf8)
    let judgement = Judgement(DecisionRow.demand(.paymentRequired), route: route)
    let admitted = HTTPDialect.direct.answer(to: judgement, for: audience)
    #expect(admitted.fields.text("access-control-allow-origin") == "https://app.example")
    #expect(
      admitted.fields.text("access-control-expose-headers")
        == "turnpike-reason, retry-after, x-coin, www-authenticate")
    #expect(admitted.fields.text("vary") == "accept, origin")
    audience.origin = Array("https://evil.example".utf8)
    let other = HTTPDialect.direct.answer(to: judgement, for: audience)
    #expect(!other.fields.contains("access-control-allow-origin"))
    #expect(other.fields.text("vary") == "accept, origin")
    audience.origin = Array("https://app.example".utf8)
    let plain = HTTPDialect.direct.answer(to: DecisionRow.refusals[0].judgement, for: audience)
    #expect(!plain.fields.contains("access-control-allow-origin"))
  }
}

@Suite("The decision table over gRPC")
struct EnvoyDecisionTableTests {
  let answers = EnvoyAnswer(credentialFields: ["turnpike-pass", "x-coin"], outages: .asDenial)

  @Test(
    "a refusal is a CheckResponse with a code that is not 0 and a denied_response",
    arguments: DecisionRow.refusals)
  func refusal(row: DecisionRow) throws {
    guard case .refuse(let refusal) = Rendering(row.judgement, for: Audience()) else { throw Unexpected() }
    let response = try CheckResponse(wire: self.answers.refuse(refusal))
    #expect(response.code == (row.status == 503 ? 14 : 7))
    guard case .denied(let denied) = response.answer else { throw Unexpected() }
    #expect(denied.status == Int32(row.status))
    #expect(denied.headers.first { $0.name == "turnpike-reason" }?.value == row.reason)
    #expect(denied.headers.first { $0.name == "cache-control" }?.value == "no-store")
    #expect(denied.headers.contains { $0.name == "x-coin" } == (row.status == 402))
    #expect(
      denied.headers.contains { $0.name == "retry-after" } == (row.status == 503 || row.status == 429))
    #expect(!denied.body.isEmpty)
  }

  @Test("by option a 503 stands in error_response, other refusals never do", arguments: DecisionRow.refusals)
  func asError(row: DecisionRow) throws {
    guard case .refuse(let refusal) = Rendering(row.judgement, for: Audience()) else { throw Unexpected() }
    let answers = EnvoyAnswer(credentialFields: [], outages: .asError)
    let response = try CheckResponse(wire: answers.refuse(refusal))
    #expect(response.code != 0)
    switch response.answer {
    case .error(let error): #expect(error.status == 503 && row.status == 503)
    case .denied: #expect(row.status != 503)
    case .ok, .none: throw Unexpected()
    }
  }

  @Test(
    "an allow sets or removes every asserted header, and removes the credentials",
    arguments: DecisionRow.allows)
  func allow(row: DecisionRow) throws {
    guard case .allow(let allowance) = row.decision else { throw Unexpected() }
    let bytes = self.answers.allow(allowance, shared: EnvoyAnswer.SharedFields(), link: .plain)
    let response = try CheckResponse(wire: bytes)
    #expect(response.code == 0)
    guard case .ok(let ok) = response.answer else { throw Unexpected() }
    let set = Set(ok.headers.map(\.name))
    for name in AssertedFields.names.map(\.description) {
      #expect(set.contains(name) != ok.headersToRemove.contains(name), "\(name)")
    }
    #expect(ok.headersToRemove.contains("turnpike-pass") && ok.headersToRemove.contains("x-coin"))
    #expect(!ok.headersToRemove.contains("authorization") && !ok.headersToRemove.contains("cookie"))
    #expect(ok.headers.allSatisfy { $0.appendAction == 2 })
    let paid = allowance.basis == .payment
    #expect(set.contains("x-payment-amount") == paid)
    #expect(
      ok.responseHeadersToAdd.map(\.name)
        == (paid
          ? ["turnpike-pass", "set-cookie", "payment-response", "turnpike-remaining", "cache-control"]
          : allowance.remaining == nil ? [] : ["turnpike-remaining", "turnpike-low-balance"]))
    #expect(ok.headers.first { $0.name == "x-user-id" }?.value == allowance.assertions.user)
    let workload = allowance.assertions.workload
    #expect(ok.headers.first { $0.name == "x-provisioned-pod" }?.value == workload?.id.podName)
    #expect(ok.headers.first { $0.name == "turnpike-grant" }?.value == workload?.grant)
  }

  @Test("a gRPC client gets the challenge in headers and a short body", arguments: DecisionRow.refusals)
  func grpcClient(row: DecisionRow) throws {
    var audience = Audience()
    audience.client = .grpc
    guard case .refuse(let refusal) = Rendering(row.judgement, for: audience) else { throw Unexpected() }
    guard case .denied(let denied) = try CheckResponse(wire: self.answers.refuse(refusal)).answer else {
      throw Unexpected()
    }
    #expect(String(decoding: denied.body, as: UTF8.self) == row.reason)
    #expect(denied.headers.contains { $0.name == "x-coin" } == (row.status == 402))
    #expect(!denied.headers.contains { $0.name == "content-type" })
  }

  @Test("a challenge with a line break is a fixed 503, not a header of the attacker's")
  func injection() throws {
    let evil = Challenge(method: PaymentMethod("m"), fields: [.init("X-Coin", "a\r\nset-cookie: b")])
    let demand = Demand(.paymentRequired, quote: DecisionRow.quote, challenges: [evil])
    guard
      case .refuse(let refusal) = Rendering(Judgement(.paymentRequired(demand), route: nil), for: Audience())
    else { throw Unexpected() }
    #expect(self.answers.refuse(refusal) == CheckResponse.internalError)
  }
}

extension EnvoyDecisionTableTests {
  @Test(
    "a time pass's answer tells its seconds, whatever their number of digits",
    arguments: [1, 9, 10, 3540, 86_400, 999_999_999] as [Int64])
  func timePass(seconds: Int64) throws {
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .duration(.seconds(1)))
    let now = StoppedClock().now()
    let remaining = Remaining(until: now + .seconds(seconds), under: tariff, at: now)
    let allowance = Allowance(
      basis: .pass, assertions: Assertions(payment: .earlier), remaining: remaining)
    let bytes = self.answers.allow(allowance, shared: EnvoyAnswer.SharedFields(), link: .plain)
    guard case .ok(let ok) = try CheckResponse(wire: bytes).answer else { throw Unexpected() }
    #expect(ok.responseHeadersToAdd.map(\.name) == ["turnpike-remaining"])
    #expect(ok.responseHeadersToAdd.first?.value == "seconds=\(seconds)")
    #expect(ok.headers.first { $0.name == "x-payment-verified" }?.value == "true")
  }

  @Test("a page of an admitted origin may read what an allow tells the client")
  func exposed() throws {
    let route = Route(
      id: RouteID("c"), label: "c", pattern: try PathPattern("/cors/**"), access: .priced(House.tariff),
      cors: CORS(origins: .listed(["https://app.example"])))
    guard case .allow(let paid)? = DecisionRow.allows.last?.decision else { throw Unexpected() }
    func exposed(_ origin: String) throws -> String? {
      let bytes = self.answers.allow(
        paid, shared: EnvoyAnswer.SharedFields(), link: .plain, route: route, origin: Array(origin.utf8))
      guard case .ok(let ok) = try CheckResponse(wire: bytes).answer else { throw Unexpected() }
      let exposed = ok.responseHeadersToAdd.first { $0.name == "access-control-expose-headers" }
      // Beside the app's own list, not in its place.
      #expect(exposed == nil || exposed?.appendAction == 0)
      return exposed?.value
    }
    #expect(try exposed("https://app.example") == "turnpike-pass, payment-response, turnpike-remaining")
    #expect(try exposed("https://evil.example") == nil)
  }

  @Test("it may read how much time is left on its pass, too")
  func exposedTime() throws {
    let route = Route(
      id: RouteID("c"), label: "c", pattern: try PathPattern("/cors/**"), access: .priced(House.tariff),
      cors: CORS(origins: .any))
    let now = StoppedClock().now()
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .duration(.seconds(1)))
    let allowance = Allowance(
      basis: .pass, assertions: Assertions(payment: .earlier),
      remaining: Remaining(until: now + .seconds(3540), under: tariff, at: now))
    let bytes = self.answers.allow(
      allowance, shared: EnvoyAnswer.SharedFields(), link: .plain, route: route,
      origin: Array("https://app.example".utf8))
    guard case .ok(let ok) = try CheckResponse(wire: bytes).answer else { throw Unexpected() }
    let exposed = ok.responseHeadersToAdd.first { $0.name == "access-control-expose-headers" }
    #expect(exposed?.value == "turnpike-remaining")
  }
}

struct Unexpected: Error {}
