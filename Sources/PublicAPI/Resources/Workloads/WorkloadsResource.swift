internal import ExtAuthz
internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// `/v1/workloads…`: machines for payments. The payment is the idempotency key: presented again it gives the same
/// machine with a new password.
struct WorkloadsResource: Sendable {
  let clerk: WorkloadClerk

  func create(_ request: PublicRequest) async -> HTTPResponse {
    let body: WorkloadBody
    do throws(WorkloadBody.Fault) { body = try WorkloadBody(request) } catch { return error.response }
    switch await self.clerk.order(request, request.order(body)) {
    case .refused(let response): return response
    case .machine(let card, let exchanged, let presentation):
      var fields = exchanged.map { DirectAnswer.fields(of: $0) } ?? FieldList()
      fields.append("location", (request.origin + card.path).utf8)
      return Self.answer(presentation.isFirst ? 201 : 200, card, request, fields)
    }
  }

  /// Its caller's own; all of them for the admin.
  func list(_ request: PublicRequest) async -> HTTPResponse {
    guard let office = self.clerk.office else { return PublicAnswer.fault(.noWorkloads) }
    do throws(Outage) {
      switch try await self.clerk.glimpses(request, of: office) {
      case .refused(let response): return response
      case .cards(let cards):
        return PublicAnswer.json(200, .record(["workloads": .array(cards.map(\.json))]))
      }
    } catch { return self.clerk.outage(error, request) }
  }

  /// What is left to be known of the machine of a payment or pass: with a new password, as where it was paid for.
  func byPayment(_ request: PublicRequest) async -> HTTPResponse {
    guard let office = self.clerk.office else { return PublicAnswer.fault(.noWorkloads) }
    let asked = ContinuousClock.now
    do throws(Outage) {
      let lease: Lease?
      var exchanged: ExchangedPass?
      switch await self.clerk.caller(request) {
      case .refused(let response): return response
      case .admin: return PublicAnswer.fault(.badRequest, message: "Show a payment or a pass.")
      case .owner(let serial, let grant):
        lease = try await office.lease(of: serial)
        exchanged = grant.flatMap { self.clerk.gate.pass(of: $0) }
      }
      guard let lease else { return PublicAnswer.fault(.unknownWorkload) }
      // HEAD changes nothing, and shows nothing that could be changed.
      let password = request.method == .head ? nil : ProposedPassword(.random(), asked: asked)
      let card = try await self.clerk.card(of: lease, setting: password, pass: exchanged, request)
      return Self.answer(200, card, request)
    } catch { return self.clerk.outage(error, request) }
  }

  func show(_ request: PublicRequest) async -> HTTPResponse {
    await self.clerk.withLease(request) { (lease, _) async throws(Outage) in
      Self.answer(200, await self.clerk.glimpse(of: lease, request), request)
    }
  }

  /// A payment more for the same machine. It is its owner's to prolong: his pass stands beside the payment.
  func extend(_ request: PublicRequest) async -> HTTPResponse {
    await self.clerk.withLease(request) { (lease, _) async throws(Outage) in
      guard lease.state.isRunning else {
        return PublicAnswer.fault(
          .workloadOver,
          message: "It has ended, and nothing was taken. Send the payment and your pass to /v1/workloads.")
      }
      switch await self.clerk.gate.extend(lease, request.order()) {
      case .faulty:
        return PublicAnswer.fault(
          .badWish,
          message: "Nothing was taken. Machines like this are not sold here any more: it runs to its end.")
      case .refused(let judgement): return self.clerk.refusal(judgement, request)
      case .machine(let extended, let exchanged, _):
        let card = await self.clerk.glimpse(of: extended, pass: exchanged, request)
        return Self.answer(200, card, request, exchanged.map { DirectAnswer.fields(of: $0) } ?? FieldList())
      }
    }
  }

  /// Ends it before its time; what is left of it is credit.
  func end(_ request: PublicRequest) async -> HTTPResponse {
    await self.clerk.withLease(request) { (lease, caller) async throws(Outage) in
      let note = if case .admin = caller { "ended by the operator" } else { "ended by its owner" }
      guard let ended = try await self.clerk.office?.end(lease.id, note: note) else {
        return PublicAnswer.fault(.unknownWorkload)
      }
      return Self.answer(200, WorkloadCard(lease: ended, origin: request.origin), request)
    }
  }

  /// For who names `text/plain`, words: a program that names nothing gets JSON, whatever it is.
  private static func answer(
    _ status: UInt16, _ card: WorkloadCard, _ request: PublicRequest, _ more: FieldList = FieldList()
  ) -> HTTPResponse {
    request.namesText
      ? PublicAnswer.text(status, card.text, more) : PublicAnswer.json(status, card.json, more)
  }
}

extension Presentation {
  var isFirst: Bool { if case .first = self { true } else { false } }
}
