internal import Digest
package import Gate
internal import Octets

/// The operator's side of redeemed money: it leaves as a token or over Lightning, from one mint at a time.
///
/// Every movement is written ahead (``Gate/TreasuryBook/begin(_:)``), so that a crash at any point loses nothing: the
/// cashier's recovery, or ``finish(_:)``, ends it.
package struct Treasury: Sendable {
  /// A mint may take a minute over a payment, and then it is waited for some more.
  static let lease: Duration = .seconds(120)
  /// The largest are listed first, so that these are worth the most.
  static let maxListed = 1000

  let desk: MintDesk
  let book: any TreasuryBook
  let sleeper: any Clock<Duration>
  private let exports: Exports
  private let melts: Melts
  private let crashPoints: CrashPoints

  var unit: Amount.Unit { self.desk.configuration.unit }

  package init(
    desk: MintDesk, book: any TreasuryBook, sleeper: any Clock<Duration> = ContinuousClock(),
    crashPoints: CrashPoints = .none
  ) {
    self.desk = desk
    self.book = book
    self.sleeper = sleeper
    self.crashPoints = crashPoints
    self.exports = Exports(desk: desk)
    self.melts = Melts(desk: desk, sleeper: sleeper)
  }

  /// What ``CashuVerifier`` must be given to recover transfers.
  package static func recoveries(desk: MintDesk) -> [any PlanRecovery] {
    [Exports(desk: desk), Melts(desk: desk)]
  }

  /// What left as a token.
  package struct Exported: Sendable {
    package var transfer: PaymentID
    package var mint: String
    package var amount: Amount
    /// What the mint kept.
    package var fee: UInt64
    /// A secret: whoever reads it has the money.
    package var token: String
  }

  /// What was paid over Lightning.
  package struct Paid: Sendable {
    package var transfer: PaymentID
    package var mint: String
    package var amount: Amount
    package var fee: UInt64
    /// The payee's receipt, where the mint tells it.
    package var note: String?
  }

  // MARK: Export

  /// Takes `amount` out as a token, which is durable before it is returned.
  package func export(_ amount: UInt64, from mint: String? = nil) async throws(TreasuryFault) -> Exported {
    guard amount > 0 else { throw .nothing }
    for _ in 1..<Self.exportTries {
      do throws(TreasuryFault) {
        return try await self.exportNow(amount, from: mint)
      } catch .outage(let outage) where outage.code == .inFlight {
        // Another export took its pieces between our look and our claim: others may serve as well.
      }
    }
    return try await self.exportNow(amount, from: mint)
  }

  /// Each loses to one that wins, so this is as many exports at once as a person starts.
  private static let exportTries = 8

  private func exportNow(_ amount: UInt64, from mint: String?) async throws(TreasuryFault) -> Exported {
    let vault = try await self.vault(at: mint, worth: amount)
    let plan: ExportPlan
    if let pieces = PieceChoice.exact(amount, from: vault.pieces),
      let exact = ExportPlan(asHeld: pieces, at: vault.mint, unit: self.unit)
    {
      plan = exact
    } else {
      plan = try await self.splitting(amount, of: vault)
    }
    let draft = self.draft(.export, plan.swap, plan.encoded())
    let effect = try await self.carry(draft) { claim in await self.exports.begin(plan, under: claim) }
    return try self.exported(draft.id, effect.exported, fee: effect.fee)
  }

  /// The token of an export once more, for whoever lost the print-out.
  package func again(_ transfer: PaymentID) async throws(TreasuryFault) -> Exported {
    let pieces = try await self.read { () async throws(Outage) in try await self.book.exported(in: transfer) }
    guard !pieces.isEmpty else { throw .unknownExport(transfer) }
    return try self.exported(transfer, pieces, fee: 0)
  }

  private func splitting(_ amount: UInt64, of vault: Vault) async throws(TreasuryFault) -> ExportPlan {
    let vault = try await self.priced(vault)
    guard let pieces = PieceChoice.covering(amount, from: vault.pieces) else {
      throw self.short(amount, vault)
    }
    guard
      let plan = ExportPlan(
        amount, from: pieces, at: vault.mint, unit: self.unit, keyset: try self.active(vault.mint))
    else { throw .outage(Outage(.outage, "the keys of \(vault.mint) cannot make this amount")) }
    return plan
  }

  private func exported(_ id: PaymentID, _ pieces: [Proceeds], fee: UInt64) throws(TreasuryFault) -> Exported
  {
    // The book has no order for them, and the same export should read the same each time.
    let pieces = pieces.sorted { $0.nullifier.bytes.lexicographicallyPrecedes($1.nullifier.bytes) }
    guard let mint = pieces.first?.counterpart, let token = TreasuryToken.text(for: pieces),
      let sum = Money.sum(pieces.map(\.value.value))
    else { throw .unfinished(id, Outage(.outage, "the exported pieces cannot be read")) }
    return Exported(transfer: id, mint: mint, amount: Amount(sum, self.unit), fee: fee, token: token)
  }

  // MARK: Pay

  /// Pays an invoice.
  ///
  /// - Parameter maxFee: the most that the mint may set aside for Lightning's fees, in the unit; nil for a fiftieth of
  ///   the amount and at least 10 (what stock mints ask is 1 %, at least 2).
  package func pay(
    _ invoice: String, from mint: String? = nil, maxFee: UInt64? = nil
  ) async throws(TreasuryFault) -> Paid {
    let bolt11: Bolt11
    do throws(Bolt11.Fault) { bolt11 = try Bolt11(invoice) } catch { throw .badInvoice(error) }
    guard let amount = bolt11.amount(in: self.unit.name) else { throw .unitCannotPay(self.unit) }
    let vault = try await self.priced(self.vault(at: mint, worth: amount))
    let quote = try await self.quote(bolt11, at: vault.mint)
    guard quote.amount == amount else {
      throw .wrongQuote(asked: Amount(amount, self.unit), quoted: Amount(quote.amount, self.unit))
    }
    let limit = maxFee ?? max(10, amount / 50)
    guard quote.feeReserve <= limit else {
      throw .feeTooHigh(reserve: Amount(quote.feeReserve, self.unit), limit: Amount(limit, self.unit))
    }
    guard let needed = Money.sum([quote.amount, quote.feeReserve]),
      let pieces = PieceChoice.covering(needed, from: vault.pieces), let sum = PieceChoice.sum(pieces)
    else { throw self.short(amount, vault) }
    let plan = MeltPlan(
      mint: vault.mint.text, unit: self.unit.name, inputs: pieces.map(\.input), quote: quote.id,
      amount: quote.amount, blanks: MeltPlan.blanks(for: sum - quote.amount),
      outputKeysetID: try self.active(vault.mint).id)
    let draft = self.draft(plan)
    let effect = try await self.carry(draft) { claim in await self.melts.begin(plan, under: claim) }
    return Paid(
      transfer: draft.id, mint: plan.mint, amount: Amount(effect.left, self.unit), fee: effect.fee,
      note: effect.note)
  }

  private func quote(_ invoice: Bolt11, at mint: MintURL) async throws(TreasuryFault) -> MeltQuote {
    guard let client = self.desk.clients[mint] else { throw .mintNotConfigured(mint.text) }
    switch await client.meltQuote(invoice: invoice.text, unit: self.unit.name) {
    case .value(let quote) where quote.state == .unpaid: return quote
    case .value: throw .notQuoted(mint: mint.text, .other(code: nil))
    case .refused(let refusal): throw .notQuoted(mint: mint.text, refusal)
    case .throttled: throw .outage(Outage(.mintBudget, "the mint \(mint) allows no more calls now"))
    case .silent: throw .outage(Outage(.outage, "the mint \(mint) does not answer"))
    }
  }

  // MARK: A transfer

  private func draft(_ kind: TransferDraft.Kind, _ swap: SwapPlan, _ plan: [UInt8]) -> TransferDraft {
    self.draft(
      kind, swap.mint, swap.inputs, plan,
      CounterRequest(name: swap.counterName, count: UInt32(swap.outputAmounts.count)))
  }

  private func draft(_ plan: MeltPlan) -> TransferDraft {
    self.draft(
      .melt, plan.mint, plan.inputs, plan.encoded(),
      CounterRequest(name: plan.counterName, count: plan.blanks))
  }

  private func draft(
    _ kind: TransferDraft.Kind, _ mint: String, _ inputs: [SwapPlan.Input], _ plan: [UInt8],
    _ counter: CounterRequest
  ) -> TransferDraft {
    TransferDraft(
      id: PaymentID(Hex.encode(RandomBytes.make(count: 16))), kind: kind, method: .cashu, counterpart: mint,
      value: Amount(inputs.reduce(0) { $0 + $1.amount }, self.unit),
      pieces: inputs.map { Nullifier(Point.hashToCurve($0.secret.utf8).compressed) }, plan: plan,
      counters: [counter], lease: Self.lease)
  }

  /// Takes the pieces, lets `work` move them, and writes down what became of it.
  private func carry(
    _ draft: TransferDraft, _ work: (consuming Claim) async -> Settlement
  ) async throws(TreasuryFault) -> TransferEffect {
    let claim: Claim
    do throws(Outage) {
      switch try await self.book.begin(draft) {
      case .claimed(let taken): claim = taken
      case .standing: throw Outage(.inFlight, "another transfer has just taken some of the pieces; ask again")
      }
    } catch { throw .outage(error) }
    self.crashPoints.reach(.reserved)
    let term = claim.term
    let settlement = await work(claim)
    self.crashPoints.reach(.settled)
    do throws(Outage) { _ = try await self.book.conclude(term, with: settlement) } catch {
      throw .unfinished(draft.id, error)
    }
    self.crashPoints.reach(.concluded)
    switch settlement {
    case .transferred(let effect) where effect.left == 0: throw .spentElsewhere(draft.id)
    case .transferred(let effect): return effect
    case .notSent(let outage), .void(let outage): throw .outage(outage)
    case .unknown(let outage): throw .unfinished(draft.id, outage)
    case .stuck: throw .stuck(draft.id)
    case .settled, .rejected: preconditionFailure("A transfer does not end as a payment.")
    }
  }

  /// What became of a transfer, taking it over for recovery where its time has come.
  package func finish(_ id: PaymentID) async throws(Outage) -> PaymentStanding {
    switch try await self.book.resume(id) {
    case .standing(let standing): return standing
    case .resumed(let resumption):
      let verifier = CashuVerifier(desk: self.desk, recoveries: [self.exports, self.melts])
      let plan = resumption.plan
      let claim = resumption.take()
      let term = claim.term
      return try await self.book.conclude(term, with: await verifier.recover(plan, under: claim))
    }
  }
}
