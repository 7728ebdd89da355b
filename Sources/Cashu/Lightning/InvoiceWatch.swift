internal import Digest
package import Gate
internal import Octets
internal import Synchronization

/// Asks the mint about open invoices, and has those that are paid redeemed.
///
/// Nothing waits for it: an invoice that is paid while no Turnpike runs is found by the next one.
package final class InvoiceWatch: Sendable {
  /// What is done with a paid invoice: ``Gate/Gate/redeem(paid:for:)``.
  package typealias Redeem = @Sendable (VerifiedPayment, Quote) async throws(Outage) -> PaymentStanding

  /// Something for the log; no secret.
  package enum Event: Sendable {
    case paid(PaymentID, Amount)
    /// The mint issued the money to somebody else, or keeps it.
    case lost(PaymentID, PaymentStanding)
    case failed(Outage)
  }

  static let interval: Duration = .seconds(1)
  /// A payment on its way may arrive after the invoice has ended.
  static let grace: Duration = .seconds(3600)
  /// Questions a minute; a stock mint allows 60 of all kinds.
  static let stockQuestionsPerMinute = 30

  private let desk: MintDesk
  private let book: any InvoiceBook
  private let redeem: Redeem
  private let report: @Sendable (Event) -> Void
  private let sleeper: any Clock<Duration>

  private struct State {
    var nextAsked: [String: Timestamp] = [:]
    var questions: [MintURL: TokenBucket] = [:]
  }

  private let state = Mutex(State())

  package init(
    desk: MintDesk, book: any InvoiceBook, sleeper: any Clock<Duration> = ContinuousClock(),
    redeem: @escaping Redeem, report: @escaping @Sendable (Event) -> Void
  ) {
    self.desk = desk
    self.book = book
    self.sleeper = sleeper
    self.redeem = redeem
    self.report = report
  }

  /// Until cancelled.
  package func run() async {
    while !Task.isCancelled {
      await self.look()
      try? await self.sleeper.sleep(for: Self.interval)
    }
  }

  /// One round: those whose turn it is, who has waited longest first. In the order of the book, a hundred old ones that
  /// nobody pays would take all questions that the mint allows, and a new one that is paid would not be asked about.
  func look() async {
    let open: [Invoice]
    do throws(Outage) { open = try await self.book.openInvoices(limit: Invoices.maxOpen) } catch {
      return self.report(.failed(error))
    }
    let now = self.desk.clock.now()
    let known = Set(open.map(\.id))
    self.state.withLock { state in state.nextAsked = state.nextAsked.filter { known.contains($0.key) } }
    let due = self.state.withLock { state in
      open.map { (invoice: $0, since: state.nextAsked[$0.id] ?? $0.created) }
    }
    .filter { $0.since <= now }.sorted { $0.since < $1.since }
    for (invoice, _) in due where self.mayAsk(about: invoice, at: now) {
      do throws(Outage) { try await self.look(at: invoice) } catch {
        // A mint that does not answer costs one time-out a round; this invoice's turn is over, so the others get theirs.
        return self.report(.failed(error))
      }
    }
  }

  /// Often at first, when somebody holds a telephone in front of it; then seldom.
  static func pause(age: Duration) -> Duration { min(max(age / 20, .seconds(1)), .seconds(120)) }

  private func mayAsk(about invoice: Invoice, at now: Timestamp) -> Bool {
    guard let mint = MintURL(invoice.counterpart), self.desk.clients[mint] != nil else { return false }
    return self.state.withLock { state in
      let perMinute = mint.isLoopback ? MintBudget.loopbackSwapsPerMinute : Self.stockQuestionsPerMinute
      var bucket = state.questions[mint] ?? TokenBucket(perMinute: perMinute, now: now)
      defer { state.questions[mint] = bucket }
      guard bucket.secondsUntilToken(now: now) == nil else { return false }
      bucket.take()
      state.nextAsked[invoice.id] = now + Self.pause(age: now - invoice.created)
      return true
    }
  }

  private func look(at invoice: Invoice) async throws(Outage) {
    guard let mint = MintURL(invoice.counterpart), let client = self.desk.clients[mint] else { return }
    switch await client.mintQuote(invoice.counterpartQuote) {
    case .value(let quote) where quote.state != .unpaid: try await self.take(invoice, at: mint)
    case .value, .refused: try await self.endIfOver(invoice)
    case .throttled, .silent:
      throw Outage(.outage, "the mint \(mint) does not tell whether an invoice is paid")
    }
  }

  private func endIfOver(_ invoice: Invoice) async throws(Outage) {
    guard self.desk.clock.now() > invoice.expires + Self.grace else { return }
    _ = try await self.book.close(invoice.id, as: .expired)
  }

  private func take(_ invoice: Invoice, at mint: MintURL) async throws(Outage) {
    let payment = try await self.payment(of: invoice, at: mint)
    let standing = try await self.redeem(payment, invoice.quote)
    switch standing {
    case .granted, .otherRoute, .notBearer:
      _ = try await self.book.close(invoice.id, as: .paid(payment.id))
      self.report(.paid(payment.id, invoice.amount))
    case .rejected, .nameTaken:
      self.report(.lost(payment.id, standing))
      try await self.endIfOver(invoice)
    // It stays open: an operator who has the money found hands out the pass with it.
    case .stuck: self.report(.lost(payment.id, standing))
    // The next round asks again.
    case .unseen, .inFlight, .unknown, .transferred: return
    }
  }

  private func payment(of invoice: Invoice, at mint: MintURL) async throws(Outage) -> VerifiedPayment {
    if self.desk.keysets.active(at: mint) == nil { try await self.desk.keysets.ask(mint, reach: .network) }
    guard let keyset = self.desk.keysets.active(at: mint), let amounts = keyset.split(invoice.amount.value),
      let stored = InvoicePlan(decoding: invoice.plan)
    else { throw Outage(.outage, "the keys of \(mint) are needed to take the money") }
    let plan = MintPlan(
      mint: mint.text, unit: invoice.amount.unit.name, quote: invoice.counterpartQuote,
      keyName: stored.isLocked ? invoice.id : nil, outputAmounts: amounts.sorted(), outputKeysetID: keyset.id)
    return VerifiedPayment(
      id: .lightning(mint, invoice.counterpartQuote), method: .lightning,
      nullifiers: [Nullifier(Self.digest(mint, invoice.counterpartQuote))], value: invoice.amount,
      counterpart: mint.text, plan: plan.encoded(),
      counters: [CounterRequest(name: CounterName.outputs(of: keyset.id), count: UInt32(amounts.count))])
  }

  fileprivate static func digest(_ mint: MintURL, _ quote: String) -> [UInt8] {
    SHA256.hash(Array("Turnpike mint quote\n\(mint)\n\(quote)".utf8))
  }
}

extension PaymentID {
  /// One quote of one mint is one payment.
  static func lightning(_ mint: MintURL, _ quote: String) -> PaymentID {
    PaymentID(Hex.encode(InvoiceWatch.digest(mint, quote).prefix(16)))
  }
}
