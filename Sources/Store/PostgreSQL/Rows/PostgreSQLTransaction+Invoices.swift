internal import Gate

extension PostgreSQLTransaction {
  private static let columns = """
    id, counterpart, quote, plan, bolt11, amount, unit, route, host, tariff, created_at, expires_at, state, payment
    """
  private static let selectOne = PostgreSQLStatement(
    "invoice", "SELECT \(columns) FROM invoices WHERE id = $1")
  private static let selectOpen = PostgreSQLStatement(
    "invoices_open", "SELECT \(columns) FROM invoices WHERE state = 'open' ORDER BY created_at LIMIT $1")
  private static let insertOne = PostgreSQLStatement(
    "invoice_insert",
    """
    INSERT INTO invoices (\(columns), updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $11)
    """, expecting: .oneRow)
  private static let replaceOne = PostgreSQLStatement(
    "invoice_replace",
    "UPDATE invoices SET state = $1, payment = $2, updated_at = $3 WHERE id = $4 AND state = $5",
    expecting: .oneRow)

  func invoice(_ id: String) throws(Outage) -> Invoice? {
    guard let row = try self.row(Self.selectOne, [.text(id)]) else { return nil }
    return try Invoice(row)
  }

  func openInvoices(limit: Int) throws(Outage) -> [Invoice] {
    try self.rows(Self.selectOpen, [.integer(Int64(limit))])
      .map { row throws(Outage) in try Invoice(row) }
  }

  func insert(_ invoice: Invoice) {
    self.change(
      Self.insertOne,
      [
        .text(invoice.id), .text(invoice.counterpart), .text(invoice.counterpartQuote), .bytes(invoice.plan),
        .text(invoice.bolt11), .integer(Int64(clamping: invoice.amount.value)),
        .text(invoice.amount.unit.name), .text(invoice.quote.scope.route.text),
        .text(invoice.quote.scope.host), .text(invoice.quote.tariff.storedText),
        PostgreSQLValue(invoice.created), PostgreSQLValue(invoice.expires), .text(invoice.state.word),
        PostgreSQLValue(invoice.state.payment?.text),
      ])
  }

  func replace(_ old: Invoice, with new: Invoice, at now: Timestamp) {
    self.change(
      Self.replaceOne,
      [
        .text(new.state.word), PostgreSQLValue(new.state.payment?.text), PostgreSQLValue(now), .text(old.id),
        .text(old.state.word),
      ])
  }
}

extension Invoice {
  fileprivate init(_ row: PostgreSQLRow) throws(Outage) {
    let quote = Quote(
      tariff: try PostgreSQLRow.present(try row.optionalStored(9)),
      scope: GrantScope(route: RouteID(try row.text(7)), host: try row.text(8)))
    self.init(
      id: try row.text(0), counterpart: try row.text(1), counterpartQuote: try row.text(2),
      plan: try row.bytes(3), bolt11: try row.text(4),
      amount: Amount(try row.unsigned(5), Amount.Unit(try row.text(6))), quote: quote,
      created: try row.moment(10), expires: try row.moment(11),
      state: try PostgreSQLRow.present(
        State(word: row.text(12), payment: row.optionalText(13).map { PaymentID($0) })))
  }
}
