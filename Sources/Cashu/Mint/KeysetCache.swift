internal import Gate
internal import Synchronization

/// The keysets of all configured mints, kept fresh in the background and usable while a mint is down.
final class KeysetCache: Sendable {
  /// A list this young is good evidence that an identifier it lacks does not exist, so strangers with
  /// invented ones cause one call in this time.
  static let listLife: Duration = .seconds(10)
  /// After a failed call the next one waits so long.
  static let failurePause: Duration = .seconds(1)
  /// Requests that may wait for one list; the rest is told to come back.
  static let maxWaiting = 256
  /// How many old keysets a minute may be looked up for tokens that name them.
  static let lookupsPerMinute = 30

  /// How much is asked for ahead of the tokens.
  enum Depth: Sendable {
    /// The keys that outputs are signed with; others when a token names them.
    case active
    /// All keys that a proof may be signed with, and what the mint enforces: a request asks nothing then.
    case all
  }

  private struct MintState {
    var features = MintFeatures.none
    var listedAt: Timestamp?
    var failedAt: Timestamp?
    var isRefreshing = false
    var waiting: [CheckedContinuation<Void, Never>] = []
    var lookups: TokenBucket
  }

  private struct State {
    var shelf: KeysetShelf
    var mints: [MintURL: MintState]
  }

  private let clients: [MintURL: MintClient]
  private let depth: Depth
  private let breakers: Breakers
  private let clock: any TimeSource
  private let state: Mutex<State>

  init(
    clients: [MintURL: MintClient], unit: Amount.Unit, depth: Depth, breakers: Breakers, clock: any TimeSource
  ) {
    self.clients = clients
    self.depth = depth
    self.breakers = breakers
    self.clock = clock
    let now = clock.now()
    let mints = clients.mapValues { _ in
      MintState(lookups: TokenBucket(perMinute: Self.lookupsPerMinute, now: now))
    }
    self.state = Mutex(State(shelf: KeysetShelf(unit: unit.name), mints: mints))
  }

  /// Refreshes every mint now and then until cancelled: often as long as a mint was never reached.
  func run(every interval: Duration) async {
    await withDiscardingTaskGroup { group in
      for mint in self.clients.keys {
        group.addTask {
          while !Task.isCancelled {
            await self.refresh(mint)
            try? await Task.sleep(for: self.listedAt(mint) == nil ? Self.failurePause : interval)
          }
        }
      }
    }
  }

  func listedAt(_ mint: MintURL) -> Timestamp? { self.state.withLock { $0.mints[mint]?.listedAt } }

  /// What it said when its keysets were last asked for.
  func features(of mint: MintURL) -> MintFeatures {
    self.state.withLock { $0.mints[mint]?.features ?? .none }
  }

  func active(at mint: MintURL) -> Keyset? { self.state.withLock { $0.shelf.active(at: mint) } }

  /// Looks a keyset up, and asks the mint where `reach` allows it and it may be news.
  func resolve(
    _ reference: KeysetReference, at mint: MintURL, reach: Reach
  ) async throws(Outage) -> KeysetShelf.Finding {
    var finding = self.find(reference, at: mint)
    if case .unknown = finding {
      if self.isListYoung(mint) { return finding }
      try await self.ask(mint, reach: reach)
      finding = self.find(reference, at: mint)
    }
    guard case .listed(let listing) = finding else { return finding }
    guard reach == .network else { throw Outage(.outage, "the keys of a keyset of \(mint) are not known") }
    try await self.fetchKeys(listing, of: mint)
    return self.find(reference, at: mint)
  }

  /// Asks for the list unless it has just been asked for; for a mint that changed its mind about a keyset.
  func noteChange(at mint: MintURL) {
    self.state.withLock { $0.mints[mint]?.listedAt = nil }
  }

  private func find(_ reference: KeysetReference, at mint: MintURL) -> KeysetShelf.Finding {
    self.state.withLock { $0.shelf.find(reference, at: mint) }
  }

