@testable import Cashu
import Gate
import JSON
import Octets
import Outbound
import Store
import Synchronization
import TestKit
import Testing

/// A treasury with a mint, a book in memory, and money in it.
struct Safe {
  let lightning: LightningMint
  let clock = ManualClock()
  let seed = TreasurySeed.random()
  let book = MemoryBook()
  let ledger: TransactionalLedger
  let desk: MintDesk
  let treasury: Treasury

  var mint: ScriptedMint { self.lightning.mint }

  init(_ amounts: [UInt64], feePpk: UInt64 = 0) async throws {
    let lightning = try LightningMint(feePpk: feePpk)
    self.lightning = lightning
    self.ledger = MemoryLedger.make(clock: self.clock, book: self.book)
    self.desk = MintDesk(
      configuration: CashuConfiguration(mints: [.init(url: lightning.mint.url)]), seed: self.seed,
      transport: lightning, clock: self.clock)
    self.treasury = Treasury(desk: self.desk, book: self.ledger, sleeper: Hurry())
    if !amounts.isEmpty { try await self.redeem(amounts) }
  }

  /// A clock for pauses that lets none pass.
  struct Hurry: Clock {
    typealias Instant = ContinuousClock.Instant
    var now: Instant { ContinuousClock.now }
    var minimumResolution: Duration { .zero }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
  }

  func redeem(_ amounts: [UInt64]) async throws {
    let verifier = CashuVerifier(desk: self.desk)
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .uses(1))
    let quote = Quote(tariff: tariff, scope: GrantScope(route: RouteID("r"), host: ""))
    let offer = PaymentOffer(method: .cashu, bytes: Array(try self.mint.token(amounts).utf8))
    guard case .verified(let payment) = try await verifier.verify(offer, against: quote, reach: .network),
      case .claimed(let claim) = try await self.ledger.claim(
        Reservation(payment: payment, scope: quote.scope, tariff: tariff, lease: .seconds(60)))
    else { throw Unexpected() }
    let term = claim.term
    _ = try await self.ledger.conclude(term, with: await verifier.settle(payment, under: claim))
  }

  struct Unexpected: Error {}

  var held: UInt64 {
    get async throws { try await self.ledger.balances().reduce(0) { $0 + $1.amount.value } }
  }
  var locked: UInt64 { get async throws { try await self.ledger.balances().reduce(0) { $0 + $1.locked } } }

  /// The only transfer that is not over.
  func openTransfer() async throws -> PaymentID? {
    try await self.ledger.payments(limit: 100).first { $0.kind.isTransfer && $0.state.isOpen }?.id
  }

  /// What recovery does once its time has come.
  func recover(_ id: PaymentID) async throws -> PaymentStanding {
    self.clock.advance(by: .seconds(300))
    return try await self.treasury.finish(id)
  }

  func balances() async throws { #expect(try await self.ledger.reconcile().differences.isEmpty) }

  func fault(_ body: () async throws(TreasuryFault) -> Void) async -> String? {
    do throws(TreasuryFault) { try await body() } catch { return Self.name(error) }
    return nil
  }

  static func name(_ fault: TreasuryFault) -> String { String("\(fault)".prefix { $0 != "(" }) }
}

@Suite("The treasury's exports")
struct ExportTests {
  @Test("pieces that fit leave as they are, and no mint is asked")
  func exact() async throws {
    let safe = try await Safe([64, 32, 8])
    safe.mint.forgetCalls()
    let exported = try await safe.treasury.export(40)
    #expect(safe.mint.calls.isEmpty)
    let token = try TokenReader.read(Array(exported.token.utf8))
    #expect(token.entries[0].proofs.map(\.amount).sorted() == [8, 32])
    #expect(token.entries[0].proofs.allSatisfy { $0.dleq != nil })
    #expect(exported.fee == 0)
    #expect(try await safe.held == 64)
    try await safe.balances()
  }

  @Test("other amounts are split, for the mint's fee", arguments: [0, 100] as [UInt64])
  func split(feePpk: UInt64) async throws {
    let safe = try await Safe([64, 1, 1], feePpk: feePpk)
    let before = try await safe.held
    let exported = try await safe.treasury.export(21)
    let proofs = try TokenReader.read(Array(exported.token.utf8)).entries[0].proofs
    #expect(proofs.reduce(0) { $0 + $1.amount } == 21)
    #expect(exported.fee == (feePpk == 0 ? 0 : 1))
    #expect(try await safe.held == before - 21 - exported.fee)
    try await safe.balances()
  }

