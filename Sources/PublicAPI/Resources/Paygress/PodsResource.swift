internal import ExtAuthz
internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// Paygress' own API (its sidecar): `POST /spawn-pod`, `GET /pods`, `/pods/{name}`, `/pods/{name}/port-forward`.
///
/// What it gave to anybody, it gives to the payer or the admin only.
struct PodsResource: Sendable {
  let clerk: WorkloadClerk

  private static let tokenField: StaticString = "x-cashu"

  /// The token in the body, in `X-Cashu`, or in `Authorization: Cashu`; any scheme's header does as well.
  func spawn(_ request: PublicRequest) async -> HTTPResponse {
    var question = request
    let wanted: WorkloadBody
    do throws(WorkloadBody.Fault) { wanted = try Self.read(&question) } catch {
      return Self.refused(error.response)
    }
    switch await self.clerk.order(question, question.order(wanted)) {
    case .refused(let response): return Self.refused(response)
    case .machine(let card, let exchanged, _):
      do throws(Outage) {
        let pod = try await self.info(card)
        return PublicAnswer.json(
          201,
          .record([
            "success": .bool(true), "message": .string(pod.message), "pod_info": pod.json,
          ]), exchanged.map { DirectAnswer.fields(of: $0) } ?? FieldList())
      } catch { return Self.refused(self.clerk.outage(error, request)) }
    }
  }

  /// The live ones: the caller's own, or all for the admin.
  func list(_ request: PublicRequest) async -> HTTPResponse {
    guard let office = self.clerk.office else { return PublicAnswer.fault(.noWorkloads) }
    do throws(Outage) {
      switch try await self.clerk.glimpses(request, of: office) {
      case .refused(let response): return response
      case .cards(let cards):
        var pods: [JSON] = []
        for card in cards where card.lease.state.isLive { pods.append(try await self.info(card).json) }
        return PublicAnswer.json(200, .array(pods))
      }
    } catch { return self.clerk.outage(error, request) }
  }

  func show(_ request: PublicRequest) async -> HTTPResponse {
    await self.withPod(request) { $0.json }
  }

  func portForward(_ request: PublicRequest) async -> HTTPResponse {
    await self.withPod(request) { $0.forward }
  }

  /// Sets no password: Paygress' clients look here as often as they like.
  private func withPod(_ request: PublicRequest, _ write: (PodInfo) -> JSON) async -> HTTPResponse {
    await self.clerk.withLease(request) { (lease, _) async throws(Outage) in
      guard lease.state.isLive else { return PublicAnswer.fault(.unknownWorkload, message: "It has ended.") }
      let card = await self.clerk.glimpse(of: lease, request)
      return PublicAnswer.json(200, write(try await self.info(card)))
    }
  }

  private func info(_ card: WorkloadCard) async throws(Outage) -> PodInfo {
    let workloads = self.clerk.settings.workloads
    let paid = try await self.clerk.gate.account(of: card.lease.payment)?.value
    let username =
      card.lease.wishes.username ?? workloads.kinds.first { $0.name == card.lease.spec }?.username
    return PodInfo(
      card: card, namespace: workloads.namespace, username: username ?? "",
      sats: paid.map { $0.unit == .sat ? $0.value : 0 } ?? 0)
  }

  /// Its members, and the token put where the gate reads it. Unknown members are ignored.
  private static func read(_ request: inout PublicRequest) throws(WorkloadBody.Fault) -> WorkloadBody {
    var wanted = WorkloadBody()
    guard let body = try WorkloadBody.members(of: request) else { return wanted }
    wanted.spec = try WorkloadBody.text("pod_spec_id", in: body).map { WorkloadSpecName($0) }
    wanted.wishes.image = try WorkloadBody.text("pod_image", in: body)
    wanted.wishes.username = try WorkloadBody.text("ssh_username", in: body)
    wanted.wishes.duration = try WorkloadBody.minutes("duration_minutes", in: body)
    guard let token = try WorkloadBody.text("cashu_token", in: body) else { return wanted }
    // Sent twice, it is still one.
    let sent =
      request.fields.values(of: self.tokenField)
      + request.fields.values(of: "authorization").map {
        $0.drop { $0 != ASCII.space }.trimmed
      }
    if !sent.contains(where: { $0.elementsEqual(token.utf8) }) {
      request.fields.append(self.tokenField, token.utf8)
    }
    return wanted
  }

  /// A refusal with all it says, in Paygress' shape.
  private static func refused(_ response: HTTPResponse) -> HTTPResponse {
    let said = (try? JSONReader.read(response.body))?.members ?? []
    let text = said.first { $0.name == "message" }?.value ?? said.first { $0.name == "error" }?.value
    var members: [JSON.Member] = [
      .init(name: "success", value: .bool(false)),
      .init(name: "message", value: text ?? .string("")),
      .init(name: "pod_info", value: .null),
    ]
    members += said.filter { $0.name != "message" }
    var refused = response
    refused.body = JSONWriter.write(.object(members)) + [ASCII.lineFeed]
    return refused
  }
}
