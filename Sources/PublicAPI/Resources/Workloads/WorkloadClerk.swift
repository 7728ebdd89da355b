internal import ExtAuthz
internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// What the resources of machines have in common: who asks, and how he logs in.
struct WorkloadClerk: Sendable {
  let gate: Gate
  let settings: PublicSettings

  /// Most machines in one list.
  static let maxListed = 200

  /// Nil where no machines are sold.
  var office: (any WorkloadOffice)? { self.gate.machineRoutes.isEmpty ? nil : self.gate.office }

  /// How long an answer that sets no password waits for a machine that is being made.
  private static let glance: Duration = .milliseconds(200)

  enum Caller {
    case admin
    /// By a pass, or by the payment whose grant it is.
    case owner(Serial, GrantRecord?)
    case refused(HTTPResponse)

    /// Whose machine he may see and end.
    func mayTouch(_ lease: Lease) -> Bool {
      switch self {
      case .admin: true
      case .owner(let serial, _): serial == lease.serial
      case .refused: false
      }
    }
  }

  func caller(_ request: PublicRequest) async -> Caller {
    if let secret = request.secret, self.isAdmin(secret) { return .admin }
    switch await self.gate.bearer(of: request.order()) {
    case .of(let serial, let payment): return .owner(serial, payment)
    case .nobody:
      return .refused(
        PublicAnswer.fault(.unauthorized, Self.challenge, message: "Show the machine's pass (Turnpike-Pass).")
      )
    case .stranger:
      return .refused(
        PublicAnswer.fault(
          .unknownPayment,
          message:
            "This payment has bought no machine. To prolong one, send its pass (Turnpike-Pass) beside it."))
    case .refused(let judgement): return .refused(self.refusal(judgement, request))
    case .fault(let fault): return .refused(PublicAnswer.unauthorized(fault.rawValue, Self.challenge))
    }
  }

  /// RFC 9110 §11.6.1.
  private static var challenge: FieldList {
    var fields = FieldList()
    fields.append("www-authenticate", "Bearer realm=\"turnpike\"".utf8)
    return fields
  }

  private func isAdmin(_ secret: [UInt8]) -> Bool {
    guard let own = self.settings.workloads.adminSecret, !own.isEmpty else { return false }
    return equalInConstantTime(secret, own.utf8)
  }

  /// How to log in to `lease`, with `password` set on it or what was set meanwhile; without access where it is gone or failed.
  func card(
    of lease: Lease, setting password: ProposedPassword?, pass: ExchangedPass? = nil,
    patience: Duration? = nil, _ request: PublicRequest
  ) async throws(Outage) -> WorkloadCard {
    var card = WorkloadCard(lease: lease, origin: request.origin)
    card.pass = pass?.pass.token
    guard lease.state.isLive, let office = self.office else { return card }
    let end = ContinuousClock.now + (patience ?? self.settings.workloads.patience)
    if let access = try await office.access(to: lease.id, setting: password, until: end) {
      card.lease = access.lease
      card.access = access
    } else if let now = try await office.lease(lease.id) {
      card.lease = now
    }
    return card
  }

  /// A machine as it is, with what it has of an access; sets nothing.
  func glimpse(
    of lease: Lease, pass: ExchangedPass? = nil, patience: Duration = Self.glance, _ request: PublicRequest
  ) async -> WorkloadCard {
    do throws(Outage) {
      return try await self.card(of: lease, setting: nil, pass: pass, patience: patience, request)
    } catch {
      // Not prepared yet, or kept elsewhere: the book knows the rest.
      var card = WorkloadCard(lease: lease, origin: request.origin)
      card.pass = pass?.pass.token
      return card
    }
  }

