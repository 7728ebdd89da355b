internal import Gate

extension SQLiteTransaction {
  private static let columns = """
    id, counterpart, quote, plan, bolt11, amount, unit, route, host, tariff, created_at, expires_at, state, payment
    """
  private static let selectOne = "SELECT \(Self.columns) FROM invoices WHERE id = ?"
  private static let selectOpen = """
    SELECT \(Self.columns) FROM invoices WHERE state = 'open' ORDER BY created_at LIMIT ?
    """

  func invoice(_ id: String) throws(Outage) -> Invoice? {
    guard let row = try self.connection.row(Self.selectOne, [.text(id)]) else { return nil }
    return try Invoice(row)
  }

  func openInvoices(limit: Int) throws(Outage) -> [Invoice] {
    try self.connection.rows(Self.selectOpen, [.integer(Int64(limit))])
      .map { row throws(Outage) in try Invoice(row) }
  }

  func insert(_ invoice: Invoice) throws(Outage) {
    try self.connection.run(
      """
      INSERT INTO invoices (\(Self.columns), updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        .text(invoice.id), .text(invoice.counterpart), .text(invoice.counterpartQuote), .bytes(invoice.plan),
        .text(invoice.bolt11), .integer(Int64(clamping: invoice.amount.value)),
        .text(invoice.amount.unit.name),
        .text(invoice.quote.scope.route.text), .text(invoice.quote.scope.host),
        .text(invoice.quote.tariff.storedText), SQLiteValue(invoice.created), SQLiteValue(invoice.expires),
        .text(invoice.state.word), SQLiteValue(invoice.state.payment?.text), SQLiteValue(invoice.created),
      ])
  }

  func replace(_ old: Invoice, with new: Invoice, at now: Timestamp) throws(Outage) {
    let changed = try self.connection.run(
      "UPDATE invoices SET state = ?, payment = ?, updated_at = ? WHERE id = ? AND state = ?",
      [
        .text(new.state.word), SQLiteValue(new.state.payment?.text), SQLiteValue(now), .text(old.id),
        .text(old.state.word),
      ])
    guard changed == 1 else { throw .conflict(nil) }
  }
}

extension Invoice {
  fileprivate init(_ row: SQLiteRow) throws(Outage) {
    let quote = Quote(
      tariff: try SQLiteRow.present(try row.optionalStored(9)),
      scope: GrantScope(route: RouteID(try row.text(7)), host: try row.text(8)))
    self.init(
      id: try row.text(0), counterpart: try row.text(1), counterpartQuote: try row.text(2),
      plan: try row.bytes(3), bolt11: try row.text(4),
      amount: Amount(try row.unsigned(5), Amount.Unit(try row.text(6))), quote: quote,
      created: try row.moment(10), expires: try row.moment(11),
      state: try SQLiteRow.present(
        State(word: row.text(12), payment: row.optionalText(13).map { PaymentID($0) })))
  }
}
