import Gate
import Store
import TestKit
import Testing

/// What every backend says to whoever presents a payment that is public, named, topping up or revoked.
@Suite(.timeLimit(.minutes(3))) struct BearerContractTests {
  private static let secret = Bearing.secret(hash: Array(repeating: 7, count: 32))
  private static let otherSecret = Bearing.secret(hash: Array(repeating: 8, count: 32))
  private static let hour = Tariff(prices: [Amount(10, .sat)], terms: .duration(.seconds(3600)))

  private static func offer(_ id: String, _ bearing: Bearing, name: PaymentName? = nil) -> VerifiedPayment {
    var offer = payment(id)
    (offer.bearing, offer.name, offer.payer) = (bearing, name, "0xpayer")
    return offer
  }

  @Test(
    "only its bearer has a paid payment: by itself, by its secret, or once",
    arguments: Backend.allCases,
    [
      (Bearing.payload, Bearing.payload, true), (.payload, secret, true), (secret, secret, true),
      (secret, otherSecret, false), (secret, .payload, false), (secret, .firstPresentation, false),
      (.firstPresentation, .firstPresentation, false), (.firstPresentation, secret, false),
    ])
  func bearing(backend: Backend, row: (stored: Bearing, shown: Bearing, isBearer: Bool)) async throws {
    let ledger = try Bench(backend).open()
    let shown = Self.offer("a", row.shown)
    let term = try #require(try await ledger.claiming(Self.offer("a", row.stored), sending: true).term)
    // Until it is paid, everybody hears the same.
    #expect(try await ledger.standing(of: shown) == .inFlight(shown.id))
    _ = try await ledger.concluding(term, .unknown(.lost))
    #expect(try await ledger.standing(of: shown) == .unknown(shown.id, dueIn: .seconds(1)))
    // Who concludes it is its first presenter.
    let grant = try #require(try await ledger.concluding(term, .settled([piece("a", 10)])).grant)
    #expect(grant.payer == "0xpayer")
    let expected: Standing = row.isBearer ? .granted(grant) : .notBearer(grant)
    #expect(try await ledger.standing(of: shown) == expected)
    #expect(try await ledger.claiming(shown) == .standing(expected))
    #expect(try await ledger.standing(of: shown, scope: other) == .otherRoute(shown.id))
  }

  @Test(
    "whoever is not the bearer gets the same request again, and no other use", arguments: Backend.allCases)
  func again(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let grant = try await ledger.granted(payment("a", value: 30))
    func ask(_ request: String?) async throws -> UseOutcome {
      try await ledger.take(
        UseRequest(serial: grant.serial, request: request.map(RequestKey.init), lease: lease, intent: .again))
    }
    guard case .exhausted = try await ask("r") else { throw Outage.lost }
    #expect(try await ledger.taking(grant.serial, "r") == .taken(0, attempt: 1))
    guard case .repeated = try await ask("r") else { throw Outage.lost }
    guard case .exhausted = try await ask("s") else { throw Outage.lost }
    guard case .exhausted = try await ask(nil) else { throw Outage.lost }
    #expect(try await ledger.standing(of: payment("a")).grant?.usesTaken == 1)
  }

  @Test("a repeat that is asked for counts among the ten of its request", arguments: Backend.allCases)
  func againIsBounded(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let grant = try await ledger.granted(payment("a", value: 30))
    #expect(try await ledger.taking(grant.serial, "r") == .taken(0, attempt: 1))
    var repeats = 0
    for _ in 0..<12 {
      let asked = UseRequest(
        serial: grant.serial, request: RequestKey("r"), lease: lease, intent: .again)
      if case .repeated = try await ledger.take(asked) { repeats += 1 }
    }
    #expect(repeats == 10)
  }

  @Test("one name, one payment", arguments: Backend.allCases)
  func names(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let (name, another) = (PaymentName(Array(repeating: 1, count: 32)), PaymentName([2]))
    let first = Self.offer("a", .payload, name: name)
    let second = Self.offer("b", .payload, name: name)
    let term = try #require(try await ledger.claiming(first, sending: true).term)
    #expect(try await ledger.standing(of: second) == .nameTaken(first.id))
    #expect(try await ledger.claiming(second) == .standing(.nameTaken(first.id)))
    #expect(try await ledger.standing(of: first) == .inFlight(first.id))
    let grant = try #require(try await ledger.concluding(term, .settled([piece("a", 10)])).grant)
    #expect(try await ledger.standing(of: first) == .granted(grant))
    #expect(try await ledger.claiming(second) == .standing(.nameTaken(first.id)))
    #expect(try await ledger.claiming(Self.offer("b", .payload, name: another)).term != nil)
    #expect(try await ledger.claiming(Self.offer("c", .payload)).term != nil)
  }

  @Test(
    "the name of a payment that was refused or never sent is free again", arguments: Backend.allCases,
    [Settlement.rejected(.spent, spent: []), .rejected(.invalid, spent: []), .notSent(.lost), .void(.lost)])
  func freedNames(backend: Backend, settlement: Settlement) async throws {
    let ledger = try Bench(backend).open()
    let name = PaymentName([1])
    let term = try #require(
      try await ledger.claiming(Self.offer("a", .payload, name: name), sending: true).term)
    _ = try await ledger.concluding(term, settlement)
    #expect(try await ledger.claiming(Self.offer("b", .payload, name: name)).term != nil)
  }

  @Test(
    "a refused payment that is public is tried again for its first bearer only", arguments: Backend.allCases,
    [
      (secret, secret, true), (secret, otherSecret, false), (secret, .firstPresentation, false),
      (.payload, .payload, true), (.firstPresentation, .firstPresentation, true),
    ])
  func refused(backend: Backend, row: (stored: Bearing, shown: Bearing, mayTry: Bool)) async throws {
    let ledger = try Bench(backend).open()
    let term = try #require(try await ledger.claiming(Self.offer("a", row.stored), sending: true).term)
    _ = try await ledger.concluding(term, .rejected(.insufficientFunds, spent: []))
    let again = try await ledger.claiming(Self.offer("a", row.shown))
    #expect((again.term != nil) == row.mayTry)
    if !row.mayTry { #expect(again == .standing(.rejected(.insufficientFunds))) }
  }

  @Test("a settled payment's receipt comes back exactly, each time", arguments: Backend.allCases)
  func receipts(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let receipt = Receipt(
      fields: [.init("PAYMENT-RESPONSE", "eyJ4Ijox:3:\u{e9}"), .init("X-PAYMENT-RESPONSE", "")],
      transaction: "0xabc")
    let term = try #require(try await ledger.claiming(Self.offer("a", Self.secret), sending: true).term)
    let grant = try #require(try await ledger.concluding(term, .settled([], receipt: receipt)).grant)
    #expect(grant.receipt == receipt)
    #expect(try await ledger.standing(of: Self.offer("a", Self.secret)) == .granted(grant))
    guard
      case .taken(_, let taken) = try await ledger.take(
        UseRequest(serial: grant.serial, request: nil, lease: lease))
    else { throw Outage.lost }
    #expect(taken.receipt == receipt)
    #expect(taken.payer == "0xpayer")
    #expect(try await ledger.payment(PaymentID("a"))?.ending.receipt == receipt)
  }

  // MARK: Top-up

  private static func topUp(
    _ id: String, onto serial: Serial, tariff: Tariff = tenForOne, scope: GrantScope = paid,
    trust: Trust = .settlement
  ) -> Reservation {
    var offer = Self.offer(id, .payload)
    offer.trust = trust
    return Reservation(payment: offer, scope: scope, tariff: tariff, lease: lease, onto: serial)
  }

  private static func settle(_ reservation: Reservation, in ledger: TransactionalLedger) async throws
    -> Standing
  {
    switch try await ledger.claim(reservation) {
    case .standing(let standing): return Standing(standing)
    case .claimed(let claim):
      let name = reservation.payment.id.text
      return try await ledger.concluding(
        claim.term, .settled([piece(name, 10)], receipt: Receipt(fields: [.init("R", name)])))
    }
  }

  @Test("a top-up adds uses to the one grant, and bears it too", arguments: Backend.allCases)
  func topUpUses(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let base = try await ledger.granted(payment("a"))
    let grant = try #require(try await Self.settle(Self.topUp("b", onto: base.serial), in: ledger).grant)
    #expect(grant.serial == base.serial)
    #expect(grant.uses == 2)
    #expect(grant.payment == PaymentID("b"))
    #expect(grant.receipt?.fields == [.init("R", "b")])
    #expect(try await ledger.standing(of: Self.offer("b", .payload)) == .granted(grant))
    #expect(try await ledger.standing(of: payment("a")).grant?.payment == PaymentID("a"))
    #expect(try await ledger.taking(base.serial, "r") == .taken(0, attempt: 1))
    #expect(try await ledger.taking(base.serial, "s") == .taken(1, attempt: 1))
    #expect(try await ledger.taking(base.serial, "t") == .delivering)
    let trusted = Self.topUp("c", onto: base.serial, trust: .reservation(limit: 10, beyond: .refuse))
    #expect(try await Self.settle(trusted, in: ledger).grant?.uses == 3)
    #expect(try await ledger.reconcile().differences == [])
  }

  @Test("a top-up adds time to what is left, or from now", arguments: Backend.allCases)
  func topUpTime(backend: Backend) async throws {
    let bench = try Bench(backend)
    let ledger = try bench.open()
    let base = try await ledger.granted(payment("a"), tariff: Self.hour)
    let start = bench.clock.now()
    bench.clock.advance(by: .seconds(600))
    let longer = try await Self.settle(Self.topUp("b", onto: base.serial, tariff: Self.hour), in: ledger)
    #expect(longer.grant?.end == start + .seconds(7200))
    bench.clock.advance(by: .seconds(7200))
    let anew = try await Self.settle(Self.topUp("c", onto: base.serial, tariff: Self.hour), in: ledger)
    #expect(anew.grant?.end == bench.clock.now() + .seconds(3600))
  }

  @Test("what cannot be topped up is refused before any money moves", arguments: Backend.allCases)
  func topUpRefused(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let base = try await ledger.granted(payment("a"))
    let refused = [
      Self.topUp("b", onto: Serial(1)), Self.topUp("b", onto: base.serial, scope: other),
      Self.topUp("b", onto: base.serial, tariff: Self.hour),
    ]
    for reservation in refused {
      await #expect(throws: Outage.self) { try await Self.settle(reservation, in: ledger) }
    }
    #expect(try await ledger.revoke(base.serial) == .revoked)
    await #expect(throws: Outage.self) {
      try await Self.settle(Self.topUp("b", onto: base.serial), in: ledger)
    }
    #expect(try await ledger.payment(PaymentID("b")) == nil)
    #expect(try await ledger.exposed == 0)
  }

  @Test("a top-up of what is revoked meanwhile becomes a grant of its own", arguments: Backend.allCases)
  func topUpRevokedMeanwhile(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    let base = try await ledger.granted(payment("a"))
    guard case .claimed(let claim) = try await ledger.claim(Self.topUp("b", onto: base.serial)) else {
      throw Outage.lost
    }
    #expect(try await ledger.revoke(base.serial) == .revoked)
    let grant = try #require(try await ledger.concluding(claim.term, .settled([piece("b", 10)])).grant)
    #expect(grant.serial != base.serial)
    #expect(try await ledger.taking(grant.serial) == .taken(0, attempt: 1))
    #expect(try await ledger.reconcile().differences == [])
  }

  // MARK: Revocation

  @Test(
    "a grant revoked by its payment, or its top-up's, is not had again by presenting it",
    arguments: Backend.allCases, ["a", "b"])
  func revoked(backend: Backend, by payment: String) async throws {
    let ledger = try Bench(backend).open()
    let base = try await ledger.granted(StoreTests.payment("a", value: 30))
    _ = try await Self.settle(Self.topUp("b", onto: base.serial), in: ledger)
    #expect(try await ledger.taking(base.serial, "r") == .taken(0, attempt: 1))
    #expect(try await ledger.revoke(payment: PaymentID(payment)) == .revoked)
    #expect(try await ledger.revoke(payment: PaymentID(payment)) == .revoked)
    #expect(try await ledger.standing(of: StoreTests.payment("a")).grant?.revoked == .revoked)
    #expect(try await ledger.taking(base.serial, "r") == .revoked)
    #expect(try await ledger.taking(base.serial, "s") == .revoked)
    #expect(try await ledger.revocations(limit: 10) == [base.serial])
  }

  @Test("a payment that bought nothing cannot be revoked", arguments: Backend.allCases)
  func notRevoked(backend: Backend) async throws {
    let ledger = try Bench(backend).open()
    _ = try await ledger.claiming(payment("a"))
    #expect(try await ledger.revoke(payment: PaymentID("a")) == .missing)
    #expect(try await ledger.revoke(payment: PaymentID("b")) == .missing)
  }
}
