internal import Gate

/// The 402 that a person sees: what it costs and each way to pay it.
struct PaymentPage {
  var resource: String
  /// The public reason code.
  var reason: String
  var amount: Amount?
  /// What is bought, where the amount does not say it.
  var sells: String?
  var ways: [Challenge.Way]

  /// Traefik takes 64 KiB of a refusal's body, Envoy's default too.
  static let maxBytes = 60 * 1024

  func frame(_ printer: PagePrinter) -> PageFrame {
    var images = self.ways.map { way in
      way.code.map { printer.image(of: $0, label: "QR code: \(way.title), \(way.price)") } ?? ""
    }
    var frame = self.frame(images: images)
    // The texts stay: what cannot be scanned can be copied.
    while frame.body.utf8.count > Self.maxBytes, let last = images.lastIndex(where: { !$0.isEmpty }) {
      images[last] = ""
      frame = self.frame(images: images)
    }
    return frame
  }

  private func frame(images: [String]) -> PageFrame {
    var body = "<h1>Payment required</h1>"
    if let note = self.note { body += "<p role=\"status\">\(HTML.escape(note))</p>" }
    body += "<p>This page has a price: <code>\(HTML.escape(self.resource))</code></p>"
    // As its scheme writes it: the amount alone may count the smallest parts of a token.
    let price = self.ways.first?.price ?? self.amount.map { "\($0)" }
    if let price { body += "<p class=\"amount\">\(HTML.escape(price))</p>" }
    if let sells = self.sells { body += "<p>\(HTML.escape(sells))</p>" }
    for (index, way) in self.ways.enumerated() { body += self.section(way, index, images[index]) }
    let targets = Set(self.ways.compactMap { $0.order.flatMap(Self.origin) })
    return PageFrame(
      title: "Payment required", body: body,
      formTarget: targets.isEmpty ? nil : targets.sorted().joined(separator: " "))
  }

  private func section(_ way: Challenge.Way, _ index: Int, _ image: String) -> String {
    var out = "<section aria-labelledby=\"w\(index)\"><h2 id=\"w\(index)\">\(HTML.escape(way.title))</h2>"
    out += "<p>\(HTML.escape(way.price))</p>"
    if let code = way.code {
      out += CopyField(id: "c\(index)", label: "Payment request for your wallet", text: code).html(
        image: image)
    }
    if let order = way.order, Self.origin(of: order) != nil {
      out += """
        <form method="post" action="\(HTML.escape(order))">\
        <input type="hidden" name="url" value="\(HTML.escape(self.resource))">\
        <button>Pay with \(HTML.escape(way.title))</button></form>
        """
    }
    if way.code == nil, way.order == nil {
      out += "<p>For a program that pays: what it needs stands in the header of this answer.</p>"
    }
    return out + "</section>"
  }

  /// What a person can do about a reason that is not simply "not paid yet".
  private var note: String? {
    switch self.reason {
    case "payment_required": nil
    case "spent": "That payment was spent before."
    case "pass_expired": "Your pass has ended."
    case "pass_used": "Your pass is used up."
    case "pass_revoked": "Your pass was revoked."
    default: "What was sent is no payment for this page (\(self.reason))."
    }
  }

  /// Scheme and authority of an http or https address; nil for any other.
  private static func origin(of address: String) -> String? {
    for scheme in ["https://", "http://"] where address.hasPrefix(scheme) {
      let authority = address.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }
      let isPlain = authority.allSatisfy {
        $0.isASCII && ($0.isLetter || $0.isNumber || ".-:[]".contains($0))
      }
      return authority.isEmpty || !isPlain ? nil : scheme + authority
    }
    return nil
  }
}
