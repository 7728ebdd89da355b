package import Gate

/// How Cashu ecash is taken.
package struct CashuPayments: Sendable, Equatable {
  package struct Mint: Sendable, Equatable {
    package var url: ServiceURL
    /// The most that offline acceptance may leave unsettled with it, in the unit's smallest part.
    package var exposure: UInt64?

    package init(url: ServiceURL, exposure: UInt64? = nil) {
      self.url = url
      self.exposure = exposure
    }
  }

  package var unit: Unit
  package var mints: [Mint]
  package var offline: Offline
  package var redeem: Redeem
  /// The mint that sells ecash for Lightning payments on a buyer's behalf; nil: no invoices.
  package var lightning: ServiceURL?
  package var payout: Payout?
  /// Of the face value, that the mint may keep as its input fee.
  package var maxFeePercent: UInt64
  /// In one token.
  package var maxProofs: UInt64
  /// Swaps that one mint may be asked for in a minute; nil for what a stock mint grants.
  package var requestsPerMinute: UInt64?
  /// What one client address may have a mint asked for in a minute; nil for half of that.
  package var perAddressPerMinute: UInt64?
  /// Of one call to a mint.
  package var timeout: Duration

  /// The units of NUT-00 that a stock mint issues.
  package enum Unit: String, Sendable, CaseIterable {
    case sat, msat, usd, eur

    package var amountUnit: Amount.Unit { Amount.Unit(self.rawValue) }
  }

  /// When ecash that was accepted offline is redeemed: so many proofs are there, or so long has passed.
  package struct Redeem: Sendable, Equatable {
    package var proofs: UInt64
    package var every: Duration
  }

  /// Pays out over Lightning what a mint holds for us.
  package struct Payout: Sendable, Equatable {
    /// Begins when a mint holds more than this, in the unit.
    package var above: UInt64
    /// What stays there.
    package var keep: UInt64
    /// A Lightning address, `name@host`.
    package var to: String
    /// Of what is paid, that Lightning may cost.
    package var maxFeePercent: UInt64
  }

  /// Whether a token may be accepted before the mint has seen it.
  package enum Offline: String, Sendable, CaseIterable { case off, preferred, required }

  package init(mints: [Mint]) {
    self.unit = .sat
    self.mints = mints
    self.offline = .off
    self.redeem = Redeem(proofs: 100, every: .seconds(60))
    self.lightning = nil
    self.payout = nil
    self.maxFeePercent = 20
    self.maxProofs = 32
    self.requestsPerMinute = nil
    self.perAddressPerMinute = nil
    self.timeout = .seconds(10)
  }
}
