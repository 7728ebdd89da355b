internal import Gate
internal import Synchronization

/// The budget of each configured mint, shared by all requests.
final class Budgets: Sendable {
  private let budgets: Mutex<[MintURL: MintBudget]>

  init(_ mints: [CashuConfiguration.Mint], now: Timestamp) {
    let pairs = mints.map { mint in
      let budget = MintBudget(
        swapsPerMinute: mint.swapsPerMinute, swapsPerMinuteAndClient: mint.swapsPerMinuteAndClient, now: now)
      return (mint.url, budget)
    }
    self.budgets = Mutex(Dictionary(pairs) { first, _ in first })
  }

  func admit(
    _ proof: MintBudget.Proof, at mint: MintURL, from client: ClientAddress?, now: Timestamp
  ) -> MintBudget.Admission {
    self.budgets.withLock { $0[mint]?.admit(proof, from: client, now: now) ?? .wait(seconds: 60) }
  }
}
