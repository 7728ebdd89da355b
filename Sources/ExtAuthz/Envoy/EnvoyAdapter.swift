internal import Gate
internal import Octets
internal import Proto
package import Transport

/// Envoy's ext_authz over gRPC (API v3), and gRPC's own client of it (gRFC A92).
///
/// A denial is always a `CheckResponse` in a successful call: Envoy takes every gRPC status but OK for an error of ours,
/// which `failure_mode_allow` lets through.
package struct EnvoyAdapter: Sendable {
  package struct Settings: Sendable {
    package var trust = ProxyTrust.network
    package var outages = EnvoyOutages.asDenial
    /// Requests read at the same time without new memory: the number of event loops.
    package var width = 2

    package init() {}
  }

  package static let method = "/envoy.service.auth.v3.Authorization/Check"
  /// The context extension by which a route of Envoy's configuration chooses one of our tiers.
  package static let tierExtension = "tier"
  /// The answer to a payment leaves this much before Envoy stops waiting, so that it still gets there.
  private static let answerMargin = Duration.milliseconds(50)

  private let desk: GateDesk
  private let trust: ProxyTrust
  private let reader: CheckRequestReader
  /// Reads again what a refusal's form depends on; an allow does without.
  private let wishes: CheckRequestReader
  private let answers: EnvoyAnswer

  package init(desk: GateDesk, settings: Settings) {
    self.desk = desk
    self.trust = settings.trust
    var interest = FieldList()
    for name in desk.fieldsRead where !interest.contains(name) { interest.append(name, []) }
    self.reader = CheckRequestReader(
      interest: interest, tierExtension: Array(Self.tierExtension.utf8), width: settings.width)
    var wishes = FieldList()
    for name in Audience.fieldsOfWishes { wishes.append(name, []) }
    self.wishes = CheckRequestReader(interest: wishes, tierExtension: [], width: 1)
    self.answers = EnvoyAnswer(credentialFields: desk.credentialFields, outages: settings.outages)
  }

  /// For the gRPC router.
  package var methods: [String: GRPCMethod] { [Self.method: .unary { self.check($0) }] }

  package func check(_ message: GRPCMessage) -> Reply<GRPCAnswer> {
    guard self.trust.admits(message.peer, fields: message.metadata) else { return self.refuse(.denied) }
    let check: CheckRequest
    do throws(ProtoError) {
      check = try self.reader.read(message.bytes)
    } catch {
      switch error {
      case .malformed: return self.refuse(.badRequest("no CheckRequest"))
      case .tooLarge: return self.refuse(.badRequest("a CheckRequest that needs too much memory"))
      }
    }
    guard !check.path.isEmpty, let method = RequestMethod(wire: check.method) else {
      return self.refuse(.badRequest("a CheckRequest without method or path"))
    }
    let request = AccessRequest(
      adapter: .envoy,
      method: method,
      target: check.path,
      host: Self.present(check.host),
      id: Self.present(check.id),
      client: Self.present(check.sourceAddress).flatMap { ClientAddress(text: $0) },
      fields: check.headers,
      tier: Self.present(check.tier),
      deadline: message.deadline.map { $0 - Self.answerMargin }
    )
    let link = Audience.Link(scheme: check.scheme)
    switch self.desk.rule(on: request) {
    case .decided(let judgement):
      return .now(self.answer(judgement, to: request, link, wishes: self.wishes(in: message)))
    case .pending(let pending):
      let wishes = self.wishes(in: message)
      return .later {
        self.answer(await self.desk.decide(pending, on: request), to: request, link, wishes: wishes)
      }
    }
  }

  private func wishes(in message: GRPCMessage) -> FieldList {
    (try? self.wishes.read(message.bytes).headers) ?? FieldList()
  }

  /// Envoy leaves out what it does not know.
  private static func present(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { text.isEmpty ? nil : text }

  private func answer(
    _ judgement: Judgement, to request: AccessRequest, _ link: Audience.Link,
    wishes: @autoclosure () -> FieldList
  ) -> GRPCAnswer {
    let audience = { (wishes: FieldList) in
      Audience(request, link: link, wishes: wishes, printer: self.desk.printer)
    }
    switch Rendering(judgement, for: audience(wishes())) {
    case .allow(let allowance):
      let bytes = self.answers.allow(
        allowance, shared: self.sharedFields(of: request), link: link, route: judgement.route,
        origin: audience(FieldList()).origin)
      return .message(bytes, onDelivery: self.desk.delivery(of: judgement))
    case .refuse(let refusal):
      return .message(self.answers.refuse(refusal))
    }
  }

  private func sharedFields(of request: AccessRequest) -> EnvoyAnswer.SharedFields {
    var shared = EnvoyAnswer.SharedFields()
    if self.desk.isOffer(authorizationOf: request) { shared.authorization = .offer }
    let cookies = request.fields.values(of: "cookie")
    if cookies.contains(where: { Self.mayHoldPass($0) && PassCookie.remainder(of: $0) != nil }) {
      let kept = cookies.map { PassCookie.remainder(of: $0) ?? Array($0) }.filter { !$0.isEmpty }
      shared.cookie = Array(kept.joined(separator: [ASCII.semicolon, ASCII.space]))
    }
    return shared
  }

  /// Most cookies are the app's own: those are not taken apart.
  private static func mayHoldPass(_ cookies: ArraySlice<UInt8>) -> Bool {
    let initial = UInt8(ascii: "t")
    return cookies.indices.contains { index in
      ASCII.lowercased(cookies[index]) == initial
        && cookies[index...].startsIgnoringCase(with: PassCookie.name)
    }
  }

  private func refuse(_ denial: Denial) -> Reply<GRPCAnswer> {
    let refusal = Refusal(denial, self.desk.refuse(.envoy, denial).route, Audience())
    return .now(.message(self.answers.refuse(refusal)))
  }
}
