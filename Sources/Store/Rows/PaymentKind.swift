package import Gate

/// What a row moves: a payer's money to us, or the treasury's own (``Gate/TransferDraft/Kind``).
package enum PaymentKind: String, Hashable, Sendable, CaseIterable {
  case payment
  case redemption
  case export
  case melt

  package init(_ transfer: TransferDraft.Kind) {
    self =
      switch transfer {
      case .redemption: .redemption
      case .export: .export
      case .melt: .melt
      }
  }

  package var isTransfer: Bool { self != .payment }
}
