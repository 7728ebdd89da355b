package import Gate

/// How often one mint may be asked to swap (design §5).
///
/// A stock Nutshell mint answers 429 to the 21st swap of a minute from one address. Whoever sends tokens that
/// cannot be judged here costs us a swap for nothing, so those share a quarter of the budget, and each client
/// address has a limit of its own. Tokens with a DLEQ proof may use all of it and so never wait behind the
/// others.
package struct MintBudget: Sendable {
  /// nutshell settings.py, `mint_transaction_rate_limit_per_minute`.
  package static let stockSwapsPerMinute = 20
  /// A stock mint exempts loopback; this is what one does in a minute on one core (30 swaps a second).
  package static let loopbackSwapsPerMinute = 1800
  /// Addresses that are remembered at once; a full table forgets those that have a full bucket.
  static let maxClients = 4096

  private let swapsPerMinuteAndClient: Int
  private var all: TokenBucket
  private var unprovable: TokenBucket
  private var clients: [ClientAddress: TokenBucket] = [:]

  package init(swapsPerMinute: Int, swapsPerMinuteAndClient: Int, now: Timestamp) {
    self.swapsPerMinuteAndClient = swapsPerMinuteAndClient
    self.all = TokenBucket(perMinute: swapsPerMinute, now: now)
    self.unprovable = TokenBucket(perMinute: swapsPerMinute / 4, now: now)
  }

  package enum Proof: Sendable {
    /// A DLEQ proof on each of its proofs verified: the mint did sign it, and can only call it spent.
    case provable
    case unprovable
  }

  package enum Admission: Sendable, Equatable {
    case admitted
    case wait(seconds: Int)
  }

  /// Takes one swap from the budget, or says how long to wait. A client that nobody can name is limited by
  /// the budget as a whole only.
  package mutating func admit(_ proof: Proof, from client: ClientAddress?, now: Timestamp) -> Admission {
    var waits: [Int] = []
    if let seconds = self.all.secondsUntilToken(now: now) { waits.append(seconds) }
    if proof == .unprovable, let seconds = self.unprovable.secondsUntilToken(now: now) {
      waits.append(seconds)
    }
    var own =
      client.flatMap { self.clients[$0] } ?? TokenBucket(perMinute: self.swapsPerMinuteAndClient, now: now)
    if client != nil, let seconds = own.secondsUntilToken(now: now) { waits.append(seconds) }
    if let seconds = waits.max() { return .wait(seconds: seconds) }
    self.all.take()
    if proof == .unprovable { self.unprovable.take() }
    if let client {
      own.take()
      self.remember(client, own, now: now)
    }
    return .admitted
  }

  private mutating func remember(_ client: ClientAddress, _ bucket: TokenBucket, now: Timestamp) {
    if self.clients.count >= Self.maxClients, self.clients[client] == nil {
      self.clients = self.clients.filter { _, bucket in
        var bucket = bucket
        _ = bucket.secondsUntilToken(now: now)
        return !bucket.isFull
      }
      // The budget as a whole lets no more than this many distinct clients through in a minute unless it is
      // larger than the table; then the newest goes unremembered.
      guard self.clients.count < Self.maxClients else { return }
    }
    self.clients[client] = bucket
  }
}