  /// The machines that the caller may see, as they are.
  func glimpses(_ request: PublicRequest, of office: any WorkloadOffice) async throws(Outage) -> Glimpses {
    let leases: [Lease]
    switch await self.caller(request) {
    case .refused(let response): return .refused(response)
    case .admin: leases = try await office.leases(limit: Self.maxListed)
    case .owner(let serial, _): leases = try await office.lease(of: serial).map { [$0] } ?? []
    }
    var cards: [WorkloadCard] = []
    for lease in leases { cards.append(await self.glimpse(of: lease, patience: .zero, request)) }
    return .cards(cards)
  }

  enum Glimpses {
    case cards([WorkloadCard])
    case refused(HTTPResponse)
  }

  /// The machine that the path names, where the caller may see it.
  func withLease(
    _ request: PublicRequest, _ body: (Lease, Caller) async throws(Outage) -> HTTPResponse
  ) async -> HTTPResponse {
    guard let office = self.office else { return PublicAnswer.fault(.noWorkloads) }
    let caller = await self.caller(request)
    if case .refused(let response) = caller { return response }
    guard let id = WorkloadID(named: request.id) else {
      return PublicAnswer.fault(.unknownWorkload, message: WorkloadID.form)
    }
    do throws(Outage) {
      guard let lease = try await office.lease(id) else { return PublicAnswer.fault(.unknownWorkload) }
      guard caller.mayTouch(lease) else {
        return PublicAnswer.fault(.forbidden, message: "Another payment bought this machine.")
      }
      return try await body(lease, caller)
    } catch { return self.outage(error, request) }
  }

  /// A machine ordered by what `request` shows, with a new password.
  func order(_ request: PublicRequest, _ order: WorkloadRequest) async -> Ordered {
    guard self.office != nil else { return .refused(PublicAnswer.fault(.noWorkloads)) }
    let password = ProposedPassword(.random())
    switch await self.gate.order(order) {
    case .faulty(let fault): return .refused(PublicAnswer.fault(.badWish, message: fault.text))
    case .refused(let judgement): return .refused(self.refusal(judgement, request))
    case .machine(let lease, let exchanged, let presentation):
      do throws(Outage) {
        let card = try await self.card(of: lease, setting: password, pass: exchanged, request)
        guard card.access != nil else { return .refused(Self.failed(card)) }
        return .machine(card, exchanged, presentation)
      } catch {
        return .refused(self.refusal(Judgement(.unavailable(error), route: nil), request))
      }
    }
  }

  enum Ordered {
    case machine(WorkloadCard, ExchangedPass?, Presentation)
    case refused(HTTPResponse)
  }

  /// A machine that nobody can log in to. What is left of its time is kept: the same payment gets another.
  static func failed(_ card: WorkloadCard) -> HTTPResponse {
    guard card.lease.credit > .zero || card.lease.state.isLive else {
      return PublicAnswer.fault(.workloadOver, message: "Its time is over.")
    }
    var fields = FieldList()
    fields.append("retry-after", "2".utf8)
    return PublicAnswer.fault(
      .workloadFailed, fields,
      message: "The machine is gone. Its time is kept: send the same payment or pass again.")
  }

  func refusal(_ judgement: Judgement, _ request: PublicRequest) -> HTTPResponse {
    var refusal = PublicAnswer.open(
      DirectAnswer.refusal(judgement, resource: request.origin + request.path))
    if let advice = judgement.decision.advice, let said = (try? JSONReader.read(refusal.body))?.members {
      let told = said + [JSON.Member(name: "message", value: .string(advice))]
      refusal.body = JSONWriter.write(.object(told)) + [ASCII.lineFeed]
    }
    return refusal
  }

  func outage(_ outage: Outage, _ request: PublicRequest) -> HTTPResponse {
    self.refusal(Judgement(.unavailable(outage), route: nil), request)
  }
}

extension PublicRequest {
  func order(_ body: WorkloadBody = WorkloadBody()) -> WorkloadRequest {
    WorkloadRequest(
      fields: self.fields, client: self.client, spec: body.spec, wishes: body.wishes)
  }
}
