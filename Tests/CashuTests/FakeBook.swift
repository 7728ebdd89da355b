import Cashu
import Gate
import Synchronization

/// A book with the treasury's side only: payments accepted on trust and what transfers make of them.
final class FakeBook: TreasuryBook {
  enum PaymentState: Equatable { case accepted, taken(PaymentID), settled, stuck(String) }

  struct Transfer {
    var draft: TransferDraft
    var counterStart: UInt64
    var state = "reserved"
  }

  private struct State {
    var payments: [AcceptedPayment] = []
    var states: [PaymentID: PaymentState] = [:]
    var transfers: [PaymentID: Transfer] = [:]
    var counters: [String: UInt64] = [:]
    var held: [Proceeds] = []
    var fees: UInt64 = 0
    /// Losses of a conclusion: the process dies before it is written down.
    var dies = 0
    var isOut = false
  }

  private let state = Mutex(State())

  // MARK: What a test sets and asks

  func accept(_ payment: VerifiedPayment, at moment: Timestamp) {
    self.state.withLock { state in
      state.payments.append(
        AcceptedPayment(
          payment: payment.id, method: payment.method, counterpart: payment.counterpart, value: payment.value,
          plan: payment.plan, accepted: moment))
      state.states[payment.id] = .accepted
    }
  }

  func dieAtConclusion() { self.state.withLock { $0.dies += 1 } }
  func setOut(_ isOut: Bool) { self.state.withLock { $0.isOut = isOut } }
  func standing(of payment: PaymentID) -> PaymentState? { self.state.withLock { $0.states[payment] } }
  var held: [Proceeds] { self.state.withLock { $0.held } }
  var heldValue: UInt64 { self.held.reduce(0) { $0 + $1.value.value } }
  var fees: UInt64 { self.state.withLock { $0.fees } }
  var transferStates: [String] { self.state.withLock { $0.transfers.values.map(\.state).sorted() } }

  /// A stored transfer as recovery gets it.
  func stored() -> [SettlementPlan] {
    self.state.withLock { state in
      state.transfers.values.filter { ["settling", "unknown"].contains($0.state) }.map { transfer in
        SettlementPlan(
          payment: transfer.draft.id, value: transfer.draft.value, counterpart: transfer.draft.counterpart,
          plan: transfer.draft.plan, counterStarts: [transfer.counterStart], progress: .maybeSent)
      }
    }
  }

  func claim(for transfer: PaymentID) -> Claim {
    let start = self.state.withLock { $0.transfers[transfer]?.counterStart ?? 0 }
    return Claim(term: ClaimTerm(payment: transfer, number: 1), counterStarts: [start]) {
      step throws(Outage) in
      try self.record(step, of: transfer)
    }
  }

  private func record(_ step: Claim.Step, of transfer: PaymentID) throws(Outage) {
    try self.check()
    self.state.withLock { state in
      switch step {
      case .sending: state.transfers[transfer]?.state = "settling"
      case .progressed(let plan): state.transfers[transfer]?.draft.plan = plan
      }
    }
  }

  private func check() throws(Outage) {
    if self.state.withLock({ $0.isOut }) { throw Outage(.outage, "the book is out") }
  }

  // MARK: The book

  func acceptedPayments(of counterpart: String, limit: Int) async throws(Outage) -> [AcceptedPayment] {
    try self.check()
    return self.state.withLock { state in
      Array(
        state.payments.filter { $0.counterpart == counterpart && state.states[$0.payment] == .accepted }
          .prefix(limit))
    }
  }

  func begin(_ transfer: TransferDraft) async throws(Outage) -> ClaimOutcome {
    try self.check()
    let isFree = self.state.withLock { state in
      guard transfer.payments.allSatisfy({ state.states[$0] == .accepted }) else { return false }
      for payment in transfer.payments { state.states[payment] = .taken(transfer.id) }
      let counter = transfer.counters[0]
      let start = state.counters[counter.name, default: 0]
      state.counters[counter.name] = start + UInt64(counter.count)
      state.transfers[transfer.id] = Transfer(draft: transfer, counterStart: start)
      return true
    }
    guard isFree else { return .standing(.inFlight(transfer.id)) }
    return .claimed(self.claim(for: transfer.id))
  }

  func conclude(_ term: ClaimTerm, with settlement: Settlement) async throws(Outage) -> PaymentStanding {
    let dies = self.state.withLock { state in
      defer { state.dies = max(0, state.dies - 1) }
      return state.dies > 0
    }
    if dies { throw Outage(.outage, "the process died") }
    self.state.withLock { state in
      guard let transfer = state.transfers[term.payment] else { return }
      switch settlement {
      case .transferred(let effect): Self.write(effect, of: transfer, in: &state)
      case .void, .notSent:
        for payment in transfer.draft.payments { state.states[payment] = .accepted }
        state.transfers[term.payment]?.state = "void"
      case .unknown: state.transfers[term.payment]?.state = "unknown"
      case .stuck: state.transfers[term.payment]?.state = "stuck"
      case .settled, .rejected: preconditionFailure("no end of a transfer")
      }
    }
    return .inFlight(term.payment)
  }

  private static func write(_ effect: TransferEffect, of transfer: Transfer, in state: inout State) {
    let lost = transfer.draft.payments.filter { effect.lost[$0] != nil }
    let lostValue = state.payments.filter { lost.contains($0.payment) }.reduce(0) { $0 + $1.value.value }
    let kept = effect.kept.reduce(0) { $0 + $1.value.value }
    precondition(transfer.draft.value.value == kept + effect.left + effect.fee + lostValue, "a sum is wrong")
    for payment in transfer.draft.payments {
      state.states[payment] = effect.lost[payment].map { .stuck($0) } ?? .settled
    }
    let known = Set(state.held.map(\.nullifier))
    state.held += effect.kept.filter { !known.contains($0.nullifier) }
    state.fees += effect.fee
    state.transfers[transfer.draft.id]?.state = "settled"
  }

  // MARK: What no redemption asks

  private static var absent: Outage { Outage(.outage, "not in this book") }

  func pieces(of counterpart: String, in unit: Amount.Unit, limit: Int) async throws(Outage) -> [Proceeds] {
    throw Self.absent
  }
  func recordFound(_ proceeds: [Proceeds]) async throws(Outage) -> FoundMoney { throw Self.absent }
  func raise(counter name: String, to next: UInt64) async throws(Outage) { throw Self.absent }
  func next(of counter: String) async throws(Outage) -> UInt64 { throw Self.absent }
  func exported(in transfer: PaymentID) async throws(Outage) -> [Proceeds] { throw Self.absent }
  func standing(of payment: VerifiedPayment, scope: GrantScope) async throws(Outage) -> PaymentStanding {
    throw Self.absent
  }
  func claim(_ reservation: Reservation) async throws(Outage) -> ClaimOutcome { throw Self.absent }
  func resume(_ payment: PaymentID) async throws(Outage) -> ResumeOutcome { throw Self.absent }
  func take(_ request: UseRequest) async throws(Outage) -> UseOutcome { throw Self.absent }
  func report(_ use: TakenUse, _ delivery: UseDelivery) async throws(Outage) { throw Self.absent }
  func due(limit: Int) async throws(Outage) -> [DuePayment] { throw Self.absent }
  func revocations(limit: Int) async throws(Outage) -> [Serial] { throw Self.absent }
  func count(_ event: MeterEvent) async throws(Outage) -> MeterReading { throw Self.absent }
  func account(of payment: PaymentID) async throws(Outage) -> PaymentAccount? { throw Self.absent }
}
