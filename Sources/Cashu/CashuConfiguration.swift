package import Gate

/// What the operator decides about ecash.
package struct CashuConfiguration: Sendable {
  package struct Mint: Sendable {
    /// The address that is dialled, and that tokens must name.
    package var url: MintURL
    /// Swaps a minute that this mint grants us.
    package var swapsPerMinute: Int
    /// How many of them one client address may cause.
    package var swapsPerMinuteAndClient: Int

    /// - Parameters:
    ///   - swapsPerMinute: nil for what a stock Nutshell mint grants (loopback is exempt there).
    ///   - swapsPerMinuteAndClient: nil for half of it.
    package init(url: MintURL, swapsPerMinute: Int? = nil, swapsPerMinuteAndClient: Int? = nil) {
      self.url = url
      let stock = url.isLoopback ? MintBudget.loopbackSwapsPerMinute : MintBudget.stockSwapsPerMinute
      self.swapsPerMinute = swapsPerMinute ?? stock
      self.swapsPerMinuteAndClient = swapsPerMinuteAndClient ?? self.swapsPerMinute / 2
    }
  }

  package var unit: Amount.Unit
  /// At least one, each address once.
  package var mints: [Mint]
  /// Curve arithmetic costs 0.3 ms a proof, and who sends the token decides how many.
  package var maxProofs: Int
  /// The mint's input fee is our cost; above this share of the face value (and above one unit) a token is
  /// refused.
  package var maxFeePercent: UInt64
  /// `realm` of `WWW-Authenticate`; printable ASCII without quotes.
  package var realm: String
  package var timeouts: MintClient.Timeouts
  package var keysetRefresh: Duration
  /// How long a mint may hold the inputs of a swap and give nothing good for them before an operator should
  /// look. A swap is over within a second; inputs that a killed mint leaves pending stay so for ever.
  package var stuckAfter: Duration

  package init(
    unit: Amount.Unit = .sat,
    mints: [Mint],
    maxProofs: Int = 32,
    maxFeePercent: UInt64 = 20,
    realm: String = "turnpike",
    timeouts: MintClient.Timeouts = MintClient.Timeouts(),
    keysetRefresh: Duration = .seconds(60),
    stuckAfter: Duration = .seconds(60)
  ) {
    self.unit = unit
    self.mints = mints
    self.maxProofs = maxProofs
    self.maxFeePercent = maxFeePercent
    self.realm = realm
    self.timeouts = timeouts
    self.keysetRefresh = keysetRefresh
    self.stuckAfter = stuckAfter
  }
}
