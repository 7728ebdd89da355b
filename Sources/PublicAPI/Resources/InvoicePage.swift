internal import ExtAuthz
internal import Gate

/// An invoice as a person sees it; it loads itself again until it is paid.
struct InvoicePage {
  var invoice: Invoice
  var outcome: InvoiceOutcome
  /// Where the buyer came from, as he says: a link only to the host that the pass is for.
  var back: String?
  /// Where we are called.
  var host: String?

  /// How often an open invoice is looked at.
  private static let refreshSeconds = 3

  func frame(_ printer: PagePrinter) -> PageFrame {
    switch self.outcome {
    case .open:
      return PageFrame(
        title: "Pay \(self.invoice.amount)", body: self.request(printer), refreshSeconds: Self.refreshSeconds)
    case .settling:
      return PageFrame(
        title: "Paid", body: self.message("Paid", "The payment is being taken. One moment."),
        refreshSeconds: Self.refreshSeconds)
    case .paid(let exchanged): return PageFrame(title: "Paid", body: self.pass(exchanged))
    case .over: return PageFrame(title: "Over", body: self.message("Over", "This pass has ended."))
    case .expired:
      return PageFrame(
        title: "Expired",
        body: self.message("Expired", "Nobody paid this invoice in time. Do not pay it now."))
    }
  }

  private func message(_ title: String, _ text: String) -> String {
    "<h1>\(title)</h1><p role=\"status\">\(text)</p>\(self.link)"
  }

  private func request(_ printer: PagePrinter) -> String {
    // Upper case makes a QR code of half the size (BOLT 11, BIP 21).
    let image = printer.image(
      of: "LIGHTNING:" + self.invoice.bolt11.uppercased(), label: "QR code: Lightning, \(self.invoice.amount)"
    )
    let field = CopyField(id: "invoice", label: "Lightning invoice", text: self.invoice.bolt11)
    return """
      <h1>Pay by Lightning</h1><p class="amount">\(HTML.escape("\(self.invoice.amount)"))</p>\
      <section>\(field.html(image: image))</section>\
      <p role="status">This page loads itself again until the invoice is paid.</p>
      """
  }

  private func pass(_ exchanged: ExchangedPass) -> String {
    let left = exchanged.remaining.map { "<p>Left: \(HTML.escape($0.text))</p>" } ?? ""
    let field = CopyField(
      id: "pass", label: "Your pass. Send it as the header Turnpike-Pass, and keep it to yourself.",
      text: exchanged.pass.token)
    return """
      <h1>Paid</h1><p role="status">Thank you.</p>\(left)\(self.link)\
      <section>\(field.html(image: ""))</section>
      """
  }

  private var link: String {
    let own = self.invoice.quote.scope.host
    guard let back = self.back, let (host, _) = ResourceRequest.split(back), let host,
      let name = CanonicalHost(host)?.text, name == (own.isEmpty ? self.host : own)
    else { return "" }
    return "<p><a href=\"\(HTML.escape(back))\">Back to the page</a></p>"
  }
}
