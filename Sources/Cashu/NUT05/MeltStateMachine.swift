internal import Outbound

/// What to do next about one melt, from what the mint has said so far; a pure value.
///
/// The rules (NUT-05, NUT-07, NUT-08, NUT-09; measured at a real mint that is killed meanwhile):
/// 1. A time-out, a lost connection and a refusal alike say nothing of the payment: the quote's state is asked.
/// 2. Paid *and* our inputs spent: it is done, and what was overpaid is asked back by our blank outputs.
/// 3. Pending: it is on its way. It is asked again, and never sent again under another quote.
/// 4. Unpaid *and* our inputs unspent: it did not happen. In the same run the same bytes go once more, because the lost
///    call may still arrive there; a later run lets it be, because whoever waited may have paid otherwise since.
/// 5. Inputs spent under a quote that is not paid were spent elsewhere.
/// 6. While a call of ours may still be under way in the mint, none of its answers is of one moment with the next: what
///    would end it otherwise than by rule 2 is looked at some more times, with a pause before each. So is change that is
///    not there: mints sign it after they have called the quote paid.
struct MeltStateMachine: Sendable {
  enum Start: Sendable {
    /// Nothing was ever sent.
    case fresh
    /// A call may have gone out before this process took over.
    case maybeSent
  }

  enum Event: Sendable {
    /// With change that is valid.
    case paid(change: [UnverifiedProof], preimage: String?)
    /// The mint took the call, and the payment is not through.
    case accepted
    case meltRefused(MintRefusal)
    case throttled(retryAfterSeconds: Int?)
    case meltSilent(Silence)
    case quote(MeltQuote.State, preimage: String?)
    /// The mint knows no such quote.
    case quoteMissing
    case quoteFailed
    case restored(change: [UnverifiedProof])
    /// A signature that is not by the mint's key.
    case restoreInvalid
    case restoreFailed
    /// One member per input.
    case states([ProofState])
    case statesFailed
    case waited
  }

  enum Action: Sendable {
    case postMelt
    case askQuote
    case askRestore
    case askStates
    /// Wait a little, then `waited`.
    case wait
    case finish(Outcome)
  }

  enum Outcome: Sendable {
    case paid(change: [UnverifiedProof], preimage: String?)
    /// These inputs were spent elsewhere.
    case spent([Int])
    /// It did not happen and will not: the money is still held.
    case void(Void)
    /// The mint has the inputs and gives nothing good for them yet.
    case held(String)
    /// On its way, or nobody answers.
    case unknown
  }

  enum Void: Sendable {
    case unreachable
    case throttled(retryAfterSeconds: Int?)
    /// The mint gave up: no route, an expired quote, an invoice paid before.
    case refused(MintRefusal?)
  }

  /// The first call and one more after it was found not to have happened.
  private static let maxPosts = 2
  /// With the runner's pauses some twenty seconds; then recovery's back-off takes over.
  private static let maxWaits = 20
  /// Rule 6.
  private static let maxDoubts = 3

  private let inputCount: Int
  private let blankCount: UInt32
  private let startedFresh: Bool
  private var mayHaveHappened: Bool
  private var posts = 0
  private var waits = 0
  private var doubts = 0
  private var looksForChange = 0
  private var refusal: MintRefusal?
  private var state: MeltQuote.State?
  private var preimage: String?

  /// - Parameter blankCount: outputs that change may come in.
  init(_ start: Start, inputCount: Int, blankCount: UInt32) {
    self.inputCount = inputCount
    self.blankCount = blankCount
    self.startedFresh = start == .fresh
    self.mayHaveHappened = start == .maybeSent
  }

  mutating func begin() -> Action { self.mayHaveHappened ? .askQuote : self.post() }

  mutating func handle(_ event: Event) -> Action {
    switch event {
    case .paid(let change, let preimage): return .finish(.paid(change: change, preimage: preimage))
    case .accepted:
      self.mayHaveHappened = true
      return self.waitOrStop()
    case .meltRefused(let refusal):
      self.refusal = refusal
      return .askQuote
    case .throttled(let seconds): return .finish(self.notActedOn(.throttled(retryAfterSeconds: seconds)))
    case .meltSilent(.notSent): return .finish(self.notActedOn(.unreachable))
    case .meltSilent:
      self.mayHaveHappened = true
      return .askQuote
    case .quote(let state, let preimage): return self.judge(state, preimage)
    case .quoteMissing:
      self.state = nil
      return .askStates
    case .quoteFailed: return .finish(.unknown)
    case .restored(let change):
      guard change.isEmpty, self.blankCount > 0, self.looksForChange < Self.maxDoubts else {
        return .finish(.paid(change: change, preimage: self.preimage))
      }
      self.looksForChange += 1
      return .wait
    case .restoreInvalid: return .finish(.held("gives change that is not valid"))
    case .restoreFailed: return .finish(.unknown)
    case .states(let states): return self.judge(states)
    case .statesFailed: return .finish(.unknown)
    case .waited: return self.looksForChange > 0 ? .askRestore : .askQuote
    }
  }

  private mutating func post() -> Action {
    self.posts += 1
    self.refusal = nil
    return .postMelt
  }

  private func notActedOn(_ reason: Void) -> Outcome { self.mayHaveHappened ? .unknown : .void(reason) }

  private mutating func waitOrStop() -> Action {
    guard self.startedFresh, self.waits < Self.maxWaits else { return .finish(.unknown) }
    self.waits += 1
    return .wait
  }

  /// Rule 6; nil when it was looked at often enough.
  private mutating func lookAgain() -> Action? {
    guard self.mayHaveHappened, self.doubts < Self.maxDoubts else { return nil }
    self.doubts += 1
    return .wait
  }

  private mutating func judge(_ state: MeltQuote.State, _ preimage: String?) -> Action {
    self.state = state
    self.preimage = preimage
    switch state {
    case .pending:
      self.mayHaveHappened = true
      return self.waitOrStop()
    case .paid, .unpaid: return .askStates
    }
  }

  private mutating func judge(_ states: [ProofState]) -> Action {
    let spent = states.indices.filter { states[$0] == .spent }
    let isAllSpent = spent.count == self.inputCount
    if self.state == .paid {
      // Rule 2. A quote that somebody else paid has left our inputs alone.
      if isAllSpent { return .askRestore }
      if states.contains(.pending) { return .finish(.held("calls inputs of a paid quote pending")) }
      return self.lookAgain() ?? .finish(spent.isEmpty ? .void(.refused(self.refusal)) : .spent(spent))
    }
    if states.contains(.pending) { return .finish(.held("calls inputs of an unpaid quote pending")) }
    // Rule 5; a mint that forgot the quote can no longer say for what.
    if !spent.isEmpty {
      guard self.state != nil else { return .finish(.held("spent inputs under a quote it does not know")) }
      return self.lookAgain() ?? .finish(.spent(spent))
    }
    let isLost = self.refusal == nil && self.startedFresh
    if isLost, self.state == .unpaid {
      return self.posts < Self.maxPosts ? self.post() : .finish(.unknown)
    }
    return self.lookAgain() ?? .finish(.void(.refused(self.refusal)))
  }
}
