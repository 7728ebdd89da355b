internal import Gate
internal import Store

extension MemoryTransaction {
  func countByState() -> [PaymentState: UInt64] {
    self.rows.payments.values.filter { $0.kind == .payment }
      .reduce(into: [:]) { counts, row in counts[row.state, default: 0] += 1 }
  }

  func paymentTotals() -> [PaymentTotal] {
    self.rows.payments.values.map { row in
      PaymentTotal(
        kind: row.kind, method: row.bargain.method, state: row.state, counterpart: row.bargain.counterpart,
        unit: row.bargain.value.unit, rows: 1, value: row.bargain.value.value, fee: row.ending.fee,
        outflow: row.ending.outflow)
    }
  }

  func pieceTotals(in states: [PieceRow.State]) -> [PieceTotal] {
    self.rows.pieces.values.filter { states.contains($0.state) }.map { row in
      PieceTotal(
        counterpart: row.proceeds.counterpart, series: row.proceeds.series, unit: row.value.unit,
        state: row.state, origin: row.source == nil ? .found : .booked, value: row.value.value, pieces: 1)
    }
  }

  func flaws(_ kind: Flaw.Kind, limit: Int) -> [Flaw] {
    Set(self.subjects(kind)).sorted().prefix(limit).map { Flaw(kind, $0) }
  }

  private func subjects(_ kind: Flaw.Kind) -> [String] {
    let (payments, pieces, grants) = (
      self.rows.payments.values, self.rows.pieces.values, self.rows.grants.values
    )
    switch kind {
    case .proceeds: return payments.filter { self.hasWrongProceeds($0) }.map(\.id.text)
    case .orphan: return pieces.compactMap(\.source).filter { self.rows.payments[$0] == nil }.map(\.text)
    case .lock:
      return pieces.filter { $0.state == .locked }.compactMap(\.transfer).filter { !self.isUnfinished($0) }
        .map(\.text)
    case .redemption:
      return payments.filter { row in
        row.state == .accepted && row.redemption.map { !self.isUnfinished($0) } ?? false
      }
      .map(\.id.text)
    case .grant:
      return grants.map(\.record).filter { self.rows.payments[$0.payment]?.ending.serial != $0.serial }
        .map(\.serial.description)
    case .payment:
      return payments.filter { row in row.ending.serial.map { self.rows.grants[$0] == nil } ?? false }
        .map(\.id.text)
    case .uses:
      return grants.filter { grant in
        let givenOut = self.rows.uses.values.count {
          $0.serial == grant.record.serial && $0.state != .granted
        }
        return grant.record.uses != nil
          && Int(grant.record.usesTaken) != Int(grant.usesForgotten) + givenOut
      }
      .map(\.record.serial.description)
    }
  }

  private func hasWrongProceeds(_ row: PaymentRow) -> Bool {
    guard row.kind == .payment, row.state == .settled, row.bargain.method != .x402, row.redemption == nil
    else {
      return false
    }
    let sum = self.rows.pieces.values.filter {
      $0.source == row.id && $0.value.unit == row.bargain.value.unit
    }
    .reduce(0 as Int128) { $0 + Int128($1.value.value) }
    return row.ending.fee < 0 || Int128(row.bargain.value.value) - Int128(row.ending.fee) != sum
  }

  private func isUnfinished(_ transfer: PaymentID) -> Bool {
    guard let row = self.rows.payments[transfer], row.kind.isTransfer else { return false }
    return row.state.isOpen && row.state != .accepted
  }
}
