internal import Gate

/// What to do next about one settlement, from what facilitators and the chain have said so far; a pure value.
///
/// The rules (x402 V2 §7; measured at the SDK's facilitator, 2.25):
/// 1. `/verify` moves nothing: a refusal there is the payer's to mend, and without an answer the next
///    facilitator is asked.
/// 2. `/settle` is asked of the next facilitator only when the one before has not looked at the call.
/// 3. A refusal of `/settle` ends it only if it was judged before anything was sent, and no earlier call may
///    have been acted on: of a payment that is settled, a second `/settle` "fails" too.
/// 4. Everything else (time-out, 5xx, HTML, another shape, `invalid_transaction_state`, `transaction_failed`,
///    a used nonce, any reason that we do not know) leaves it open: only a success or the chain closes it.
/// 5. What is open is sent again, the same body to the same facilitator: the nonce allows one transfer,
///    whatever becomes of all the calls (V2 §9), and a payer who is told nothing may sign a second one. Where
///    there is a node, it is asked before.
/// 6. Sending again waits longer each time, ends with the payment's time or after a number of calls, and goes
///    on in later runs: one run stays as long as a request can wait for it.
/// 7. An unused nonce whose time is over on the chain ends it: nothing moved, nothing will.
/// 8. What can be neither sent again nor looked up is held, and shown to an operator.
///
/// | heard                               | nothing open before            | something open before          |
/// |-------------------------------------|--------------------------------|--------------------------------|
/// | (start)                             | verify                         | chain, else open               |
/// | (start, its time is over)           | refused                        | chain, else held               |
/// | verify: valid                       | settle                         | (not asked)                    |
/// | verify: invalid                     | refused                        | (not asked)                    |
/// | verify: no answer                   | next facilitator, else notSent | (not asked)                    |
/// | settle: success                     | settled                        | settled                        |
/// | settle: refused before sending      | refused                        | chain, else open               |
/// | settle: not looked at               | next facilitator, else notSent | chain, else open               |
/// | settle: pending, failed, no answer  | chain, else open               | chain, else open               |
/// | chain: our transfer                 |                                | settled                        |
/// | chain: cancelled, for another       |                                | refused as spent               |
/// | chain: unused, time over            |                                | void                           |
/// | chain: unused, named one reverted   |                                | refused if of the only call,   |
/// |                                     |                                | and that was answered; or open |
/// | chain: unused                       |                                | open                           |
/// | chain: used, not shown by what      |                                | open                           |
/// | chain: no answer                    |                                | open, and never held           |
///
/// | open, and then                      | a run may stay                 | its patience is over           |
/// |-------------------------------------|--------------------------------|--------------------------------|
/// | may be sent, and the wait is over   | settle                         | settle, if this run has not    |
/// | may be sent, otherwise              | pause, then chain, else open   | unknown, held when old         |
/// | may not, and there is a node        | pause, then chain              | unknown, held when old         |
/// | may not, and there is none          | held                           | held                           |
struct SettleStateMachine: Sendable {
  enum Start: Sendable, Equatable {
    /// Nothing was ever sent.
    case fresh
    /// A call may have gone out before this process took over.
    case maybeSent
  }

  /// The facilitators to ask, and what may be asked of the chain.
  struct Means: Sendable, Equatable {
    var facilitators: Int
    var hasChain: Bool
    var maxSends: Int
  }

  /// What the clock says when something was heard.
  struct Hour: Sendable, Equatable {
    /// The wait after the last call is over.
    var isResendDue = false
    /// Another call's transaction might come after the payment's end.
    var isTooLate = false
    /// This run has stayed as long as it may.
    var isPatienceOver = false
    /// An operator should not wait any longer.
    var isOld = false
  }

  enum Event: Sendable {
    /// With what the chain said meanwhile of the nonce.
    case verified(VerifyAnswer, isUsed: Bool)
    case settled(SettleAnswer)
    case found(ChainFinding)
    case paused
  }

  enum Action: Sendable, Equatable {
    case verify(facilitator: Int)
    case settle(facilitator: Int)
    case askChain
    /// About as long as a block takes.
    case pause
    case finish(Outcome)
  }

  enum Outcome: Sendable, Equatable {
    case settled(transaction: String)
    case refused(Rejection)
    case notSent(String)
    case void(String)
    case unknown(String)
    case held(String)
  }

  private let means: Means
  private(set) var facilitator = 0
  /// Calls of `/settle`, those of earlier processes included.
  private(set) var sends: Int
  /// As the facilitator named them.
  private(set) var transactions: [String]
  /// A call may have been acted on, and the answers do not tell by which transaction.
  private(set) var isUnheard: Bool
  /// Whether money may have moved.
  private var isOpen: Bool
  /// In this run.
  private var hasSent = false
  private var pauses = 0
  private var isNodeSilent = false
  /// Why it is open.
  private var why = "the answer of a settlement was lost"

