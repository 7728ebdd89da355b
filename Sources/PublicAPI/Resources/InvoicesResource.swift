internal import ExtAuthz
internal import Gate
internal import JSON
internal import Octets
internal import Transport

/// `POST /v1/invoices` and `GET /v1/invoices/{id}`: a Lightning invoice for a resource, and the pass that it bought.
///
/// The id is the secret that bears the pass: only who ordered the invoice has it.
struct InvoicesResource: Sendable {
  let gate: Gate
  let source: (any InvoiceSource)?
  let settings: PublicSettings
  let printer: PagePrinter

  func open(_ request: PublicRequest) async -> HTTPResponse {
    guard let source = self.source else { return PublicAnswer.fault(.noInvoices) }
    let wanted: ResourceRequest
    do throws(PublicAnswer.Fault) {
      wanted = try ResourceRequest(request)
    } catch {
      return PublicAnswer.fault(error)
    }
    let quote: Quote
    let route: Route
    switch self.gate.quote(wanted.exchange(request)) {
    case .priced(let found, let owner): (quote, route) = (found, owner)
    case .refused(let judgement): return self.refusal(judgement, wanted.resource)
    }
    do throws(Outage) {
      if let wait = try await self.gate.wait(for: "invoice", of: request.client, self.settings.invoiceLimit) {
        let denial = Denial.tooManyRequests(retryAfterSeconds: wait)
        return self.refusal(Judgement(.deny(denial), route: nil), wanted.resource)
      }
      try self.gate.checkVacancy(on: route)
      let invoice = try await source.open(for: quote)
      let location = request.origin + "/v1/invoices/\(invoice.id)"
      if request.wantsPage {
        return PublicAnswer.seeOther("\(location)?url=\(FormText.escape(wanted.resource))")
      }
      var fields = FieldList()
      fields.append("location", location.utf8)
      return PublicAnswer.json(201, invoice.json(.open, at: location), fields)
    } catch {
      return self.refusal(Judgement(.unavailable(error), route: nil), wanted.resource)
    }
  }

  func show(_ request: PublicRequest) async -> HTTPResponse {
    guard let source = self.source else { return PublicAnswer.fault(.noInvoices) }
    do throws(Outage) {
      guard let invoice = try await source.invoice(request.id) else {
        return PublicAnswer.fault(.unknownInvoice)
      }
      let outcome = try await self.outcome(of: invoice)
      if request.wantsPage { return self.page(invoice, outcome, request) }
      let location = request.origin + "/v1/invoices/\(invoice.id)"
      if case .paid(let exchanged) = outcome {
        return PublicAnswer.json(200, invoice.json(outcome, at: location), DirectAnswer.fields(of: exchanged))
      }
      return PublicAnswer.json(200, invoice.json(outcome, at: location))
    } catch {
      return self.refusal(Judgement(.unavailable(error), route: nil), request.path)
    }
  }

  private func outcome(of invoice: Invoice) async throws(Outage) -> InvoiceOutcome {
    switch invoice.state {
    case .open: return .open
    case .closed(.expired): return .expired
    case .closed(.paid(let payment)):
      guard let grant = try await self.gate.account(of: payment)?.grant else { return .settling }
      return self.gate.pass(of: grant).map { .paid($0) } ?? .over
    }
  }

  private func refusal(_ judgement: Judgement, _ resource: String) -> HTTPResponse {
    PublicAnswer.open(DirectAnswer.refusal(judgement, resource: resource))
  }

  private func page(_ invoice: Invoice, _ outcome: InvoiceOutcome, _ request: PublicRequest) -> HTTPResponse {
    let back = request.query.first { $0.name == "url" }?.value
    let page = InvoicePage(invoice: invoice, outcome: outcome, back: back, host: request.host)
    var fields = FieldList()
    // A browser keeps it for the app where app and API share a host: ports do not part cookies (RFC 6265 §8.5).
    // A machine's is bound to none.
    if case .paid(let exchanged) = outcome, ["", request.host].contains(exchanged.grant.scope.host) {
      fields.append("set-cookie", PassCookie.setCookie(exchanged.pass, isSecure: request.isSecure).utf8)
    }
    return PublicAnswer.page(page.frame(self.printer), fields)
  }
}

/// What became of an invoice.
enum InvoiceOutcome: Sendable {
  case open
  /// The money is on its way from the mint.
  case settling
  case paid(ExchangedPass)
  /// It was paid, and its pass has ended or was revoked.
  case over
  case expired

  var name: String {
    switch self {
    case .open: "open"
    case .settling: "settling"
    case .paid: "paid"
    case .over: "over"
    case .expired: "expired"
    }
  }
}

extension Invoice {
  fileprivate func json(_ outcome: InvoiceOutcome, at location: String) -> JSON {
    var pass: JSON?
    if case .paid(let exchanged) = outcome { pass = exchanged.json(label: self.quote.scope.route.text) }
    return .record([
      "id": .string(self.id),
      "url": .string(location),
      "state": .string(outcome.name),
      "invoice": .string(self.bolt11),
      "amount": .unsigned(self.amount.value),
      "unit": .string(self.amount.unit.name),
      "expires": .unsigned(UInt64(clamping: self.expires.seconds)),
      "pass": pass,
    ])
  }
}
