package import X402

/// How x402 payments are taken.
package struct X402Payments: Sendable, Equatable {
  /// In the order in which they are asked; at least one.
  package var facilitators: [Facilitator]
  /// In the order in which they are offered; at least one.
  package var accepts: [Accept]
  /// Of the protocol; at least one.
  package var versions: [X402Configuration.Version]

  package struct Facilitator: Sendable, Equatable {
    package var url: ServiceURL
    /// Nil: every network that is accepted.
    package var networks: [Network]?
    /// The value of its `Authorization` field.
    package var authorization: Secret?
    /// Of a settlement; nothing else takes longer.
    package var timeout: Duration
  }

  /// One asset on one network.
  package struct Accept: Sendable, Equatable {
    package var asset: Asset
    /// Whether the file gave the whole asset or its symbol.
    package var naming: Naming
    package var payTo: String
    package var transfer: X402Configuration.Transfer
    /// Where the network is read; nil: a settlement without an answer waits for an operator.
    package var rpc: Endpoint?
    /// How long a signed payment is good for.
    package var maxTimeout: Duration
  }

  package enum Naming: Sendable, Hashable { case bySymbol, inFull }

  /// A URL that may hold a key in its path.
  package struct Endpoint: Sendable, Equatable {
    package var url: ServiceURL
    package var source: Secret.Source
  }

  /// Leaves time within the usual deadline to look on the chain and to ask once more.
  static let defaultTimeout: Duration = .seconds(12)

  /// The same for those who take payments.
  package func makeConfiguration() throws(X402Configuration.Accept.Fault) -> X402Configuration {
    var accepts: [X402Configuration.Accept] = []
    for accept in self.accepts { accepts.append(try accept.make()) }
    return X402Configuration(
      facilitators: self.facilitators.map {
        .init(
          url: $0.url.text, networks: $0.networks, authorization: $0.authorization?.reveal(),
          verifyTimeout: min(.seconds(10), $0.timeout), settleTimeout: $0.timeout)
      },
      accepts: accepts, versions: Set(self.versions))
  }
}

extension X402Payments.Accept {
  func make() throws(X402Configuration.Accept.Fault) -> X402Configuration.Accept {
    try X402Configuration.Accept(
      asset: self.asset, payTo: self.payTo, transfer: self.transfer, rpc: self.rpc?.url.text,
      maxTimeoutSeconds: UInt64(self.maxTimeout.components.seconds))
  }
}
