@testable import Cashu
import Gate
import Octets
import Store
import Synchronization
import TestKit
import Testing

/// What sells over Lightning: invoices at one mint, and the watch that has paid ones redeemed.
struct Stall {
  let safe: Safe
  let invoices: Invoices
  let watch: InvoiceWatch
  let verifier: LightningVerifier
  let events = Events()

  final class Events: Sendable {
    private let all = Mutex<[String]>([])
    func add(_ event: InvoiceWatch.Event) {
      self.all.withLock { $0.append(String("\(event)".prefix { $0 != "(" })) }
    }
    var names: [String] { self.all.withLock { $0 } }
  }

  static let quote = Quote(
    tariff: Tariff(prices: [Amount(21, .sat)], terms: .uses(1)),
    scope: GrantScope(route: RouteID("r"), host: ""))

  init(feePpk: UInt64 = 0) async throws {
    let safe = try await Safe([], feePpk: feePpk)
    let verifier = LightningVerifier(desk: safe.desk)
    let events = self.events
    self.safe = safe
    self.verifier = verifier
    self.invoices = try #require(Invoices(desk: safe.desk, mint: safe.mint.url, book: safe.ledger))
    // As the cashier does it.
    self.watch = InvoiceWatch(
      desk: safe.desk, book: safe.ledger,
      redeem: { payment, quote throws(Outage) in
        let reservation = Reservation(
          payment: payment, scope: quote.scope, tariff: quote.tariff, lease: .seconds(60))
        switch try await safe.ledger.claim(reservation) {
        case .standing(.unknown(let id, _)):
          switch try await safe.ledger.resume(id) {
          case .standing(let standing): return standing
          case .resumed(let resumption):
            let plan = resumption.plan
            let claim = resumption.take()
            let term = claim.term
            return try await safe.ledger.conclude(term, with: await verifier.recover(plan, under: claim))
          }
        case .standing(let standing): return standing
        case .claimed(let claim):
          let term = claim.term
          return try await safe.ledger.conclude(term, with: await verifier.settle(payment, under: claim))
        }
      }, report: { events.add($0) })
  }

  /// Later, so that every invoice has its turn.
  func look(after span: Duration = .seconds(300)) async {
    self.safe.clock.advance(by: span)
    await self.watch.look()
  }
}

@Suite("Invoices and their payments")
struct InvoiceTests {
  @Test(
    "a paid invoice is minted into the treasury and granted once, with and without a key",
    arguments: [true, false])
  func paid(isLocked: Bool) async throws {
    let stall = try await Stall()
    stall.safe.lightning.setSignsQuotes(isLocked)
    let invoice = try await stall.invoices.open(for: Stall.quote)
    #expect(try Bolt11(invoice.bolt11).amount(in: "sat") == 21)
    #expect(invoice.id.utf8.count == 32)
    await stall.look(after: .seconds(2))
    #expect(try await stall.invoices.invoice(invoice.id)?.state == .open)
    stall.safe.lightning.payInvoices()
    await stall.look(after: .seconds(2))
    guard case .closed(.paid(let payment)) = try await stall.invoices.invoice(invoice.id)?.state else {
      return #expect(Bool(false), "not closed")
    }
    #expect(try await stall.safe.ledger.payment(payment)?.grant?.paid == Amount(21, .sat))
    #expect(try await stall.safe.held == 21)
    await stall.look()
    #expect(stall.safe.lightning.posts == 1)
    #expect(stall.events.names == ["paid"])
    try await stall.safe.balances()
  }

  @Test("a mint that takes only the newer form of the signature gets it")
  func form() async throws {
    let stall = try await Stall()
    stall.safe.lightning.setForm(.framed)
    _ = try await stall.invoices.open(for: Stall.quote)
    stall.safe.lightning.payInvoices()
    await stall.look()
    #expect(try await stall.safe.held == 21)
  }

  @Test("an answer that is lost is asked for, a call that is lost is made again", arguments: [true, false])
  func lost(isActedOn: Bool) async throws {
    let stall = try await Stall()
    stall.safe.lightning.fail(isActedOn ? .lostAfter : .lostBefore)
    _ = try await stall.invoices.open(for: Stall.quote)
    stall.safe.lightning.payInvoices()
    await stall.look()
    #expect(stall.events.names == ["paid"])
    #expect(try await stall.safe.held == 21)
    #expect(stall.safe.lightning.posts == 1)
  }

  @Test("a mint that dies with the answer is asked when it is back")
  func dies() async throws {
    let stall = try await Stall()
    stall.safe.lightning.fail(.diesAfter)
    _ = try await stall.invoices.open(for: Stall.quote)
    stall.safe.lightning.payInvoices()
    await stall.look()
    #expect(try await stall.safe.held == 0)
    stall.safe.mint.setDown(false)
    await stall.look()
    #expect(stall.events.names == ["paid"])
    #expect(try await stall.safe.held == 21)
    #expect(stall.safe.lightning.posts == 1)
  }

  @Test("an invoice that is paid after its end, and within the hour behind it, still buys")
  func late() async throws {
    let stall = try await Stall()
    let invoice = try await stall.invoices.open(for: Stall.quote)
    stall.safe.clock.advance(by: invoice.expires - invoice.created)
    await stall.look(after: .seconds(600))
    stall.safe.lightning.payInvoices()
    await stall.look(after: .seconds(600))
    #expect(stall.events.names == ["paid"])
  }

