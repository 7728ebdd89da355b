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

    var allowed: String {
      [self.get == nil ? nil : "GET, HEAD", self.post == nil ? nil : "POST", "OPTIONS"].compactMap { $0 }
        .joined(separator: ", ")
    }

    /// The open segment, empty where there is none; nil where the path is another.
    func match(_ path: String) -> String? {
      guard self.path.hasSuffix("{id}") else { return path == self.path ? "" : nil }
      let prefix = self.path.dropLast(4)
      guard path.hasPrefix(prefix) else { return nil }
      let id = path.dropFirst(prefix.count)
      return id.isEmpty || id.contains("/") ? nil : String(id)
    }
  }

  private static let maxBodyBytes = 64 * 1024

  private let settings: PublicSettings
  private let credentials: [StaticString]
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
    let version = settings.version
    self.entries = [
      Entry(path: "/healthz", get: { _ in .now(HealthResource.answer(version: version)) }),
      Entry(path: "/openapi.json", get: { _ in .now(OpenAPIResource.answer(version: version)) }),
      // Not on the event loop, where proxies wait for decisions.
      Entry(path: "/v1/offers", get: { request in .later { offers.answer(to: request) } }),
      Entry(path: "/v1/passes", post: { request in .later { await passes.exchange(request) } }),
      Entry(path: "/v1/invoices", post: { request in .later { await orders.open(request) } }),
      Entry(path: "/v1/invoices/{id}", get: { request in .later { await orders.show(request) } }),
      Entry(path: "/v1/payments/{id}", get: { request in .later { await payments.show(request) } }),
    ]
  }

  package func intake(for request: HTTPRequest) -> Intake { .whole(maxBytes: Self.maxBodyBytes) }

  package func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    var question = PublicRequest(request, credentials: self.credentials, settings: self.settings)
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
    case .put, .patch, .delete, .other: break
    }
    var fields = FieldList()
    fields.append("allow", entry.allowed.utf8)
    return .now(PublicAnswer.fault(.methodNotAllowed, fields))
  }
}
