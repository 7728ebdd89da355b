internal import Digest
package import Gate
internal import Octets
internal import Synchronization

/// Redeems in the background what was accepted on trust: for each mint some proofs together, or few when they get old.
///
/// A service. Every batch is a transfer of the book, written ahead; one whose answer is lost is the cashier's to recover,
/// like every other row. Several processes may run it on one book: a payment is in one transfer at a time.
package final class Redeemer: Sendable {
  /// The most payments of one mint that are looked at together.
  static let maxAccepted = 4096
  /// After this another process may take a batch over: a swap, a restore and a look at the states, twice.
  static let lease: Duration = .seconds(90)

  /// What happened, for the log and the meters.
  package enum Event: Sendable {
    case redeemed(mint: String, payments: Int, value: UInt64, fee: UInt64)
    case lost(mint: String, PaymentID, note: String)
    case failed(mint: String, Outage)
    /// The book does not answer.
    case blind(Outage)
  }

  private let desk: MintDesk
  private let book: any TreasuryBook
  private let sleeper: any Clock<Duration>
  private let report: @Sendable (Event) -> Void
  private let lanes: Mutex<[MintURL: RedemptionLane]>

  package init(
    desk: MintDesk, book: any TreasuryBook, sleeper: any Clock<Duration> = ContinuousClock(),
    report: @escaping @Sendable (Event) -> Void = { _ in }
  ) {
    self.desk = desk
    self.book = book
    self.sleeper = sleeper
    self.report = report
    let settings = desk.configuration.redemption
    let lanes = desk.configuration.mints.map { mint in
      (mint.url, RedemptionLane(settings, exposure: mint.exposure))
    }
    self.lanes = Mutex(Dictionary(lanes) { first, _ in first })
  }

  /// Works until cancelled; a batch that is under way then is left to recovery.
  package func run() async {
    while !Task.isCancelled {
      while await self.round() == .goOn, !Task.isCancelled {}
      try? await self.sleeper.sleep(for: self.desk.configuration.redemption.interval)
    }
  }

  enum Round: Sendable { case goOn, rest }

  /// One batch at each mint that has one due. Money at a mint that was struck from the configuration waits for its return.
  func round() async -> Round {
    let now = self.desk.clock.now()
    let open = self.lanes.withLock { lanes in lanes.filter { $0.value.isOpen(at: now) }.map(\.key) }
    return await withTaskGroup(of: Round.self) { group in
      for mint in open { group.addTask { await self.turn(at: mint) } }
      return await group.reduce(.rest) { $1 == .goOn ? .goOn : $0 }
    }
  }

  private func turn(at mint: MintURL) async -> Round {
    let accepted: [AcceptedPayment]
    do throws(Outage) {
      // Each mint's own: what thousands of payments of one that is out would crowd out could not be fetched before its
      // locks end.
      accepted = try await self.book.acceptedPayments(of: mint.text, limit: Self.maxAccepted)
    } catch {
      self.report(.blind(error))
      return .rest
    }
    let candidates = accepted.filter { $0.method == .cashu && $0.value.unit == self.desk.configuration.unit }
      .compactMap(RedemptionCandidate.init)
    let now = self.desk.clock.now()
    let due = self.lanes.withLock { lanes -> (batch: [RedemptionCandidate], givesUp: Bool)? in
      guard let batch = lanes[mint]?.next(from: candidates, at: now) else { return nil }
      return (batch, batch.count == 1 && lanes[mint]?.givesUp(batch[0].payment) == true)
    }
    guard let due else { return .rest }
    let result = await self.redeem(due.batch, at: mint, givesUp: due.givesUp)
    self.lanes.withLock { $0[mint]?.handle(result, of: due.batch, at: self.desk.clock.now()) }
    switch result {
    case .redeemed, .spent, .refused, .lost: return .goOn
    case .notOurs, .outage: return .rest
    }
  }

  private func redeem(
    _ batch: [RedemptionCandidate], at mint: MintURL, givesUp: Bool
  ) async -> RedemptionLane.Result {
    do throws(Outage) {
      let plan = try await self.plan(batch, at: mint)
      try self.admit(at: mint)
      switch try await self.book.begin(self.draft(plan, batch)) {
      case .standing: return .notOurs
      case .claimed(let claim):
        let term = claim.term
        let end = await Redemption(desk: self.desk).begin(plan, givesUp: givesUp, under: claim)
        _ = try await self.book.conclude(term, with: end.settlement)
        self.report(end, plan)
        return end.result
      }
    } catch {
      self.report(.failed(mint: mint.text, error))
      return .outage(retryAfter: .seconds(error.retryAfterSeconds))
    }
  }

  private func plan(
    _ batch: [RedemptionCandidate], at mint: MintURL
  ) async throws(Outage) -> RedemptionPlan {
    guard let outputs = self.desk.keysets.active(at: mint) else {
      await self.desk.keysets.refresh(mint)
      throw Outage(.outage, "no active keyset of \(mint) is known")
    }
    var counts: [KeysetID: UInt64] = [:]
    for input in batch.flatMap(\.inputs) { counts[input.keysetID, default: 0] += 1 }
    var ppk: [UInt64] = []
    for (id, count) in counts {
      guard
        case .known(let keyset) = try await self.desk.keysets.resolve(.full(id), at: mint, reach: .network)
      else { throw Outage(.outage, "a keyset of accepted proofs of \(mint) is not known") }
      let (fee, overflow) = keyset.inputFeePpk.multipliedReportingOverflow(by: count)
      ppk.append(overflow ? .max : fee)
    }
    let unit = self.desk.configuration.unit
    guard let fee = Fees.total(ppk: ppk),
      let plan = RedemptionPlan(batch, at: mint, unit: unit, keyset: outputs, fee: fee)
    else { throw Outage(.outage, "the fee of \(mint) leaves nothing of a batch", retryAfterSeconds: 60) }
    return plan
  }

  /// Redemptions share the mint's budget with the payers who wait.
  private func admit(at mint: MintURL) throws(Outage) {
    let now = self.desk.clock.now()
    guard case .wait(let seconds) = self.desk.budgets.admit(.provable, at: mint, from: nil, now: now) else {
      return
    }
    throw Outage(.mintBudget, "the budget of swaps at \(mint) is used up", retryAfterSeconds: seconds)
  }

  private func draft(_ plan: RedemptionPlan, _ batch: [RedemptionCandidate]) -> TransferDraft {
    TransferDraft(
      id: PaymentID(Hex.encode(RandomBytes.make(count: 16))),
      kind: .redemption,
      method: .cashu,
      counterpart: plan.swap.mint,
      value: Amount(plan.value, Amount.Unit(plan.swap.unit)),
      payments: batch.map(\.payment),
      plan: plan.encoded(),
      counters: [
        CounterRequest(name: plan.swap.counterName, count: UInt32(plan.swap.outputAmounts.count))
      ],
      lease: Self.lease)
  }

  private func report(_ end: Redemption.End, _ plan: RedemptionPlan) {
    let mint = plan.swap.mint
    switch end.settlement {
    case .transferred(let effect):
      for (payment, note) in effect.lost { self.report(.lost(mint: mint, payment, note: note)) }
      guard effect.lost.isEmpty else { return }
      self.report(
        .redeemed(mint: mint, payments: plan.members.count, value: plan.value, fee: effect.fee))
    case .notSent(let outage), .void(let outage), .unknown(let outage):
      self.report(.failed(mint: mint, outage))
    case .stuck(let note): self.report(.failed(mint: mint, Outage(.unknown, note)))
    case .settled, .rejected: preconditionFailure("a redemption ends as a transfer")
    }
  }
}
