package import Gate

extension TransactionalLedger: InvoiceBook {
  package func insert(_ invoice: Invoice) async throws(Outage) {
    try await self.store.write { rows throws(Outage) in
      guard try rows.invoice(invoice.id) == nil else {
        throw Outage(.outage, "The book has an invoice of this id already.")
      }
      try rows.insert(invoice)
    }
  }

  package func openInvoices(limit: Int) async throws(Outage) -> [Invoice] {
    try await self.store.read { rows throws(Outage) in try rows.openInvoices(limit: limit) }
  }

  package func invoice(_ id: String) async throws(Outage) -> Invoice? {
    try await self.store.read { rows throws(Outage) in try rows.invoice(id) }
  }

  package func close(_ id: String, as end: Invoice.End) async throws(Outage) -> Invoice? {
    let clock = self.clock
    return try await self.store.write { rows throws(Outage) in
      guard let invoice = try rows.invoice(id) else { return nil }
      switch (invoice.state, end) {
      case (.open, _), (.closed(.expired), .paid): break
      case (.closed(.paid), _), (.closed(.expired), .expired): return invoice
      }
      var closed = invoice
      closed.state = .closed(end)
      try rows.replace(invoice, with: closed, at: clock.now())
      return closed
    }
  }
}