  @Test("the token is printed again, the same, and of no other transfer")
  func again() async throws {
    let safe = try await Safe([64])
    let exported = try await safe.treasury.export(21)
    #expect(try await safe.treasury.again(exported.transfer).token == exported.token)
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.again(PaymentID("00")) }
        == "unknownExport")
  }

  @Test("more than is held, nothing at all and a mint that is not configured are refused")
  func refused() async throws {
    let safe = try await Safe([64])
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.export(65) } == "notEnough")
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.export(0) } == "nothing")
    #expect(
      await safe.fault { () throws(TreasuryFault) in
        _ = try await safe.treasury.export(1, from: "https://other.test")
      }
        == "mintNotConfigured")
    #expect(try await safe.held == 64)
  }

  @Test("a swap whose answer is lost is finished by recovery, and its token is had again")
  func lost() async throws {
    let safe = try await Safe([64])
    safe.mint.fail(.diesAfter)
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.export(21) } == "unfinished")
    #expect(try await safe.held == 0)
    #expect(try await safe.locked == 64)
    safe.mint.setDown(false)
    let id = try #require(try await safe.openTransfer())
    guard case .transferred = try await safe.recover(id) else { return #expect(Bool(false), "not finished") }
    #expect(try await safe.treasury.again(id).amount.value == 21)
    #expect(try await safe.held == 43)
    try await safe.balances()
  }

  @Test("a mint that cannot be reached costs nothing, and the same may be asked again")
  func unreachable() async throws {
    let safe = try await Safe([64])
    safe.mint.fail(.notSent)
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.export(21) } == "outage")
    #expect(try await safe.held == 64)
    #expect(try await safe.treasury.export(21).amount.value == 21)
  }

  @Test("pieces that somebody else spent with our seed are written off, and the rest can be exported")
  func spentElsewhere() async throws {
    let safe = try await Safe([32])
    try await safe.redeem([16])
    let pieces = try await safe.ledger.pieces(of: safe.mint.url.text, in: .sat, limit: 10)
    safe.mint.spend(pieces.filter { $0.value.value == 32 }.map(\.nullifier))
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.export(33) }
        == "spentElsewhere")
    #expect(try await safe.held == 16)
    #expect(try await safe.treasury.export(5).amount.value == 5)
    try await safe.balances()
  }

  @Test("exports at the same time all come where there are pieces for all")
  func contended() async throws {
    let safe = try await Safe([])
    for _ in 0..<6 { try await safe.redeem([8]) }
    let tokens = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<6 { group.addTask { try? await safe.treasury.export(8).token } }
      return await group.reduce(into: Set<String>()) { tokens, token in token.map { _ = tokens.insert($0) } }
    }
    #expect(tokens.count == 6)
    #expect(try await safe.held == 0)
    try await safe.balances()
  }

  @Test("exports at the same time never share a piece")
  func parallel() async throws {
    let safe = try await Safe([64])
    let tokens = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<8 { group.addTask { try? await safe.treasury.export(7).token } }
      return await group.reduce(into: [String]()) { tokens, token in token.map { tokens.append($0) } }
    }
    #expect(Set(tokens).count == tokens.count)
    #expect(try await safe.held == 64 - 7 * UInt64(tokens.count))
    try await safe.balances()
  }
}

@Suite("The treasury's payments")
struct PayTests {
  @Test("what is not needed comes back, and every sat is accounted for", arguments: [0, 100] as [UInt64])
  func pay(feePpk: UInt64) async throws {
    let safe = try await Safe([128], feePpk: feePpk)
    let before = try await safe.held
    safe.lightning.setLightningFee(1, reserve: 3)
    let paid = try await safe.treasury.pay(MadeInvoice.sats(50))
    #expect(paid.amount.value == 50)
    #expect(paid.note == "preimage abcd")
    #expect(paid.fee >= 1)
    #expect(try await safe.held == before - 50 - paid.fee)
    try await safe.balances()
  }

