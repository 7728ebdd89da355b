import Foundation
import Gate
import Store
import TestKit
import Testing

/// Where a contract test keeps its rows.
enum Backend: String, CaseIterable, Sendable { case memory, sqlite, postgresql }

/// One book, and as many processes on it as a test opens.
final class Bench: Sendable {
  let clock = ManualClock()
  private let place: Place

  private enum Place {
    case memory(MemoryBook)
    case sqlite(TemporaryDirectory)
    case postgresql(url: String)
  }

  init(_ backend: Backend) throws {
    self.place =
      switch backend {
      case .memory: .memory(MemoryBook())
      case .sqlite: .sqlite(try TemporaryDirectory())
      case .postgresql: .postgresql(url: try PostgreSQLServer.shared.get().makeDatabase())
      }
  }

  /// Another process on the same book; it dies when the last reference to its ledger goes.
  func open() throws -> TransactionalLedger {
    switch self.place {
    case .memory(let book): MemoryLedger.make(clock: self.clock, book: book)
    case .sqlite(let directory):
      try SQLiteLedger.open(
        at: directory.path + "/book.db", clock: Anchor(clock: self.clock, directory: directory))
    case .postgresql(let url):
      try PostgreSQLLedger.open(url: url, clock: self.clock, limits: .test)
    }
  }

  /// Keeps the directory as long as a ledger needs it, also where a test drops its bench.
  private struct Anchor: TimeSource {
    let clock: ManualClock
    let directory: TemporaryDirectory

    func now() -> Timestamp { self.clock.now() }
  }

  /// Waits until `witness` has proof that `owner`, whose ledger was dropped, is dead.
  func death(of owner: Owner, seenBy witness: TransactionalLedger) async throws {
    for _ in 0..<10_000 {
      if try await witness.store.read({ rows in rows.liveness(of: owner) }) == .dead { return }
      try await Task.sleep(for: .milliseconds(1))
    }
    Issue.record("The owner is still alive.")
  }
}

/// A directory that goes with its test.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    self.path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: self.path) }
}

/// What a claim came to, in a form that can be compared and counted.
enum Claimed: Hashable, Sendable {
  case claimed(ClaimTerm, starts: [UInt64])
  case standing(Standing)

  var term: ClaimTerm? { if case .claimed(let term, _) = self { term } else { nil } }
}

/// A ``PaymentStanding`` that can be compared.
enum Standing: Hashable, Sendable {
  case unseen
  case granted(GrantRecord)
  case otherRoute(PaymentID)
  case notBearer(GrantRecord)
  case nameTaken(PaymentID)
  case inFlight(PaymentID)
  case unknown(PaymentID, dueIn: Duration)
  case stuck(PaymentID)
  case rejected(Rejection)
  case transferred(PaymentID)

  init(_ standing: PaymentStanding) {
    self =
      switch standing {
      case .unseen: .unseen
      case .granted(let grant): .granted(grant)
      case .otherRoute(let id): .otherRoute(id)
      case .notBearer(let grant): .notBearer(grant)
      case .nameTaken(let id): .nameTaken(id)
      case .inFlight(let id): .inFlight(id)
      case .unknown(let id, let dueIn): .unknown(id, dueIn: dueIn)
      case .stuck(let id): .stuck(id)
      case .rejected(let rejection): .rejected(rejection)
      case .transferred(let id): .transferred(id)
      }
  }

  var grant: GrantRecord? { if case .granted(let grant) = self { grant } else { nil } }
}

let paid = GrantScope(route: RouteID("/paid/**"), host: "shop.example")
let other = GrantScope(route: RouteID("/other/**"), host: "shop.example")
let tenForOne = Tariff(prices: [Amount(10, .sat)], terms: .uses(1))
let lease: Duration = .seconds(59)

func payment(
  _ id: String, _ nullifiers: [String]? = nil, value: UInt64 = 10, counters: [CounterRequest] = []
) -> VerifiedPayment {
  VerifiedPayment(
    id: PaymentID(id), method: .cashu, nullifiers: (nullifiers ?? [id]).map { Nullifier(Array($0.utf8)) },
    value: Amount(value, .sat), counterpart: "https://mint.example", plan: Array("plan of \(id)".utf8),
    counters: counters)
}

func piece(_ name: String, _ value: UInt64, series: String = "00aa") -> Proceeds {
  Proceeds(
    counterpart: "https://mint.example", series: series, value: Amount(value, .sat),
    nullifier: Nullifier(Array("new \(name)".utf8)), bearer: Array("secret \(name)".utf8))
}

extension TransactionalLedger {
  func claiming(
    _ payment: VerifiedPayment, scope: GrantScope = paid, tariff: Tariff = tenForOne, sending: Bool = false
  ) async throws -> Claimed {
    let outcome = try await self.claim(
      Reservation(payment: payment, scope: scope, tariff: tariff, lease: StoreTests.lease))
    switch consume outcome {
    case .standing(let standing): return .standing(Standing(standing))
    case .claimed(let claim):
      if sending { try await claim.willSend() }
      return .claimed(claim.term, starts: claim.counterStarts)
    }
  }

  func resuming(_ id: String) async throws -> (Claimed, SettlementPlan?) {
    switch try await self.resume(PaymentID(id)) {
    case .standing(let standing): return (.standing(Standing(standing)), nil)
    case .resumed(let resumption):
      let plan = resumption.plan
      let claim = resumption.take()
      return (.claimed(claim.term, starts: claim.counterStarts), plan)
    }
  }

  func concluding(_ term: ClaimTerm, _ settlement: Settlement) async throws -> Standing {
    Standing(try await self.conclude(term, with: settlement))
  }

  func standing(of payment: VerifiedPayment, scope: GrantScope = paid) async throws -> Standing {
    Standing(try await self.standing(of: payment as VerifiedPayment, scope: scope) as PaymentStanding)
  }

  /// Pays, settles, and returns the grant.
  func granted(_ payment: VerifiedPayment, tariff: Tariff = tenForOne, scope: GrantScope = paid) async throws
    -> GrantRecord
  {
    let term = try #require(
      try await self.claiming(payment, scope: scope, tariff: tariff, sending: true).term)
    return try #require(try await self.concluding(term, .settled([piece(payment.id.text, 10)])).grant)
  }
}

extension Outage { static let lost = Outage(.unknown, "no answer") }
