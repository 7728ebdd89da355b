internal import ExtAuthz
internal import Gate
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
    case .nobody: return .refused(PublicAnswer.fault(.unauthorized, Self.challenge))
    case .stranger: return .refused(PublicAnswer.fault(.unknownPayment))
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

  /// In a time that does not tell how much of it is right.
  private func isAdmin(_ secret: [UInt8]) -> Bool {
    guard let own = self.settings.workloads.adminSecret.map({ Array($0.utf8) }), !own.isEmpty else {
      return false
    }
    var difference: UInt8 = own.count == secret.count ? 0 : 1
    for (index, byte) in secret.enumerated() { difference |= byte ^ own[index % own.count] }
    return difference == 0
  }

  /// How to log in to `lease`, after `password` is set on it; without access where it is gone or failed.
  func card(
    of lease: Lease, password: WorkloadPassword?, pass: ExchangedPass? = nil, patience: Duration? = nil,
    _ request: PublicRequest
  ) async throws(Outage) -> WorkloadCard {
    var card = WorkloadCard(lease: lease, origin: request.origin)
    card.pass = pass?.pass.token
    guard lease.state.isLive, let office = self.office else { return card }
    let end = ContinuousClock.now + (patience ?? self.settings.workloads.patience)
    if let access = try await office.access(to: lease.id, settingPassword: password, until: end) {
      card.lease = access.lease
      card.access = access
      card.password = access.password == .set ? password : nil
    } else if let now = try await office.lease(lease.id) {
      card.lease = now
    }
    return card
  }

  /// A machine ordered by what `request` shows, with a new password.
  func order(_ request: PublicRequest, _ order: WorkloadRequest) async -> Ordered {
    guard self.office != nil else { return .refused(PublicAnswer.fault(.noWorkloads)) }
    switch await self.gate.order(order) {
    case .faulty(let fault): return .refused(PublicAnswer.fault(.badWish, message: fault.text))
    case .refused(let judgement): return .refused(self.refusal(judgement, request))
    case .machine(let lease, let exchanged, let presentation):
      do throws(Outage) {
        let card = try await self.card(of: lease, password: .random(), pass: exchanged, request)
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
    PublicAnswer.open(DirectAnswer.refusal(judgement, resource: request.origin + request.path))
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
