package import Gate

/// What the public listener must be told.
package struct PublicSettings: Sendable {
  /// Where a client's address comes from.
  package enum ClientSource: Sendable {
    /// The TCP connection: nothing stands in front.
    case peer
    /// `X-Real-IP`, which a proxy in front overwrites.
    case realIP
  }

  package var version: String
  /// How buyers reach this listener: scheme and authority, such as `https://pay.example`. Nil: as they called it.
  package var publicURL: String?
  package var clientSource = ClientSource.peer
  /// Invoices that one client may order: each asks a mint.
  package var invoiceLimit = RequestLimit(requests: 10, per: .seconds(60))
  /// Facts of each scheme that hold whatever the price (its mints, our key, its networks), for `/v1/offers`.
  package var methods: [Challenge.Member] = []

  package init(version: String) { self.version = version }
}

/// Where Lightning invoices come from.
package protocol InvoiceSource: Sendable {
  /// An invoice for the least that `quote` takes, durable when the call returns.
  func open(for quote: Quote) async throws(Outage) -> Invoice

  /// By our id, which only its buyer knows.
  func invoice(_ id: String) async throws(Outage) -> Invoice?
}