  @Test(
    "an invoice over more than is held, a quote over more than the invoice, and a reserve over the limit are not paid"
  )
  func refused() async throws {
    let safe = try await Safe([128])
    let treasury = safe.treasury
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await treasury.pay(MadeInvoice.sats(128)) }
        == "notEnough")
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await treasury.pay("lnbc") } == "badInvoice")
    #expect(
      await safe.fault { () throws(TreasuryFault) in
        _ = try await treasury.pay(MadeInvoice.sats(50), maxFee: 1)
      }
        == "feeTooHigh")
    safe.lightning.setQuotedBeside(1)
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await treasury.pay(MadeInvoice.sats(50)) }
        == "wrongQuote")
    #expect(safe.lightning.posts == 0)
    #expect(try await safe.held == 128)
  }

  @Test("a refusal leaves the money held")
  func mintRefuses() async throws {
    let safe = try await Safe([128])
    safe.lightning.fail(.refused(20004))
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.pay(MadeInvoice.sats(50)) }
        == "outage")
    #expect(try await safe.held == 128)
    #expect(try await safe.locked == 0)
  }

  @Test("a lost answer is asked for, and the change comes back")
  func lostAnswer() async throws {
    let safe = try await Safe([128])
    safe.lightning.fail(.lostAfter)
    let paid = try await safe.treasury.pay(MadeInvoice.sats(50))
    #expect(paid.amount.value == 50)
    #expect(try await safe.held == 78)
    #expect(safe.lightning.posts == 1)
    try await safe.balances()
  }

  @Test("a lost call is sent again and pays once")
  func lostCall() async throws {
    let safe = try await Safe([128])
    safe.lightning.fail(.lostBefore)
    _ = try await safe.treasury.pay(MadeInvoice.sats(50))
    #expect(safe.lightning.posts == 1)
    #expect(try await safe.held == 78)
  }

  @Test("a mint that dies with the money is asked when it is back")
  func dies() async throws {
    let safe = try await Safe([128])
    safe.lightning.fail(.diesAfter)
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.pay(MadeInvoice.sats(50)) }
        == "unfinished")
    #expect(try await safe.locked == 128)
    safe.mint.setDown(false)
    let id = try #require(try await safe.openTransfer())
    guard case .transferred = try await safe.recover(id) else { return #expect(Bool(false), "not finished") }
    #expect(try await safe.held == 78)
    #expect(safe.lightning.posts == 1)
    try await safe.balances()
  }

  @Test("a payment on its way holds its pieces until it is through")
  func pending() async throws {
    let safe = try await Safe([128, 64])
    safe.lightning.fail(.pending)
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.pay(MadeInvoice.sats(100)) }
        == "unfinished")
    let id = try #require(try await safe.openTransfer())
    guard case .unknown = try await safe.recover(id) else { return #expect(Bool(false), "ended too early") }
    #expect(try await safe.locked == 128)
    await safe.lightning.settlePending()
    guard case .transferred = try await safe.recover(id) else { return #expect(Bool(false), "not finished") }
    #expect(try await safe.held == 92)
    #expect(safe.lightning.posts == 1)
    try await safe.balances()
  }

  @Test("change over what was overpaid is not believed")
  func generous() async throws {
    let safe = try await Safe([128])
    safe.lightning.fail(.generous)
    #expect(
      await safe.fault { () throws(TreasuryFault) in _ = try await safe.treasury.pay(MadeInvoice.sats(50)) }
        == "unfinished")
    #expect(try await safe.held == 0)
    #expect(try await safe.locked == 128)
  }
}

/// A mint that answers every so many calls with 429.
final class ThrottledMint: OutboundTransport {
  private let mint: LightningMint
  private let every: Int
  private let calls = Mutex(0)

  init(_ mint: LightningMint, every: Int) {
    self.mint = mint
    self.every = every
  }

  func send(_ call: OutboundCall) async -> OutboundReply {
    let number = self.calls.withLock { calls in
      calls += 1
      return calls
    }
    guard !number.isMultiple(of: self.every) else {
      let body = Array("{\"detail\":\"Rate limit exceeded.\"}".utf8)
      return .answered(status: 429, body: body, retryAfterSeconds: nil)
    }
    return await self.mint.send(call)
  }
}

@Suite("The treasury found again from its seed")
struct RestoreTests {
  @Test("an empty book gets what is unspent, once, and its counters go on behind it")
  func empty() async throws {
    let safe = try await Safe([128, 64])
    _ = try await safe.treasury.pay(MadeInvoice.sats(50))
    let held = try await safe.held
    let empty = MemoryLedger.make(clock: safe.clock)
    let treasury = Treasury(desk: safe.desk, book: empty)
    var added: UInt64 = 0
    var next: UInt64 = 0
    try await treasury.restore(gap: 500) {
      added += $0.found.added
      next = $0.next
    }
    #expect(added == held)
    #expect(next > 0)
    var again = FoundMoney(added: 0, known: 0)
    try await treasury.restore(gap: 500) { again = $0.found }
    #expect(again == FoundMoney(added: 0, known: held))
    // New outputs begin behind the old ones, or the mint would refuse them as signed before.
    #expect(try await treasury.export(5).amount.value == 5)
    #expect(try await empty.reconcile().differences.isEmpty)
  }

