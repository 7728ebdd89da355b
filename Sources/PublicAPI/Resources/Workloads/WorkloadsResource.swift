internal import ExtAuthz
internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// `/v1/workloads…`: machines for payments. The payment is the idempotency key: presented again it gives the same
/// machine with a new password.
struct WorkloadsResource: Sendable {
  let clerk: WorkloadClerk

  /// How long an answer that sets no password waits for a machine that is being made.
  private static let glance: Duration = .milliseconds(200)

  func create(_ request: PublicRequest) async -> HTTPResponse {
    let body: WorkloadBody
    do throws(PublicAnswer.Fault) { body = try WorkloadBody(request) } catch {
      return PublicAnswer.fault(error)
    }
    switch await self.clerk.order(request, request.order(body)) {
    case .refused(let response): return response
    case .machine(let card, let exchanged, let presentation):
      var fields = exchanged.map { DirectAnswer.fields(of: $0) } ?? FieldList()
      fields.append("location", (request.origin + card.path).utf8)
      return PublicAnswer.json(presentation.isFirst ? 201 : 200, card.json, fields)
    }
  }

  /// Its caller's own; all of them for the admin.
  func list(_ request: PublicRequest) async -> HTTPResponse {
    guard let office = self.clerk.office else { return PublicAnswer.fault(.noWorkloads) }
    do throws(Outage) {
      var leases: [Lease] = []
      switch await self.clerk.caller(request) {
      case .refused(let response): return response
      case .admin: leases = try await office.leases(limit: WorkloadClerk.maxListed)
      case .owner(let serial, _): leases = try await office.lease(of: serial).map { [$0] } ?? []
      }
      let cards = leases.map { WorkloadCard(lease: $0, origin: request.origin).json }
      return PublicAnswer.json(200, .record(["workloads": .array(cards)]))
    } catch { return self.clerk.outage(error, request) }
  }

  /// What is left to be known of the machine of a payment or pass: with a new password, as where it was paid for.
  func byPayment(_ request: PublicRequest) async -> HTTPResponse {
    guard let office = self.clerk.office else { return PublicAnswer.fault(.noWorkloads) }
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
      let password = request.method == .head ? nil : WorkloadPassword.random()
      let card = try await self.clerk.card(of: lease, password: password, pass: exchanged, request)
      return PublicAnswer.json(200, card.json)
    } catch { return self.clerk.outage(error, request) }
  }

  func show(_ request: PublicRequest) async -> HTTPResponse {
    await self.withLease(request) { (lease, _) async throws(Outage) in
      var card = WorkloadCard(lease: lease, origin: request.origin)
      do throws(Outage) {
        card = try await self.clerk.card(of: lease, password: nil, patience: Self.glance, request)
      } catch {
        // Not prepared yet: its state says so.
        guard error.code == .inFlight else { throw error }
      }
      return PublicAnswer.json(200, card.json)
    }
  }

  /// A payment more for the same machine. It is its owner's to prolong: his pass stands beside the payment.
  func extend(_ request: PublicRequest) async -> HTTPResponse {
    await self.withLease(request) { (lease, _) async throws(Outage) in
      guard lease.state.isLive else {
        return PublicAnswer.fault(
          .workloadOver, message: "It has ended. Send the payment and your pass to /v1/workloads.")
      }
      switch await self.clerk.gate.extend(lease, request.order()) {
      case .faulty: return PublicAnswer.fault(.noWorkloads)
      case .refused(let judgement): return self.clerk.refusal(judgement, request)
      case .machine(let extended, let exchanged, _):
        var card = WorkloadCard(lease: extended, origin: request.origin)
        card.pass = exchanged?.pass.token
        return PublicAnswer.json(200, card.json, exchanged.map { DirectAnswer.fields(of: $0) } ?? FieldList())
      }
    }
  }

  /// Ends it before its time; what is left of it is credit.
  func end(_ request: PublicRequest) async -> HTTPResponse {
    await self.withLease(request) { (lease, caller) async throws(Outage) in
      let note = if case .admin = caller { "ended by the operator" } else { "ended by its owner" }
      guard let ended = try await self.clerk.office?.end(lease.id, note: note) else {
        return PublicAnswer.fault(.unknownWorkload)
      }
      return PublicAnswer.json(200, WorkloadCard(lease: ended, origin: request.origin).json)
    }
  }

  /// The machine that the path names, where the caller may see it.
  private func withLease(
    _ request: PublicRequest, _ body: (Lease, WorkloadClerk.Caller) async throws(Outage) -> HTTPResponse
  ) async -> HTTPResponse {
    guard let office = self.clerk.office else { return PublicAnswer.fault(.noWorkloads) }
    let caller = await self.clerk.caller(request)
    if case .refused(let response) = caller { return response }
    do throws(Outage) {
      guard let id = WorkloadID(request.id), let lease = try await office.lease(id) else {
        return PublicAnswer.fault(.unknownWorkload)
      }
      guard caller.mayTouch(lease) else { return PublicAnswer.fault(.forbidden) }
      return try await body(lease, caller)
    } catch { return self.clerk.outage(error, request) }
  }
}

extension Presentation {
  var isFirst: Bool { if case .first = self { true } else { false } }
}
