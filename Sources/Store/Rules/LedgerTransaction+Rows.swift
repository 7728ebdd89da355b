internal import Gate

/// All changes of payment rows go through here, so that the running totals of exposure follow them.
extension LedgerTransaction {
  /// Makes the row, or its next version.
  func store(_ new: PaymentRow, over old: PaymentRow?) throws(Outage) {
    try self.expose(new, insteadOf: old)
    try self.write(new, over: old)
  }

  func remove(_ row: PaymentRow) throws(Outage) {
    try self.expose(nil, insteadOf: row)
    try self.delete(row.id)
  }

  func write(_ new: PaymentRow, over old: PaymentRow?) throws(Outage) {
    if let old { try self.replace(old, with: new) } else { try self.insert(new) }
  }

  /// Moves the running totals on to what they are with `new` in the place of `old`. Returns that of `new`'s counterpart
  /// where it has changed.
  @discardableResult
  func expose(_ new: PaymentRow?, insteadOf old: PaymentRow?) throws(Outage) -> Int64? {
    if let new, let old, new.bargain.counterpart == old.bargain.counterpart,
      new.bargain.value.unit == old.bargain.value.unit
    {
      return try self.addExposure(Int64(new.exposed) - Int64(old.exposed), for: new.bargain)
    }
    if let old { _ = try self.addExposure(-Int64(old.exposed), for: old.bargain) }
    guard let new else { return nil }
    return try self.addExposure(Int64(new.exposed), for: new.bargain)
  }

  private func addExposure(_ change: Int64, for bargain: Bargain) throws(Outage) -> Int64? {
    guard change != 0 else { return nil }
    return try self.addExposure(change, of: bargain.counterpart, in: bargain.value.unit)
  }
}
