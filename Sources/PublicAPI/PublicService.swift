internal import ExtAuthz
package import Gate
internal import Octets
package import Transport

/// The `public` listener: what anyone may ask. No adapter answers here (design §6).
package struct PublicService: HTTPService {
  typealias Handler = @Sendable (PublicRequest) -> Reply<HTTPResponse>

  /// One path: its segments, `{id}` for an open one, and what is done by each method. GET answers HEAD too.
  struct Entry: Sendable {
    var path: String
    var get: Handler?
    var post: Handler?
    var delete: Handler?

    var allowed: String {
      [
        self.get == nil ? nil : "GET, HEAD", self.post == nil ? nil : "POST",
        self.delete == nil ? nil : "DELETE", "OPTIONS",
      ].compactMap { $0 }.joined(separator: ", ")
    }

    private static let open = "{id}"

    /// The open segment, empty where there is none; nil where the path is another.
    func match(_ path: String) -> String? {
      let own = self.path.split(separator: "/", omittingEmptySubsequences: false)
      let asked = path.split(separator: "/", omittingEmptySubsequences: false)
      guard own.count == asked.count else { return nil }
      var id = ""
      for (segment, text) in zip(own, asked) {
        if segment == Self.open, !text.isEmpty { id = String(text) } else if segment != text { return nil }
      }
      return id
    }
  }

  private static let maxBodyBytes = 64 * 1024

  private let settings: PublicSettings
  private let credentials: [StaticString]
  private let granted: GrantResource
  private let entries: [Entry]

  /// - Parameter invoices: nil where Lightning is off.
  package init(
    settings: PublicSettings, gate: Gate, verifiers: [any PaymentVerifier],
    invoices: (any InvoiceSource)? = nil
  ) {
    self.settings = settings
    self.credentials = verifiers.flatMap(\.credentialFields)
    let offers = OffersResource(gate: gate, settings: settings)
    let passes = PassesResource(gate: gate)
    let orders = InvoicesResource(gate: gate, source: invoices, settings: settings, printer: PagePrinter())
    let payments = PaymentsResource(gate: gate)
    let clerk = WorkloadClerk(gate: gate, settings: settings)
    self.granted = GrantResource(gate: gate, clerk: clerk)
    let workloads = WorkloadsResource(clerk: clerk)
    let pods = PodsResource(clerk: clerk)
    let version = settings.version
    self.entries = [
      Entry(path: "/healthz", get: { _ in .now(HealthResource.answer(gate, settings)) }),
      Entry(path: "/openapi.json", get: { _ in .now(OpenAPIResource.answer(version: version)) }),
      // Not on the event loop, where proxies wait for decisions.
      Entry(path: "/v1/offers", get: { request in .later { offers.answer(to: request) } }),
      Entry(path: "/v1/passes", post: { request in .later { await passes.exchange(request) } }),
      Entry(path: "/v1/invoices", post: { request in .later { await orders.open(request) } }),
      Entry(path: "/v1/invoices/{id}", get: { request in .later { await orders.show(request) } }),
      Entry(path: "/v1/payments/{id}", get: { request in .later { await payments.show(request) } }),
      Entry(
        path: "/v1/workloads", get: { request in .later { await workloads.list(request) } },
        post: { request in .later { await workloads.create(request) } }),
      Entry(
        path: "/v1/workloads/by-payment", get: { request in .later { await workloads.byPayment(request) } }),
      Entry(
        path: "/v1/workloads/{id}", get: { request in .later { await workloads.show(request) } },
        delete: { request in .later { await workloads.end(request) } }),
      Entry(
        path: "/v1/workloads/{id}/extend", post: { request in .later { await workloads.extend(request) } }),
      Entry(path: "/spawn-pod", post: { request in .later { await pods.spawn(request) } }),
      Entry(path: "/pods", get: { request in .later { await pods.list(request) } }),
      Entry(path: "/pods/{id}", get: { request in .later { await pods.show(request) } }),
      Entry(path: "/pods/{id}/port-forward", get: { request in .later { await pods.portForward(request) } }),
    ]
  }

  package func intake(for request: HTTPRequest) -> Intake { .whole(maxBytes: Self.maxBodyBytes) }

  package func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    var question = PublicRequest(request, credentials: self.credentials, settings: self.settings)
    // Before the path table: the path is the app's that this listener stands in for.
    if let reply = self.granted.answer(to: request, question) { return reply }
    for entry in self.entries {
      guard let id = entry.match(question.path) else { continue }
      question.id = id
      return self.answer(question, by: entry)
    }
    return .now(PublicAnswer.fault(.notFound))
  }

  private func answer(_ question: PublicRequest, by entry: Entry) -> Reply<HTTPResponse> {
    switch question.method {
    case .get, .head: if let get = entry.get { return get(question) }
    case .post: if let post = entry.post { return post(question) }
    case .options: return .now(PublicAnswer.preflight(entry.allowed, self.credentials))
    case .delete: if let delete = entry.delete { return delete(question) }
    case .put, .patch, .other: break
    }
    var fields = FieldList()
    fields.append("allow", entry.allowed.utf8)
    return .now(PublicAnswer.fault(.methodNotAllowed, fields))
  }
}
