package import Gate

/// The sum of rows alike, for reconciliation.
package struct PaymentTotal: Hashable, Sendable {
  package var kind: PaymentKind
  package var method: PaymentMethod
  package var state: PaymentState
  package var counterpart: String
  package var unit: Amount.Unit
  package var rows: UInt64
  package var value: UInt64
  package var fee: Int64
  package var outflow: UInt64

  package init(
    kind: PaymentKind, method: PaymentMethod, state: PaymentState, counterpart: String, unit: Amount.Unit,
    rows: UInt64, value: UInt64, fee: Int64, outflow: UInt64
  ) {
    self.kind = kind
    self.method = method
    self.state = state
    self.counterpart = counterpart
    self.unit = unit
    self.rows = rows
    self.value = value
    self.fee = fee
    self.outflow = outflow
  }
}

/// The sum of pieces alike.
package struct PieceTotal: Hashable, Sendable {
  /// Whether a payment or transfer brought them, or a search at their counterpart.
  package enum Origin: Int64, Hashable, Sendable { case booked = 0, found = 1 }

  package var counterpart: String
  package var series: String
  package var unit: Amount.Unit
  package var state: PieceRow.State
  package var origin: Origin
  package var value: UInt64
  package var pieces: UInt64

  package init(
    counterpart: String, series: String, unit: Amount.Unit, state: PieceRow.State, origin: Origin,
    value: UInt64,
    pieces: UInt64
  ) {
    self.counterpart = counterpart
    self.series = series
    self.unit = unit
    self.state = state
    self.origin = origin
    self.value = value
    self.pieces = pieces
  }
}

/// A row that contradicts another. The subject is a payment's or transfer's id, or a grant's serial.
package struct Flaw: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    /// An ordinary payment that settled with proceeds, or not by x402, whose value is not proceeds + fee, or whose fee
    /// is below zero. Not those that a redemption settled.
    case proceeds
    /// Money whose payment or transfer is not in the book. The subject is the missing id.
    case orphan
    /// A locked piece whose transfer is finished or gone. The subject is the transfer's id.
    case lock
    /// A payment granted on trust whose redemption is finished or gone.
    case redemption
    /// A grant that no paid row with its serial bought. The subject is its serial.
    case grant
    /// A paid row whose grant is gone.
    case payment
    /// A grant whose uses taken are not its rows given out + those forgotten. The subject is its serial.
    case uses
  }

  package var kind: Kind
  package var subject: String

  package init(_ kind: Kind, _ subject: String) {
    self.kind = kind
    self.subject = subject
  }
}