  @Test(
    "numbers that plans used up without a signature do not hide what was signed after them",
    arguments: [400, 9_000] as [UInt64])
  func gap(numbers: UInt64) async throws {
    let safe = try await Safe([64])
    let keyset = try #require(safe.desk.keysets.active(at: safe.mint.url))
    let counter = CounterName.outputs(of: keyset.id)
    let last = try await safe.ledger.next(of: counter)
    try await safe.ledger.raise(counter: counter, to: last + numbers)
    try await safe.redeem([32])
    let empty = MemoryLedger.make(clock: safe.clock)
    var found: UInt64 = 0
    try await Treasury(desk: safe.desk, book: empty).restore { found += $0.found.added }
    #expect(found == 96)
    #expect(try await empty.next(of: counter) == safe.ledger.next(of: counter))
  }

  @Test("a gap of any length is crossed as far as the book has counted")
  func knownGap() async throws {
    let safe = try await Safe([64])
    let keyset = try #require(safe.desk.keysets.active(at: safe.mint.url))
    let counter = CounterName.outputs(of: keyset.id)
    try await safe.ledger.raise(counter: counter, to: 2_000)
    try await safe.redeem([32])
    let old = MemoryLedger.make(clock: safe.clock)
    try await old.raise(counter: counter, to: safe.ledger.next(of: counter))
    var found: UInt64 = 0
    try await Treasury(desk: safe.desk, book: old).restore(gap: 500) { found += $0.found.added }
    #expect(found == 96)
  }

  @Test("a mint that allows no more calls for a while is waited for")
  func throttled() async throws {
    let safe = try await Safe([64])
    let desk = MintDesk(
      configuration: safe.desk.configuration, seed: safe.seed,
      transport: ThrottledMint(safe.lightning, every: 3), clock: safe.clock)
    let empty = MemoryLedger.make(clock: safe.clock)
    var found: UInt64 = 0
    try await Treasury(desk: desk, book: empty, sleeper: Safe.Hurry()).restore(gap: 500) {
      found += $0.found.added
    }
    #expect(found == 64)
  }

  @Test("a mint that allows no call at all ends the search")
  func neverAllowed() async throws {
    let safe = try await Safe([64])
    let desk = MintDesk(
      configuration: safe.desk.configuration, seed: safe.seed,
      transport: ThrottledMint(safe.lightning, every: 1), clock: safe.clock)
    let treasury = Treasury(
      desk: desk, book: MemoryLedger.make(clock: safe.clock), sleeper: Safe.Hurry())
    #expect(
      await safe.fault { () throws(TreasuryFault) in try await treasury.restore(gap: 500) { _ in } }
        == "outage")
  }

  @Test("what left and was not taken yet is not counted by the book that knows it")
  func exported() async throws {
    let safe = try await Safe([64])
    _ = try await safe.treasury.export(21)
    var found = FoundMoney(added: 0, known: 0)
    try await safe.treasury.restore(gap: 500) { found = $0.found }
    #expect(found.added == 0)
    #expect(try await safe.held == 43)
    try await safe.balances()
  }

  @Test("spent and pending money is not counted")
  func spent() async throws {
    let safe = try await Safe([64, 8])
    let pieces = try await safe.ledger.pieces(of: safe.mint.url.text, in: .sat, limit: 10)
    safe.mint.setPending(pieces.filter { $0.value.value == 8 }.map(\.nullifier))
    safe.mint.spend(pieces.filter { $0.value.value == 64 }.map(\.nullifier))
    let empty = MemoryLedger.make(clock: safe.clock)
    var rows: [Treasury.Restored] = []
    try await Treasury(desk: safe.desk, book: empty).restore(gap: 500) { rows.append($0) }
    #expect(rows.map(\.found) == [FoundMoney(added: 0, known: 0)])
    #expect(rows.map(\.pending) == [8])
  }

  @Test("a mint that lies about signatures, and one that is down, add nothing", arguments: [true, false])
  func trouble(lies: Bool) async throws {
    let safe = try await Safe([64])
    if lies { safe.mint.setRestoresLies(true) } else { safe.mint.setDown(true) }
    let empty = MemoryLedger.make(clock: safe.clock)
    let treasury = Treasury(desk: safe.desk, book: empty)
    #expect(
      await safe.fault { () throws(TreasuryFault) in try await treasury.restore(gap: 500) { _ in } }
        == "outage")
    #expect(try await empty.balances().isEmpty)
  }

  @Test("another seed finds nothing")
  func otherSeed() async throws {
    let safe = try await Safe([64])
    let desk = MintDesk(
      configuration: safe.desk.configuration, seed: .random(), transport: safe.lightning, clock: safe.clock)
    var rows = 0
    try await Treasury(desk: desk, book: MemoryLedger.make(clock: safe.clock)).restore(gap: 500) { _ in
      rows += 1
    }
    #expect(rows == 0)
  }
}
