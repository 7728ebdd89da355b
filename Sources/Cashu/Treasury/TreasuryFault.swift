package import Gate

/// Why the treasury did not do as told.
package enum TreasuryFault: Error, Sendable {
  /// Asked for nothing.
  case nothing
  case mintNotConfigured(String)
  /// `mint` is nil when no configured mint holds as much.
  case notEnough(mint: String?, held: Amount)
  /// They are there, in more pieces than one call takes; a smaller amount makes them fewer.
  case tooManyPieces(mint: String)
  case badInvoice(Bolt11.Fault)
  /// The invoice's amount has no fixed rate in the treasury's unit.
  case unitCannotPay(Amount.Unit)
  /// The mint quotes another amount than the invoice is over.
  case wrongQuote(asked: Amount, quoted: Amount)
  case feeTooHigh(reserve: Amount, limit: Amount)
  /// The mint does not pay this invoice.
  case notQuoted(mint: String, MintRefusal)
  /// Nothing left; the same may be asked again.
  case outage(Outage)
  /// Written down and not known to be done: it is found out by whoever recovers, and must not be asked again before.
  case unfinished(PaymentID, Outage?)
  /// The mint calls held pieces spent: somebody else uses this seed.
  case spentElsewhere(PaymentID)
  /// The mint holds the pieces; an operator must look.
  case stuck(PaymentID)
  /// No export of that name left anything.
  case unknownExport(PaymentID)
}

extension TreasuryFault {
  /// A sentence for the operator that says what to do; no secret.
  package var sentence: String {
    switch self {
    case .nothing: "The amount must be at least 1."
    case .mintNotConfigured(let mint): "\(mint) is not among the configured mints."
    case .notEnough(let mint?, let held):
      "The treasury holds \(held) at \(mint), which does not cover this and its fees."
    case .notEnough(nil, let held):
      "No mint holds so much; the most that one holds is \(held), less fees. A transfer takes from one mint only."
    case .tooManyPieces(let mint):
      "The money at \(mint) is in too many small pieces for one call; export a smaller amount first."
    case .badInvoice(.noAmount): "The invoice names no amount; ask the payee for one that does."
    case .badInvoice(.badChecksum): "The invoice is mistyped or cut off: its checksum is wrong."
    case .badInvoice: "This is no Lightning invoice (it should begin with lnbc)."
    case .unitCannotPay(let unit):
      "Invoices cannot be paid from a treasury in \(unit.name): no fixed rate ties it to bitcoin."
    case .wrongQuote(let asked, let quoted):
      "The invoice is over \(asked), and the mint wants \(quoted) for it. Nothing was paid."
    case .feeTooHigh(let reserve, let limit):
      "The mint asks to set \(reserve) aside for fees, and the limit is \(limit). Nothing was paid; raise --max-fee to allow it."
    case .notQuoted(let mint, _):
      "\(mint) does not pay this invoice; it may be paid already, or have expired."
    case .outage(let outage): "Nothing left the treasury: \(outage.message)."
    case .unfinished(let id, let outage):
      "Transfer \(id) is begun and its end is not known\(outage.map { ": \($0.message)" } ?? ""). Do not repeat it: a running "
        + "Turnpike finishes it, or `turnpike treasury transfers --finish` does."
    case .spentElsewhere(let id):
      "The mint calls pieces of transfer \(id) spent, and they are written off; nothing else left. Does another installation "
        + "use the same seed? The same may be asked again."
    case .stuck(let id): "Transfer \(id) is stuck at the mint; `turnpike treasury transfers` says since when."
    case .unknownExport(let id): "Nothing was exported in a transfer \(id)."
    }
  }
}
