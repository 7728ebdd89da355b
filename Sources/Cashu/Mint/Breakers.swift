internal import Gate
internal import Synchronization

/// The breaker of each configured mint, shared by all requests.
final class Breakers: Sendable {
  private let breakers: Mutex<[MintURL: MintBreaker]>

  init(_ mints: [MintURL]) {
    self.breakers = Mutex(Dictionary(mints.map { ($0, MintBreaker()) }) { first, _ in first })
  }

  func grade(of mint: MintURL, at now: Timestamp) -> MintBreaker.Grade {
    self.breakers.withLock { $0[mint]?.grade(at: now) ?? .open }
  }

  func heard(_ mint: MintURL) { self.breakers.withLock { $0[mint]?.heard() } }
  func missed(_ mint: MintURL, at now: Timestamp) { self.breakers.withLock { $0[mint]?.missed(at: now) } }
  func redeemed(_ mint: MintURL, at now: Timestamp) { self.breakers.withLock { $0[mint]?.redeemed(at: now) } }
  func failed(_ mint: MintURL, at now: Timestamp) { self.breakers.withLock { $0[mint]?.failed(at: now) } }
}
