internal import Gate
internal import Octets
internal import Transport

/// One proxy's way of asking over plain HTTP: it reads exactly one header set, and knows no price.
protocol HTTPAdapter: Sendable {
  func read(_ request: HTTPRequest) throws(BadMember) -> Question
}

/// One path of the proxy listener: who asks there, and how the answer is put.
struct Endpoint: Sendable {
  /// Which of the gate's two questions is asked.
  enum Purpose: Sendable { case decide, review }

  var name: AccessRequest.Adapter
  var adapter: any HTTPAdapter
  var dialect: HTTPDialect
  var purpose = Purpose.decide
  /// A field that repeats the reason under another name.
  var reasonField: StaticString?

  func answer(_ request: HTTPRequest, at desk: GateDesk) -> Reply<HTTPResponse> {
    let question: Question
    do throws(BadMember) {
      question = try self.adapter.read(request)
    } catch {
      return .now(
        self.response(to: desk.refuse(self.name, .badRequest(error.message)), for: Audience(), desk))
    }
    let access = AccessRequest(
      adapter: self.name,
      method: question.method,
      target: question.target,
      host: question.host,
      id: question.id,
      client: question.client,
      fields: request.fields.selecting(desk.fieldsRead),
      queryToken: question.queryToken
    )
    let link = question.link
    let makeAudience = {
      Audience(
        access, link: link, wishes: request.fields.selecting(Audience.fieldsOfWishes), printer: desk.printer)
    }
    switch self.purpose {
    case .decide:
      switch desk.rule(on: access) {
      case .decided(let judgement): return .now(self.response(to: judgement, for: makeAudience(), desk))
      case .pending(let pending):
        let audience = makeAudience()
        return .later { self.response(to: await desk.decide(pending, on: access), for: audience, desk) }
      }
    case .review:
      let audience = makeAudience()
      return .later {
        switch await desk.review(access) {
        case .wouldAllow: HTTPDialect.appsOwn(for: audience)
        case .judged(let judgement): self.response(to: judgement, for: audience, desk)
        }
      }
    }
  }

  /// What a caller hears who may not ask.
  func refuseCaller(at desk: GateDesk) -> HTTPResponse {
    self.response(to: desk.refuse(self.name, .denied), for: Audience(), desk)
  }

  private func response(
    to judgement: Judgement, for audience: @autoclosure () -> Audience, _ desk: GateDesk
  ) -> HTTPResponse {
    var response = self.dialect.answer(to: judgement, for: audience())
    response.onDelivery = desk.delivery(of: judgement)
    if let field = self.reasonField {
      switch judgement.decision {
      case .allow(let allowance): response.fields.append(field, allowance.basis.rawValue.utf8)
      case .paymentRequired(let demand): response.fields.append(field, demand.reason.code.utf8)
      case .deny(let denial): response.fields.append(field, denial.code.utf8)
      case .unavailable(let outage): response.fields.append(field, outage.code.rawValue.utf8)
      }
    }
    return response
  }
}
