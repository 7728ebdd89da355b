package import Gate
package import Outbound

/// What everybody who deals with the configured mints shares: their addresses and keysets, our own keys, and what we
/// think of each mint. One for a process.
package struct MintDesk: Sendable {
  package let configuration: CashuConfiguration
  package let seed: TreasurySeed
  package let locks: LockKeys
  package let clock: any TimeSource
  let clients: [MintURL: MintClient]
  let keysets: KeysetCache
  let budgets: Budgets
  let breakers: Breakers

  /// - Parameters:
  ///   - seed: every output ever made comes from it; a store belongs to one seed (its `fingerprint`).
  ///   - locks: the keys that proofs may be locked to, the one that is asked for first.
  package init(
    configuration: CashuConfiguration,
    seed: TreasurySeed,
    locks: LockKeys = LockKeys([]),
    transport: any OutboundTransport,
    clock: any TimeSource
  ) {
    precondition(
      configuration.offline == .off || locks.newest != nil, "offline mode asks for proofs locked to a key")
    self.configuration = configuration
    self.seed = seed
    self.locks = locks
    self.clock = clock
    let clients = configuration.mints.map { mint in
      (mint.url, MintClient(url: mint.url, transport: transport, timeouts: configuration.timeouts))
    }
    self.clients = Dictionary(clients) { first, _ in first }
    self.breakers = Breakers(configuration.mints.map(\.url))
    self.keysets = KeysetCache(
      clients: self.clients, unit: configuration.unit, depth: configuration.offline.keysetDepth,
      breakers: self.breakers, clock: clock)
    self.budgets = Budgets(configuration.mints, now: clock.now())
  }
}
