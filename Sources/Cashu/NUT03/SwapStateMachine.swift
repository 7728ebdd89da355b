/// What to do next about one swap, from what the mint has said so far; a pure value.
///
/// The rules (measured at real mints; NUT-03, NUT-07, NUT-09):
/// 1. A time-out or a lost connection says nothing. Ask for our outputs back, then for the state of the
///    inputs.
/// 2. Our outputs signed *and* the inputs spent: the money is ours. Neither fact is enough alone: a state
///    says nothing about who spent, and a signature may be of an earlier life of the same counter.
/// 3. Inputs unspent and nothing signed: it did not happen. Send the same bytes again.
/// 4. Inputs spent and nothing signed: the payer spent them elsewhere.
/// 5. As long as no call of ours was lost, a refusal is the whole truth about ours: there is nothing to
///    restore.
/// 6. No error code alone decides about money.
struct SwapStateMachine: Sendable {
  enum Start: Sendable {
    /// Nothing was ever sent.
    case fresh
    /// A call may have gone out before this process took over.
    case maybeSent
  }

  enum Event: Sendable {
    case swapped([BlindSignature])
    case swapRefused(MintRefusal)
    case throttled(retryAfterSeconds: Int?)
    case swapSilent(MintSilence)
    /// One member per output.
    case restored([BlindSignature?])
    case restoreFailed
    /// One member per input.
    case states([ProofState])
    case statesFailed
  }

  enum Action: Sendable {
    case postSwap
    case askRestore
    case askStates
    case finish(Outcome)
  }

  enum Outcome: Sendable {
    case settled([BlindSignature])
    /// The payer spent these inputs elsewhere.
    case spent([Int])
    /// The mint will not have them, and has not spent them.
    case refused
    /// It did not happen and will not: the payer keeps the payment.
    case void(Void)
    /// An input is in a call, perhaps our own lost one.
    case pending
    case unknown
    case stuck(note: String)
  }

  enum Void: Sendable {
    case unreachable
    case throttled(retryAfterSeconds: Int?)
    /// Our own counter had been used before; the next plan has higher numbers.
    case outputsUsed
    case keysetChanged
    /// An input is in another call, which is not ours.
    case inUse
  }

  /// The first call and one more after it was found not to have happened; then the back-off of recovery takes
  /// over.
  private static let maxPosts = 2

  private let inputCount: Int
  /// Whether a call of ours may have been acted on without our knowing.
  private var mayHaveHappened: Bool
  private var posts = 0
  private var refusal: MintRefusal?
  private var restored: [BlindSignature?]?

  init(_ start: Start, inputCount: Int) {
    self.inputCount = inputCount
    self.mayHaveHappened = start == .maybeSent
  }

  mutating func begin() -> Action { self.mayHaveHappened ? .askRestore : self.post() }

  mutating func handle(_ event: Event) -> Action {
    switch event {
    case .swapped(let signatures): return .finish(.settled(signatures))
    case .swapRefused(let refusal):
      self.refusal = refusal
      return self.mayHaveHappened ? .askRestore : self.afterRefusal(refusal)
    case .throttled(let seconds): return .finish(self.notActedOn(.throttled(retryAfterSeconds: seconds)))
    case .swapSilent(.notSent): return .finish(self.notActedOn(.unreachable))
    case .swapSilent:
      self.mayHaveHappened = true
      return .askRestore
    case .restored(let signatures):
      self.restored = signatures
      return .askStates
    case .restoreFailed: return .finish(.unknown)
    case .states(let states): return self.judge(states)
    case .statesFailed: return .finish(self.notActedOn(.unreachable))
    }
  }

  private mutating func post() -> Action {
    self.posts += 1
    self.refusal = nil
    self.restored = nil
    return .postSwap
  }

  private func notActedOn(_ reason: Void) -> Outcome { self.mayHaveHappened ? .unknown : .void(reason) }

  /// Rule 5.
  private func afterRefusal(_ refusal: MintRefusal) -> Action {
    switch refusal {
    case .spent where self.inputCount == 1: .finish(.spent([0]))
    case .spent, .other: .askStates
    case .pending: .finish(.void(.inUse))
    case .alreadySigned: .finish(.void(.outputsUsed))
    case .keyset: .finish(.void(.keysetChanged))
    }
  }

  private mutating func judge(_ states: [ProofState]) -> Action {
    let signatures = (self.restored ?? []).compactMap { $0 }
    if states.contains(.pending) { return .finish(self.mayHaveHappened ? .pending : .void(.inUse)) }
    let isAllSpent = states.allSatisfy { $0 == .spent }
    if !signatures.isEmpty {
      // Rule 2. Outputs signed for inputs that are not spent are those of another swap.
      guard isAllSpent else { return .finish(.void(.outputsUsed)) }
      guard signatures.count == self.restored?.count else {
        return .finish(.stuck(note: "the mint restores only a part of the outputs of one swap"))
      }
      return .finish(.settled(signatures))
    }
    let spent = states.indices.filter { states[$0] == .spent }
    if !spent.isEmpty { return .finish(.spent(spent)) }
    return self.afterNothingHappened()
  }

  /// Rule 3: every input is unspent and no output is signed.
  private mutating func afterNothingHappened() -> Action {
    switch self.refusal {
    case .other: return .finish(.refused)
    case .keyset: return .finish(.void(.keysetChanged))
    case .alreadySigned: return .finish(.void(.outputsUsed))
    case nil, .spent, .pending:
      // The two refusals contradict the states: what stood in the way is over.
      return self.posts < Self.maxPosts ? self.post() : .finish(.unknown)
    }
  }
}
