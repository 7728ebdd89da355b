internal import Gate
internal import Store

extension MemoryTransaction {
  func piece(_ nullifier: Nullifier) -> PieceRow? { self.rows.pieces[nullifier] }

  func heldPieces(of counterpart: String, in unit: Amount.Unit, limit: Int) -> [PieceRow] {
    let found = self.rows.pieces.values.filter {
      $0.state == .held && $0.proceeds.counterpart == counterpart && $0.value.unit == unit
    }
    return Array(found.sorted { $0.value.value > $1.value.value }.prefix(limit))
  }

  func pieces(in transfer: PaymentID) -> [PieceRow] {
    self.rows.pieces.values.filter { $0.transfer == transfer }
  }

  func insert(_ piece: PieceRow) -> PieceInsertion {
    guard self.rows.pieces[piece.nullifier] == nil else { return .known }
    self.rows.pieces[piece.nullifier] = piece
    return .added
  }

  func replace(_ old: PieceRow, with new: PieceRow) throws(Outage) {
    guard let stored = self.rows.pieces[old.nullifier], stored.state == old.state,
      stored.transfer == old.transfer
    else { throw .conflict(old.transfer) }
    self.rows.pieces[old.nullifier] = new
  }

  func addExposure(_ change: Int64, of counterpart: String, in unit: Amount.Unit) throws(Outage) -> Int64 {
    let place = MemoryRows.Place(counterpart: counterpart, unit: unit)
    let (total, overflow) = self.rows.exposures[place, default: 0].addingReportingOverflow(change)
    guard !overflow else { throw Outage(.outage, "The exposure has no 63-bit form.") }
    self.rows.exposures[place] = total
    return total
  }

  func exposures() -> [Exposure] {
    self.rows.exposures.filter { $0.value != 0 }
      .map { place, total in
        Exposure(counterpart: place.counterpart, amount: Amount(UInt64(clamping: total), place.unit))
      }
      .sorted { ($0.counterpart, $0.amount.unit.name) < ($1.counterpart, $1.amount.unit.name) }
  }

  // MARK: Meters and invoices

  func meter(_ meter: String) -> MeterRow? { self.rows.meters[meter] }

  func count(_ meter: String, at now: Timestamp, until end: Timestamp, ceiling: UInt32) -> MeterRow {
    var row = MeterRow(count: 1, end: end)
    if let old = self.rows.meters[meter], old.end > now {
      row = MeterRow(count: min(old.count + 1, ceiling), end: old.end)
    }
    self.rows.meters[meter] = row
    return row
  }

  func forgetMeters(at now: Timestamp, limit: Int) {
    let ended = self.rows.meters.filter { $0.value.end <= now }.sorted { $0.value.end < $1.value.end }
    for (meter, _) in ended.prefix(limit) { self.rows.meters[meter] = nil }
  }

  func invoice(_ id: String) -> Invoice? { self.rows.invoices[id]?.invoice }

  func openInvoices(limit: Int) -> [Invoice] {
    let found = self.rows.invoices.values.map(\.invoice).filter { $0.state == .open }
    return Array(found.sorted { $0.created < $1.created }.prefix(limit))
  }

  func insert(_ invoice: Invoice) throws(Outage) {
    guard self.rows.invoices[invoice.id] == nil else { throw .conflict(nil) }
    self.rows.invoices[invoice.id] = .init(invoice: invoice, updated: invoice.created)
  }

  func replace(_ old: Invoice, with new: Invoice, at now: Timestamp) throws(Outage) {
    guard self.invoice(old.id)?.state == old.state else { throw .conflict(nil) }
    self.rows.invoices[old.id] = .init(invoice: new, updated: now)
  }
}
