package import Gate

/// What the operator decides about ecash.
package struct CashuConfiguration: Sendable {
  package struct Mint: Sendable {
    package static let defaultExposure: UInt64 = 10_000

    /// The address that is dialled, and that tokens must name.
    package var url: MintURL
    /// Swaps a minute that this mint grants us.
    package var swapsPerMinute: Int
    /// How many of them one client address may cause.
    package var swapsPerMinuteAndClient: Int

    /// How much it may owe us for proofs accepted without asking it, in the unit.
    package var exposure: UInt64

    /// - Parameters:
    ///   - swapsPerMinute: nil for what a stock Nutshell mint grants (loopback is exempt there).
    ///   - swapsPerMinuteAndClient: nil for half of it.
    package init(
      url: MintURL, swapsPerMinute: Int? = nil, swapsPerMinuteAndClient: Int? = nil,
      exposure: UInt64 = Self.defaultExposure
    ) {
      self.url = url
      self.exposure = exposure
      let stock = url.isLoopback ? MintBudget.loopbackSwapsPerMinute : MintBudget.stockSwapsPerMinute
      self.swapsPerMinute = swapsPerMinute ?? stock
      self.swapsPerMinuteAndClient = swapsPerMinuteAndClient ?? self.swapsPerMinute / 2
    }
  }

  /// Whether proofs locked to our key are accepted before their mint is asked (NUT-11, NUT-12).
  package enum Offline: String, Sendable, CaseIterable {
    case off
    /// They are; other tokens are redeemed while the payer waits.
    case preferred
    /// Nothing else is accepted, and nothing is asked while a payer waits.
    case required
  }

  /// When accepted proofs are redeemed, and how many together.
  package struct Batching: Sendable {
    /// So many are worth a call at once.
    package var enoughProofs = 50
    /// The most in one call. Nutshell takes 1000 inputs, and 0.5 s for 200.
    package var mostProofs = 200
    /// None waits longer than this; at most 10 minutes, since a lock may end after two hours (design §5).
    package var maxAge: Duration = .seconds(300)
    /// How often it is looked whether there are enough.
    package var interval: Duration = .seconds(5)

    package init() {}
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
  package var offline: Offline
  package var redemption: Batching

  package init(
    unit: Amount.Unit = .sat,
    mints: [Mint],
    maxProofs: Int = 32,
    maxFeePercent: UInt64 = 20,
    realm: String = "turnpike",
    timeouts: MintClient.Timeouts = MintClient.Timeouts(),
    keysetRefresh: Duration = .seconds(60),
    stuckAfter: Duration = .seconds(60),
    offline: Offline = .off,
    redemption: Batching = Batching()
  ) {
    self.unit = unit
    self.mints = mints
    self.maxProofs = maxProofs
    self.maxFeePercent = maxFeePercent
    self.realm = realm
    self.timeouts = timeouts
    self.keysetRefresh = keysetRefresh
    self.stuckAfter = stuckAfter
    self.offline = offline
    self.redemption = redemption
  }
}

extension CashuConfiguration.Offline {
  var keysetDepth: KeysetCache.Depth {
    switch self {
    case .off: .active
    case .preferred, .required: .all
    }
  }
}
