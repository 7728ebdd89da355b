internal import Digest
package import Gate
internal import Octets

/// Makes invoices at one mint, and tells of them by the id that only their buyer knows.
package struct Invoices: Sendable {
  /// Open at the same time: each is asked about until it ends.
  package static let maxOpen = 1000
  /// Where the mint names no end; BOLT 11's own default.
  static let defaultLife: Duration = .seconds(3600)
  /// Whatever a mint says: an invoice is asked about for no longer.
  static let longestLife: Duration = .seconds(30 * 86_400)

  private let desk: MintDesk
  private let mint: MintURL
  private let book: any InvoiceBook

  /// Nil when `mint` is not configured.
  package init?(desk: MintDesk, mint: MintURL, book: any InvoiceBook) {
    guard desk.clients[mint] != nil else { return nil }
    self.desk = desk
    self.mint = mint
    self.book = book
  }

  /// An invoice for the least that `quote` takes, durable when the call returns.
  package func open(for quote: Quote) async throws(Outage) -> Invoice {
    let unit = self.desk.configuration.unit
    guard let amount = quote.minimum(in: unit) else {
      throw Outage(.outage, "the price has no amount in \(unit.name)")
    }
    guard try await self.book.openInvoices(limit: Self.maxOpen).count < Self.maxOpen else {
      throw Outage(.outage, "too many invoices wait to be paid", retryAfterSeconds: 30)
    }
    let id = Hex.encode(RandomBytes.make(count: 16))
    guard let key = QuoteKey(seed: self.desk.seed, name: id) else {
      throw Outage(.outage, "this number makes no key", retryAfterSeconds: 1)
    }
    let promised = try await self.promise(amount, key)
    let now = self.desk.clock.now()
    let invoice = Invoice(
      id: id, counterpart: self.mint.text, counterpartQuote: promised.id,
      plan: InvoicePlan(isLocked: promised.publicKey?.lowercased() == key.publicKey).encoded(),
      bolt11: promised.request,
      amount: amount, quote: quote, created: now,
      expires: Self.end(promised.expiry, from: now))
    try await self.book.insert(invoice)
    return invoice
  }

  /// Mints write 0 for "none" too. One that ends before it is shown would not be asked about when it is paid.
  static func end(_ expiry: UInt64?, from now: Timestamp) -> Timestamp {
    guard let expiry, expiry > UInt64(max(0, now.seconds)) else { return now + Self.defaultLife }
    let latest = now + Self.longestLife
    return expiry < UInt64(max(0, latest.seconds)) ? Timestamp(seconds: Int64(expiry)) : latest
  }

  package func invoice(_ id: String) async throws(Outage) -> Invoice? { try await self.book.invoice(id) }

  /// The mint's quote, if its invoice is over what was asked: a buyer would pay whatever it says.
  private func promise(_ amount: Amount, _ key: QuoteKey) async throws(Outage) -> MintQuote {
    guard let client = self.desk.clients[self.mint] else {
      preconditionFailure("Invoices are made at a configured mint.")
    }
    switch await client.mintQuote(amount.value, unit: amount.unit.name, publicKey: key.publicKey) {
    case .value(let quote):
      guard let bolt11 = try? Bolt11(quote.request),
        bolt11.amount(in: amount.unit.name) ?? amount.value == amount.value
      else { throw Outage(.outage, "the mint \(self.mint) makes invoices over another amount") }
      return quote
    case .throttled:
      throw Outage(.mintBudget, "the mint \(self.mint) allows no more calls now", retryAfterSeconds: 10)
    case .refused:
      throw Outage(.outage, "the mint \(self.mint) makes no invoice over \(amount)", retryAfterSeconds: 30)
    case .silent: throw Outage(.outage, "the mint \(self.mint) does not answer")
    }
  }
}

/// What is kept of a quote beside the invoice.
struct InvoicePlan: Sendable, Equatable {
  /// The mint wants a signature for the money (NUT-20), by the key made from the invoice's id.
  var isLocked: Bool

  func encoded() -> [UInt8] { CBORWriter.write(.record(["l": .bool(self.isLocked)])) }

  init(isLocked: Bool) { self.isLocked = isLocked }

  init?(decoding bytes: [UInt8]) {
    guard let isLocked = (try? CBORReader.read(bytes))?["l"]?.bool else { return nil }
    self.isLocked = isLocked
  }
}