  @Test("an invoice that nobody paid is given up an hour after its end, and not asked about any more")
  func expired() async throws {
    let stall = try await Stall()
    stall.safe.lightning.setExpiry(UInt64(stall.safe.clock.now().seconds) + 60)
    let invoice = try await stall.invoices.open(for: Stall.quote)
    await stall.look(after: .seconds(59 * 60))
    #expect(try await stall.invoices.invoice(invoice.id)?.state == .open)
    await stall.look(after: .seconds(5 * 60))
    #expect(try await stall.invoices.invoice(invoice.id)?.state == .closed(.expired))
    #expect(try await stall.safe.ledger.openInvoices(limit: 10).isEmpty)
  }

  @Test(
    "an end that a mint makes up never closes an invoice before it is paid",
    arguments: [0, 1, 1_000_000, UInt64(Int64.max), .max])
  func oddExpiry(expiry: UInt64) async throws {
    let stall = try await Stall()
    stall.safe.lightning.setExpiry(expiry)
    let invoice = try await stall.invoices.open(for: Stall.quote)
    #expect(invoice.expires > invoice.created)
    #expect(invoice.expires <= invoice.created + Invoices.longestLife)
    await stall.look()
    stall.safe.lightning.payInvoices()
    await stall.look()
    #expect(stall.events.names == ["paid"])
  }

  @Test(
    "a paid invoice whose money is stuck at the mint is never given up, and its pass comes with the money")
  func stuck() async throws {
    let stall = try await Stall()
    let invoice = try await stall.invoices.open(for: Stall.quote)
    stall.safe.lightning.payInvoices()
    stall.safe.lightning.fail(.diesAfter)
    await stall.look()
    let id = try #require(try await stall.safe.ledger.payments(in: .unknown, limit: 1).first?.id)
    stall.safe.clock.advance(by: .seconds(60))
    guard case .resumed(let resumption) = try await stall.safe.ledger.resume(id) else {
      return #expect(Bool(false), "not taken over")
    }
    let term = resumption.take().term
    _ = try await stall.safe.ledger.conclude(term, with: .stuck(note: "test"))
    stall.safe.mint.setDown(false)
    await stall.look(after: .seconds(3 * 3600))
    #expect(try await stall.invoices.invoice(invoice.id)?.state == .open)
    _ = try await stall.safe.ledger.reopen(id)
    await stall.look()
    #expect(try await stall.invoices.invoice(invoice.id)?.state == .closed(.paid(id)))
  }

  @Test("a paid invoice has its turn, however many older ones wait that nobody pays")
  func fairness() async throws {
    let stall = try await Stall()
    for _ in 0..<100 { _ = try await stall.invoices.open(for: Stall.quote) }
    for _ in 0..<300 { await stall.look(after: .seconds(1)) }
    let invoice = try await stall.invoices.open(for: Stall.quote)
    stall.safe.lightning.payInvoice(of: invoice.counterpartQuote)
    // A mint that is no neighbour is asked 30 times a minute.
    for _ in 0..<240 where stall.events.names.isEmpty { await stall.look(after: .seconds(1)) }
    #expect(stall.events.names == ["paid"])
    guard case .closed(.paid) = try await stall.invoices.invoice(invoice.id)?.state else {
      return #expect(Bool(false), "not closed")
    }
  }

  @Test("money that the mint issued to somebody else grants nothing")
  func taken() async throws {
    let stall = try await Stall()
    _ = try await stall.invoices.open(for: Stall.quote)
    stall.safe.lightning.issueElsewhere()
    await stall.look()
    #expect(try await stall.safe.held == 0)
    #expect(!stall.events.names.contains("paid"))
  }

  @Test("a mint whose invoice is over another amount sells nothing")
  func otherAmount() async throws {
    let stall = try await Stall()
    stall.safe.lightning.setQuotedBeside(1)
    await #expect(throws: Outage.self) { try await stall.invoices.open(for: Stall.quote) }
    #expect(try await stall.safe.ledger.openInvoices(limit: 10).isEmpty)
  }

  @Test("a mint that is down makes no invoice, and an unknown id is no invoice")
  func down() async throws {
    let stall = try await Stall()
    #expect(try await stall.invoices.invoice("00") == nil)
    stall.safe.mint.setDown(true)
    await #expect(throws: Outage.self) { try await stall.invoices.open(for: Stall.quote) }
  }

  @Test(
    "questions become fewer with age, and never stop",
    arguments: [(0, 1), (20, 1), (200, 10), (100_000, 120)] as [(Int, Int)])
  func pace(age: Int, seconds: Int) {
    #expect(InvoiceWatch.pause(age: .seconds(age)) == .seconds(seconds))
  }

  @Test("a client's bytes are never an offer of this scheme")
  func noOffers() async throws {
    let stall = try await Stall()
    let offer = PaymentOffer(method: .lightning, bytes: Array("lnbc".utf8))
    guard
      case .rejected(.wrongScheme) = try await stall.verifier.verify(
        offer, against: Stall.quote, reach: .network)
    else { return #expect(Bool(false), "an offer was taken") }
    #expect(stall.verifier.challenge(for: Stall.quote.tariff) == nil)
  }
}
