package import Gate

/// What the operator decides about x402.
package struct X402Configuration: Sendable {
  /// Who checks payments and brings them to the chain, for us and at his gas.
  package struct Facilitator: Sendable {
    /// Absolute, without a slash at the end; `/verify`, `/settle` and `/supported` are added.
    package var url: String
    /// Nil for every network that is accepted.
    package var networks: [Network]?
    /// The value of `Authorization`; a secret.
    package var authorization: String?
    /// Of `/verify` and `/supported`.
    package var verifyTimeout: Duration
    /// A settlement lasts a block, and under load up to half a minute.
    package var settleTimeout: Duration

    package init(
      url: String, networks: [Network]? = nil, authorization: String? = nil,
      verifyTimeout: Duration = .seconds(10), settleTimeout: Duration = .seconds(30)
    ) {
      var url = url
      while url.last == "/" { url.removeLast() }
      self.url = url
      self.networks = networks
      self.authorization = authorization
      self.verifyTimeout = verifyTimeout
      self.settleTimeout = settleTimeout
    }
  }

  /// How the asset is moved (`extra.assetTransferMethod` on EVM).
  package enum Transfer: String, Sendable, CaseIterable {
    case eip3009
    case permit2
    /// A partly signed Solana transaction.
    case svm
  }

  /// One way to pay: a member of `accepts`.
  package struct Accept: Sendable {
    package var asset: Asset
    /// In the canonical form of its network.
    package var payTo: String
    package var transfer: Transfer
    /// Where a settlement without an answer is looked up: JSON-RPC of an EVM node. Nil: such a payment is
    /// sent again only, and held and shown when that tells nothing.
    package var rpc: String?
    /// Of an rpc's call.
    package var rpcTimeout: Duration
    /// How long a payer's authorisation is good for, from the moment he signs.
    package var maxTimeoutSeconds: UInt64

    package var network: Network { self.asset.network }
    package var unit: Amount.Unit { self.asset.unit }

    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
      case payTo(Asset.Fault)
      /// What is sent there is lost.
      case nobody(String)
      /// The asset cannot be moved in this way.
      case transfer(Transfer, String)
      case maxTimeout(UInt64)

      package var description: String {
        switch self {
        case .payTo(let fault): "\(fault)"
        case .nobody(let address): "nobody has the key of \(address): what is paid to it is lost"
        case .transfer(let transfer, let asset): "\(asset) cannot be paid by \(transfer.rawValue)"
        case .maxTimeout(let seconds): "maxTimeoutSeconds \(seconds) is outside 30 to 86400"
        }
      }
    }

    /// - Parameters:
    ///   - payTo: one address belongs to one store: two services that share it would take each other's
    ///     payments for their own when an answer is lost.
    ///   - transfer: nil for what the asset can do.
    package init(
      asset: Asset, payTo: String, transfer: Transfer? = nil, rpc: String? = nil,
      rpcTimeout: Duration = .seconds(5), maxTimeoutSeconds: UInt64 = 120
    ) throws(Fault) {
      do throws(Asset.Fault) {
        self.payTo = try Asset.canonical(payTo, on: asset.network)
      } catch { throw .payTo(error) }
      if Address(self.payTo)?.isNobody == true || self.payTo == asset.address { throw .nobody(self.payTo) }
      let chosen: Transfer =
        switch asset.network.family {
        case .svm: transfer ?? .svm
        case .evm: transfer ?? (asset.hasAuthorizations ? .eip3009 : .permit2)
        }
      switch (asset.network.family, chosen) {
      case (.svm, .svm), (.evm, .permit2): break
      case (.evm, .eip3009) where asset.hasAuthorizations: break
      default: throw .transfer(chosen, asset.symbol)
      }
      guard (30...86_400).contains(maxTimeoutSeconds) else { throw .maxTimeout(maxTimeoutSeconds) }
      self.asset = asset
      self.transfer = chosen
      self.rpc = rpc
      self.rpcTimeout = rpcTimeout
      self.maxTimeoutSeconds = maxTimeoutSeconds
    }
  }

  package enum Version: UInt64, Sendable, CaseIterable {
    case v1 = 1
    case v2 = 2
  }

  /// In the order in which they are asked; at least one.
  package var facilitators: [Facilitator]
  /// In the order in which they are offered; at least one, each asset and transfer once.
  package var accepts: [Accept]
  package var versions: Set<Version>
  package var flow: PaymentFlow
  /// How often `/supported` is read again.
  package var supportedRefresh: Duration
  package var limits: Limits

  /// Times around one settlement.
  package struct Limits: Sendable {
    /// An authorisation that ends sooner is refused as expired: its transaction might come too late. The
    /// SDK's facilitator asks for 6 s.
    package var leastValidity: Duration = .seconds(10)
    /// A settlement without a conclusive answer is sent again after this, then after twice as long, and so
    /// on.
    package var resendAfter: Duration = .seconds(2)
    /// Calls of `/settle` for one payment, the first included: the last comes after a quarter of an hour.
    package var maxSends = 10
    /// Between two looks at what is open: half a block of Base.
    package var pause: Duration = .seconds(1)
    /// How long a settlement is not given up, from its first call on, while a request waits for it: a payer
    /// who hears of no end may sign a second payment.
    package var patience: Duration
    /// The same of a settlement that is taken over, for which mostly nobody waits.
    package var recoveryPatience: Duration = .seconds(3)
    /// An authorisation is over when a block is younger than its end by this, so that no reorganisation
    /// brings it back.
    package var expiryMargin: Duration = .seconds(30)
    /// After this, what the chain does not explain is for an operator to look at.
    package var stuckAfter: Duration = .seconds(3600)

    /// - Parameter deadline: of the request; what is left of it is for what comes before the first call, and
    ///   for the last answer.
    package init(deadline: Duration = .seconds(29)) {
      self.patience = max(.zero, deadline - .seconds(9))
    }

    /// From the last call to the next.
    func wait(after sends: Int) -> Duration { self.resendAfter * (1 << min(max(0, sends - 1), 16)) }
  }

  package init(
    facilitators: [Facilitator], accepts: [Accept], versions: Set<Version> = [.v1, .v2],
    flow: PaymentFlow = .upfront, supportedRefresh: Duration = .seconds(300), limits: Limits = Limits()
  ) {
    self.facilitators = facilitators
    self.accepts = accepts
    self.versions = versions
    self.flow = flow
    self.supportedRefresh = supportedRefresh
    self.limits = limits
  }

  /// The amounts that `price` dollars are in the accepted assets: what a route's tariff holds. One per unit.
  package func amounts(dollars price: String) throws(Price.Fault) -> [Amount] {
    var amounts: [Amount] = []
    for accept in self.accepts where !amounts.contains(where: { $0.unit == accept.unit }) {
      amounts.append(try Price.amount(price, of: accept.asset))
    }
    return amounts
  }
}