  /// In one run, however the clock is set meanwhile.
  static let maxPauses = 64

  init(_ start: Start, means: Means, facilitator: Int = 0, trace: SettlePlan.Trace = SettlePlan.Trace()) {
    self.means = means
    self.facilitator = facilitator
    self.sends = trace.sends
    self.transactions = trace.transactions
    self.isOpen = start == .maybeSent
    // A process that died in a call did not hear its answer.
    self.isUnheard = start == .maybeSent && trace.isUnheard
  }

  mutating func begin(at hour: Hour) -> Action {
    if self.isOpen { return self.reconcile(hour) }
    // No matter of the offer's judgement: what was settled in time stays good for what is left of it.
    guard !hour.isTooLate else { return .finish(.refused(.expired)) }
    guard self.means.facilitators > 0 else { return .finish(.notSent("no facilitator serves this network")) }
    return .verify(facilitator: self.facilitator)
  }

  mutating func handle(_ event: Event, at hour: Hour) -> Action {
    switch event {
    case .verified(_, isUsed: true): return .finish(.refused(.spent))
    case .verified(.valid, _): return self.settle()
    case .verified(.invalid(let rejection), _): return .finish(.refused(rejection))
    case .verified(.none(let why), _): return self.next(why)
    case .settled(let answer): return self.handle(answer, hour)
    case .found(let finding): return self.handle(finding, hour)
    case .paused: return self.reconcile(hour)
    }
  }

  private mutating func handle(_ answer: SettleAnswer, _ hour: Hour) -> Action {
    switch answer {
    case .success(let transaction): return .finish(.settled(transaction: transaction))
    case .notActedOn(let why):
      guard self.isOpen else { return self.next(why) }
      self.why = "the facilitator \(why)"
    case .refused(let rejection):
      guard self.isOpen else { return .finish(.refused(rejection)) }
      self.why = "refused after an earlier call"
    case .pending(let transaction):
      self.isOpen = true
      self.note(transaction)
      self.why = "the facilitator calls the settlement pending"
    case .failed(let why, let transaction):
      self.isOpen = true
      self.note(transaction)
      self.why = "the facilitator \(why)"
    case .none(let why):
      self.isOpen = true
      self.isUnheard = true
      self.why = "the facilitator \(why)"
    }
    return self.reconcile(hour)
  }

  private mutating func handle(_ finding: ChainFinding, _ hour: Hour) -> Action {
    switch finding {
    case .paid(let transaction): return .finish(.settled(transaction: transaction))
    case .usedOtherwise: return .finish(.refused(.spent))
    case .overUnused: return .finish(.void("the payment's time ended and the chain never used it"))
    case .unused(reverted: true) where !self.isUnheard: return .finish(.refused(.invalid))
    case .unused: self.why = "sent \(self.sends) times, and the chain has not used it"
    case .unclear(let why): self.why = why
    case .silent: self.why = "the chain's node does not tell"
    }
    self.isNodeSilent = finding == .silent
    return self.stay(hour)
  }

  private mutating func note(_ transaction: String?) {
    guard let transaction, !self.transactions.contains(transaction) else { return }
    self.transactions.append(transaction)
  }

  private mutating func settle() -> Action {
    // One transaction that failed says nothing of another call's.
    if self.isOpen { self.isUnheard = true }
    self.sends += 1
    self.hasSent = true
    return .settle(facilitator: self.facilitator)
  }

  /// Rules 1 and 2: nothing was sent.
  private mutating func next(_ why: String) -> Action {
    guard self.facilitator + 1 < self.means.facilitators else {
      return .finish(.notSent("the facilitator \(why)"))
    }
    self.facilitator += 1
    return .verify(facilitator: self.facilitator)
  }

  /// Rule 4.
  private mutating func reconcile(_ hour: Hour) -> Action {
    self.means.hasChain ? .askChain : self.stay(hour)
  }

  /// Rules 5, 6 and 8: the table of what is open.
  private mutating func stay(_ hour: Hour) -> Action {
    let maySend = self.sends < self.means.maxSends && !hour.isTooLate
    if maySend, hour.isResendDue, self.means.facilitators > 0, !hour.isPatienceOver || !self.hasSent {
      return self.settle()
    }
    guard maySend || self.means.hasChain else {
      return .finish(.held("\(self.why), and no rpc is configured to look it up"))
    }
    guard !hour.isPatienceOver, self.pauses < Self.maxPauses else {
      // An operator can learn no more than we from a node that does not answer.
      return .finish(hour.isOld && !self.isNodeSilent ? .held(self.why) : .unknown(self.why))
    }
    self.pauses += 1
    return .pause
  }
}
