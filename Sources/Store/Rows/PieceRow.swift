package import Gate

/// One piece of the treasury's money: a proof, for Cashu.
package struct PieceRow: Sendable {
  package enum State: String, Hashable, Sendable, CaseIterable {
    case held
    /// An unfinished transfer spends it.
    case locked
    case spent
    /// It left as part of a token; kept so that it can be shown again.
    case exported
  }

  package var proceeds: Proceeds
  /// The payment or transfer that brought it; nil for money found again at its counterpart.
  package var source: PaymentID?
  package var state: State
  /// The transfer that locked it, spent it or took it away; nil while held.
  package var transfer: PaymentID?
  package var created: Timestamp

  package init(
    _ proceeds: Proceeds, from source: PaymentID?, state: State = .held, transfer: PaymentID? = nil,
    created: Timestamp
  ) {
    self.proceeds = proceeds
    self.source = source
    self.state = state
    self.transfer = transfer
    self.created = created
  }

  /// Nullifier and value: what is looked at most.
  package var nullifier: Nullifier { self.proceeds.nullifier }
  package var value: Amount { self.proceeds.value }
}

/// What an insertion came to: money found again by its nullifier is the same money.
package enum PieceInsertion: Sendable { case added, known }
