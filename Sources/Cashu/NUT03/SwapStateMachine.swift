internal import Outbound

/// What to do next about one swap, from what the mint has said so far; a pure value.
///
/// The rules (measured at real mints; NUT-03, NUT-07, NUT-09):
/// 1. A time-out or a lost connection says nothing. Ask for our outputs back, then for the state of the
///    inputs.
/// 2. Our outputs signed *and* the inputs spent: the money is ours. Neither fact is enough alone: a state
///    says nothing about who spent, and a signature may be of an earlier life of the same counter.
/// 3. Inputs unspent and nothing signed: it did not happen. Send the same bytes again.
/// 4. Inputs spent and nothing signed *after* they were seen spent: the payer spent them elsewhere. A restore that was
///    asked before proves nothing: our own call may still have been under way in the mint.
/// 5. As long as no call of ours was lost, a refusal of unspent inputs is the whole truth about ours: there is
///    nothing to restore. After a lost one it ends nothing in the same run, for the lost call may still come through.
/// 6. No error code alone decides about money, but for one: "spent", said to the first call ever made. Inputs that are
///    spent after any other refusal may have been spent by the call that was refused: mints fail after the act too.
/// 7. Signatures that are not valid are no answer. What a mint holds without giving good ones is asked for
///    again, and is for a person to look at when that does not end.
struct SwapStateMachine: Sendable {
  enum Start: Sendable {
    /// Nothing was ever sent.
    case fresh
    /// A call may have gone out before this process took over.
    case maybeSent
  }

  /// What a mint gives back of the outputs of one swap (NUT-09).
  enum Restored: Sendable {
    case nothing
    case all([UnverifiedProof])
    case part
    /// A signature that is not for what was asked, or not by the mint's key.
    case invalid
  }

  enum Event: Sendable {
    /// With signatures that are valid; others are silence.
    case swapped([UnverifiedProof])
    case swapRefused(MintRefusal)
    case throttled(retryAfterSeconds: Int?)
    case swapSilent(Silence)
    case restored(Restored)
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
    case settled([UnverifiedProof])
    /// The payer spent inputs elsewhere: these, or none where the mint did not say which.
    case spent([Int])
    /// The mint will not have them, and has not spent them.
    case refused
    /// It did not happen and will not: the payer keeps the payment.
    case void(Void)
    /// The mint has the inputs, perhaps by our own lost call, and gives nothing good for them yet.
    case held(String)
    case unknown
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
  /// A call of this run was lost.
  private var hasLost = false
  private var posts = 0
  private var refusal: MintRefusal?
  private var restored = Restored.nothing
  /// The inputs were seen spent before the last restore was asked.
  private var sawSpent = false

  init(_ start: Start, inputCount: Int) {
    self.inputCount = inputCount
    self.mayHaveHappened = start == .maybeSent
  }

  mutating func begin() -> Action { self.mayHaveHappened ? .askRestore : self.post() }

  mutating func handle(_ event: Event) -> Action {
    switch event {
    case .swapped(let proofs): return .finish(.settled(proofs))
    case .swapRefused(let refusal):
      self.refusal = refusal
      return self.mayHaveHappened ? .askRestore : self.afterRefusal(refusal)
    case .throttled(let seconds): return .finish(self.notActedOn(.throttled(retryAfterSeconds: seconds)))
    case .swapSilent(.notSent): return .finish(self.notActedOn(.unreachable))
    case .swapSilent:
      self.mayHaveHappened = true
      self.hasLost = true
      return .askRestore
    case .restored(let restored):
      self.restored = restored
      return .askStates
    case .restoreFailed: return .finish(.unknown)
    case .states(let states): return self.judge(states)
    case .statesFailed: return .finish(self.notActedOn(.unreachable))
    }
  }

  private mutating func post() -> Action {
    self.posts += 1
    self.refusal = nil
    self.restored = .nothing
    self.sawSpent = false
    return .postSwap
  }

  private func notActedOn(_ reason: Void) -> Outcome { self.mayHaveHappened ? .unknown : .void(reason) }

  /// Rules 5 and 6.
  private func afterRefusal(_ refusal: MintRefusal) -> Action {
    switch refusal {
    // Which of several is not asked: who sends one spent token a thousand times causes one call.
    case .spent: .finish(.spent(self.inputCount == 1 ? [0] : []))
    case .other: .askStates
    case .pending: .finish(.void(.inUse))
    case .alreadySigned: .finish(.void(.outputsUsed))
    case .keyset: .finish(.void(.keysetChanged))
    }
  }

  private mutating func judge(_ states: [ProofState]) -> Action {
    if states.contains(.pending) {
      return .finish(self.mayHaveHappened ? .held("calls inputs pending") : .void(.inUse))
    }
    let isAllSpent = states.allSatisfy { $0 == .spent }
    switch self.restored {
    // Rule 2.
    case .all(let proofs) where isAllSpent: return .finish(.settled(proofs))
    case .part where isAllSpent:
      return .finish(.held("restores only a part of the outputs of one swap"))
    case .all, .part: return self.afterSignedForNothing()
    case .invalid:
      return .finish(isAllSpent ? .held("gives signatures that are not valid") : .unknown)
    case .nothing:
      let spent = states.indices.filter { states[$0] == .spent }
      guard !spent.isEmpty else { return self.afterNothingHappened() }
      guard !self.sawSpent else { return .finish(.spent(spent)) }
      self.sawSpent = true
      return .askRestore
    }
  }

  /// Outputs are signed, and inputs are not spent: those of another swap, once the mint says so to ours. No bytes of ours
  /// can be acted on then, neither these nor those that were lost.
  private mutating func afterSignedForNothing() -> Action {
    guard self.mayHaveHappened else { return .finish(.void(.outputsUsed)) }
    switch self.refusal {
    case nil: return self.posts < Self.maxPosts ? self.post() : .finish(.unknown)
    case .alreadySigned: return .finish(self.lasting(.void(.outputsUsed)))
    case .spent, .pending, .keyset, .other: return .finish(.unknown)
    }
  }

  /// Rule 3: every input is unspent and no output is signed.
  private mutating func afterNothingHappened() -> Action {
    switch self.refusal {
    case .other: return .finish(self.lasting(.refused))
    case .keyset: return .finish(self.lasting(.void(.keysetChanged)))
    // Signed, and not to be had: the mint contradicts itself about a call that may be ours.
    case .alreadySigned: return .finish(self.mayHaveHappened ? .unknown : .void(.outputsUsed))
    case nil, .spent, .pending:
      // The two refusals contradict the states: what stood in the way is over.
      return self.posts < Self.maxPosts ? self.post() : .finish(.unknown)
    }
  }

  /// Rule 5: what a later run would find is not yet known in the one that lost a call.
  private func lasting(_ outcome: Outcome) -> Outcome { self.hasLost ? .unknown : outcome }
}
