import Gate
import Store
import TestKit
import Testing

let mint = "https://mint.example"

/// A payment that is granted on trust.
func trusted(
  _ id: String, _ nullifiers: [String]? = nil, value: UInt64 = 10, limit: UInt64 = 1_000,
  beyond: Trust.Overdraft = .refuse
) -> VerifiedPayment {
  var offer = payment(id, nullifiers, value: value)
  offer.trust = .reservation(limit: limit, beyond: beyond)
  return offer
}

func transfer(
  _ id: String, _ kind: TransferDraft.Kind = .export, value: UInt64, payments: [String] = [],
  pieces: [Proceeds] = [], counters: [CounterRequest] = []
) -> TransferDraft {
  TransferDraft(
    id: PaymentID(id), kind: kind, method: .cashu, counterpart: mint, value: Amount(value, .sat),
    payments: payments.map { PaymentID($0) }, pieces: pieces.map(\.nullifier),
    plan: Array("plan of \(id)".utf8),
    counters: counters, lease: lease)
}

extension TransactionalLedger {
  func beginning(_ draft: TransferDraft, sending: Bool = true) async throws -> Claimed {
    switch try await self.begin(draft) {
    case .standing(let standing): return .standing(Standing(standing))
    case .claimed(let claim):
      if sending { try await claim.willSend() }
      return .claimed(claim.term, starts: claim.counterStarts)
    }
  }

  /// Takes a payment for each piece, which the mint keeps nothing of.
  func holding(_ pieces: [Proceeds]) async throws {
    for piece in pieces {
      let offer = StoreTests.payment(
        "for \(String(decoding: piece.bearer, as: UTF8.self))", value: piece.value.value)
      let oneForOne = Tariff(prices: [Amount(1, .sat)], terms: .uses(1))
      let term = try #require(try await self.claiming(offer, tariff: oneForOne, sending: true).term)
      _ = try await self.concluding(term, .settled([piece]))
    }
  }

  var held: UInt64 {
    get async throws { try await self.balances().reduce(0) { $0 + $1.amount.value } }
  }

  var locked: UInt64 {
    get async throws { try await self.balances().reduce(0) { $0 + $1.locked } }
  }

  var exposed: UInt64 {
    get async throws { try await self.exposure().reduce(0) { $0 + $1.amount.value } }
  }

  func state(_ id: String) async throws -> PaymentState? { try await self.payment(PaymentID(id))?.state }
}
