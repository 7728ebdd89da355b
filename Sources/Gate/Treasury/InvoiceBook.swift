/// Lightning invoices that were handed out: a counterpart's quotes, waiting to be paid.
///
/// An invoice is no payment. When it is paid, what it buys is claimed under a ``PaymentID`` made from its id.
public protocol InvoiceBook: Ledger {
  /// Durable before the invoice is shown. An ``Outage`` when its id is known.
  func insert(_ invoice: Invoice) async throws(Outage)

  /// Open ones, oldest first.
  func openInvoices(limit: Int) async throws(Outage) -> [Invoice]

  func invoice(_ id: String) async throws(Outage) -> Invoice?

  /// Ends an invoice. A paid one stays paid; an expired one may still be found paid. Nil when its id is unknown, else
  /// what the book says then.
  func close(_ id: String, as end: Invoice.End) async throws(Outage) -> Invoice?
}

/// A request for money over Lightning, and what it buys when it is paid.
public struct Invoice: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case open
    case closed(End)
  }

  public enum End: Hashable, Sendable {
    case paid(PaymentID)
    case expired
  }

  /// Ours; shown to the payer.
  public var id: String
  /// Who mints the money (a mint's configured URL).
  public var counterpart: String
  /// The counterpart's id of the quote (NUT-04 `quote`). A secret where the quote has no key (NUT-20).
  public var counterpartQuote: String
  /// What its verifier needs to fetch the money. Contains secrets; stored, never shown.
  public var plan: [UInt8]
  /// BOLT 11.
  public var bolt11: String
  public var amount: Amount
  /// What it was offered for, as it was then.
  public var quote: Quote
  public var created: Timestamp
  public var expires: Timestamp
  public var state: State

  public init(
    id: String, counterpart: String, counterpartQuote: String, plan: [UInt8], bolt11: String, amount: Amount,
    quote: Quote, created: Timestamp, expires: Timestamp, state: State = .open
  ) {
    self.id = id
    self.counterpart = counterpart
    self.counterpartQuote = counterpartQuote
    self.plan = plan
    self.bolt11 = bolt11
    self.amount = amount
    self.quote = quote
    self.created = created
    self.expires = expires
    self.state = state
  }
}