  private func isListYoung(_ mint: MintURL) -> Bool {
    guard let listedAt = self.listedAt(mint) else { return false }
    return self.clock.now() - listedAt < Self.listLife
  }

  /// Gets a list younger than the one there is.
  func ask(_ mint: MintURL, reach: Reach) async throws(Outage) {
    let outage = Outage(.outage, "the mint \(mint) does not tell its keysets")
    guard reach == .network else { throw outage }
    let before = self.listedAt(mint)
    if let failedAt = self.state.withLock({ $0.mints[mint]?.failedAt }),
      self.clock.now() - failedAt < Self.failurePause
    {
      throw outage
    }
    await self.refresh(mint)
    guard let after = self.listedAt(mint), after != before || self.isListYoung(mint) else { throw outage }
  }

  private enum Turn { case refresh, wait, tooMany }

  /// One call at a time for each mint: whoever comes meanwhile waits for its end.
  func refresh(_ mint: MintURL) async {
    let turn: Turn = self.state.withLock { state in
      guard let mintState = state.mints[mint] else { return .tooMany }
      if mintState.isRefreshing { return mintState.waiting.count < Self.maxWaiting ? .wait : .tooMany }
      state.mints[mint]?.isRefreshing = true
      return .refresh
    }
    switch turn {
    case .tooMany: return
    case .wait: await self.waitForRefresh(of: mint)
    case .refresh:
      let didList = await self.fetchList(of: mint)
      let now = self.clock.now()
      let waiting = self.state.withLock { state in
        state.mints[mint]?.isRefreshing = false
        state.mints[mint]?.failedAt = didList ? nil : now
        if didList { state.mints[mint]?.listedAt = now }
        let waiting = state.mints[mint]?.waiting ?? []
        state.mints[mint]?.waiting = []
        return waiting
      }
      for continuation in waiting { continuation.resume() }
    }
  }

  private func waitForRefresh(of mint: MintURL) async {
    await withCheckedContinuation { continuation in
      let isOver = self.state.withLock { state in
        guard state.mints[mint]?.isRefreshing == true else { return true }
        state.mints[mint]?.waiting.append(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
  }

  /// False unless the list and the keys of an active keyset of ours are there.
  private func fetchList(of mint: MintURL) async -> Bool {
    guard let client = self.clients[mint], case .value(let listings) = await client.keysets() else {
      self.breakers.missed(mint, at: self.clock.now())
      return false
    }
    self.breakers.heard(mint)
    if self.depth == .all, case .value(let info) = await client.info() {
      self.state.withLock { $0.mints[mint]?.features = MintFeatures(info: info) }
    }
    let missing = self.state.withLock { state in
      let active = state.shelf.update(listings, of: mint)
      return self.depth == .all ? state.shelf.withoutKeys(of: mint) : active
    }
    for listing in missing.prefix(Self.lookupsPerMinute) {
      guard case .value(let keys) = await client.keys(of: listing.id) else { continue }
      self.state.withLock { $0.shelf.add(keys, for: listing, of: mint) }
    }
    return self.active(at: mint) != nil
  }

  private func fetchKeys(_ listing: KeysetJSON.Listing, of mint: MintURL) async throws(Outage) {
    let now = self.clock.now()
    let wait: Int? = self.state.withLock { state in
      guard let seconds = state.mints[mint]?.lookups.secondsUntilToken(now: now) else {
        state.mints[mint]?.lookups.take()
        return nil
      }
      return seconds
    }
    if let wait {
      throw Outage(.outage, "too many old keysets of \(mint) are asked for", retryAfterSeconds: wait)
    }
    guard let client = self.clients[mint], case .value(let keys) = await client.keys(of: listing.id) else {
      throw Outage(.outage, "the mint \(mint) does not tell the keys of a keyset it lists")
    }
    self.state.withLock { $0.shelf.add(keys, for: listing, of: mint) }
  }
}
