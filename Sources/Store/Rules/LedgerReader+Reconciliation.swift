internal import Gate

extension LedgerReader {
  func reconciliation() throws(Outage) -> Reconciliation {
    let payments = try self.paymentTotals()
    let accounts = Self.accounts(payments, try self.pieceTotals(in: PieceRow.State.allCases))
    var differences = accounts.filter { $0.difference != 0 }.map(\.sentence)
    differences += Self.exposureDifferences(running: try self.exposures(), rows: payments)
    for kind in Flaw.Kind.allCases {
      differences += try self.flaws(kind, limit: Reconciliation.maxOfOneKind).map(\.sentence)
    }
    return Reconciliation(accounts: accounts, differences: differences)
  }

  private static func accounts(_ payments: [PaymentTotal], _ pieces: [PieceTotal]) -> [Reconciliation.Account]
  {
    var accounts: [Place: Reconciliation.Account] = [:]
    func change(_ counterpart: String, _ unit: Amount.Unit, _ body: (inout Reconciliation.Account) -> Void) {
      body(
        &accounts[
          Place(counterpart: counterpart, unit: unit),
          default: Reconciliation.Account(counterpart: counterpart, unit: unit)])
    }
    for total in payments { change(total.counterpart, total.unit) { $0.add(total) } }
    for total in pieces { change(total.counterpart, total.unit) { $0.add(total) } }
    return accounts.values.sorted { ($0.counterpart, $0.unit.name) < ($1.counterpart, $1.unit.name) }
  }

  private static func exposureDifferences(running: [Exposure], rows: [PaymentTotal]) -> [String] {
    var sums: [Place: (running: UInt128, rows: UInt128)] = [:]
    for exposure in running {
      let place = Place(counterpart: exposure.counterpart, unit: exposure.amount.unit)
      sums[place, default: (0, 0)].running += UInt128(exposure.amount.value)
    }
    for total in rows where total.kind == .payment && total.state.isOpen {
      sums[Place(counterpart: total.counterpart, unit: total.unit), default: (0, 0)].rows += UInt128(
        total.value)
    }
    return sums.filter { $0.value.running != $0.value.rows }
      .sorted { ($0.key.counterpart, $0.key.unit.name) < ($1.key.counterpart, $1.key.unit.name) }
      .map { place, sum in
        "\(place.counterpart): the running exposure is \(sum.running) \(place.unit.name), "
          + "its payments are \(sum.rows) \(place.unit.name)."
      }
  }
}

private struct Place: Hashable {
  var counterpart: String
  var unit: Amount.Unit
}

extension Reconciliation.Account {
  fileprivate mutating func add(_ total: PaymentTotal) {
    let value = UInt128(total.value)
    switch (total.kind, total.state) {
    case (_, .rejected): break
    case (.payment, .settled) where total.method == .x402: self.onChain += value
    case (.payment, .settled):
      self.received += value
      self.fees += Int128(total.fee)
    case (.payment, .accepted): self.onTrust += value
    case (.payment, .reserved), (.payment, .settling), (.payment, .unknown): self.open += value
    case (.payment, .stuck): self.stuck += value
    case (.redemption, .settled), (.export, .settled), (.melt, .settled):
      self.fees += Int128(total.fee)
      if total.kind == .export { self.exported += UInt128(total.outflow) }
      if total.kind != .export { self.paid += UInt128(total.outflow) }
    // Its inputs are locked pieces and payments on trust, and counted there.
    case (.redemption, _), (.export, _), (.melt, _): break
    }
  }

  fileprivate mutating func add(_ total: PieceTotal) {
    let value = UInt128(total.value)
    if total.origin == .found { self.found += value }
    switch total.state {
    case .held: self.held += value
    case .locked: self.locked += value
    // Where they went, their transfers say.
    case .spent, .exported: break
    }
  }

  fileprivate var sentence: String {
    """
    \(self.counterpart): \(self.received) \(self.unit.name) received and \(self.found) found, but \(self.held) held, \
    \(self.locked) locked, \(self.exported) exported, \(self.paid) paid and \(self.fees) in fees: \
    \(self.difference) \(self.unit.name) are unaccounted for.
    """
  }
}

extension Flaw {
  fileprivate var sentence: String {
    switch self.kind {
    case .proceeds: "Payment \(self.subject) settled, but its proceeds and fee are not its value."
    case .orphan: "There is money of \(self.subject), which is not in the book."
    case .lock: "There is money locked by transfer \(self.subject), which is finished or gone."
    case .redemption: "Payment \(self.subject) waits for a redemption that is finished or gone."
    case .grant: "Grant \(self.subject) was not bought by any paid payment."
    case .payment: "Payment \(self.subject) is paid, but its grant is gone."
    case .uses: "The uses taken of grant \(self.subject) are not those that were given out."
    }
  }
}
