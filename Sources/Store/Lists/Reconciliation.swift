package import Gate

/// Every sat accounted for: what came in, where it is, and what does not agree.
package struct Reconciliation: Sendable {
  /// Money of one counterpart in one unit.
  ///
  /// Conserved: `received + found = held + locked + exported + paid + fees`. What is on a chain is in nobody's books but
  /// the chain's, so it is only counted.
  package struct Account: Hashable, Sendable {
    package var counterpart: String
    package var unit: Amount.Unit
    /// Face value of settled payments, those that a redemption settled included.
    package var received: UInt128 = 0
    /// Found again at the counterpart, and of no payment in the book.
    package var found: UInt128 = 0
    /// Settled to our own address (x402).
    package var onChain: UInt128 = 0
    /// Granted on trust, and not fetched.
    package var onTrust: UInt128 = 0
    /// Reserved, settling or unknown.
    package var open: UInt128 = 0
    package var stuck: UInt128 = 0
    package var held: UInt128 = 0
    /// An unfinished transfer spends it.
    package var locked: UInt128 = 0
    package var exported: UInt128 = 0
    /// Over Lightning.
    package var paid: UInt128 = 0
    package var fees: Int128 = 0

    package init(counterpart: String, unit: Amount.Unit) {
      self.counterpart = counterpart
      self.unit = unit
    }

    /// What has to be somewhere, less where it is: 0.
    package var difference: Int128 {
      Int128(self.received + self.found) - Int128(self.held + self.locked + self.exported + self.paid)
        - self.fees
    }
  }

  /// By counterpart and unit.
  package var accounts: [Account]
  /// A sentence each; none when the book agrees with itself. More of one kind than ``maxOfOneKind`` are cut off.
  package var differences: [String]

  package static let maxOfOneKind = 100

  package init(accounts: [Account], differences: [String]) {
    self.accounts = accounts
    self.differences = differences
  }
}
