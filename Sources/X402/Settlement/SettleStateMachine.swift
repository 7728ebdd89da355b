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
///    a used nonce, any reason that we do not know) leaves it open, and only the chain closes it.
/// 5. Without a node to ask, what is open is held and shown to an operator.
/// 6. It is sent again only when the chain shows the nonce unused, after a pause, and a few times at most:
///    the nonce then allows one transfer, whatever becomes of both calls. `settlement_pending` asks for the
///    same body again (V2 §9), and gets it where there is no node to look.
/// 7. An unused nonce whose time is over on the chain ends it: nothing moved, nothing will.
///
/// | heard                               | nothing open before            | something open before        |
/// |-------------------------------------|--------------------------------|------------------------------|
/// | (its time is over)                  | refused                        | chain, else held             |
/// | verify: valid                       | settle                         | (not asked)                  |
/// | verify: invalid                     | refused                        | (not asked)                  |
/// | verify: no answer                   | next facilitator, else notSent | (not asked)                  |
/// | settle: success                     | settled                        | settled                      |
/// | settle: pending                     | chain, else same body again    | chain, else same body again  |
/// | settle: refused before sending      | refused                        | chain, else held             |
/// | settle: not looked at               | next facilitator, else notSent | unknown                      |
/// | settle: failed, or no answer        | chain, else held               | chain, else held             |
/// | chain: our transfer                 | settled                        | settled                      |
/// | chain: cancelled, for another       | refused as spent               | refused as spent             |
/// | chain: unused, time over            | void                           | void                         |
/// | chain: unused, named one reverted   | refused                        | refused if all calls answered|
/// | chain: unused                       | send again when due, else unknown | the same                  |
/// | chain: used, and it shows not by what | unknown, held when old       | the same                     |
/// | chain: no answer                    | unknown                        | unknown                      |
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

  enum Event: Sendable {
    /// With what the chain said meanwhile of the nonce.
    case verified(VerifyAnswer, isUsed: Bool)
    case settled(SettleAnswer)
    /// - Parameters:
    ///   - isResendDue: the pause after the last call is over, and there is time left for another.
    ///   - isOld: an operator should not wait any longer.
    case found(ChainFinding, isResendDue: Bool, isOld: Bool)
  }

  enum Action: Sendable, Equatable {
    case verify(facilitator: Int)
    case settle(facilitator: Int)
    /// The same body again, after a pause.
    case settleLater(facilitator: Int)
    case askChain
    /// After a pause, for a block to come.
    case askChainLater
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
  /// As a facilitator named it.
  private(set) var transaction: String?
  /// A call may have been acted on without our hearing of it.
  private(set) var isUnheard: Bool
  /// What was heard last is that the transaction's receipt is awaited.
  private(set) var isPending: Bool
  /// Whether money may have moved.
  private var isOpen: Bool
  private var pauses = 0

  /// Blocks waited for within one run; then the back-off of recovery takes over.
  private static let maxPauses = 2

  init(_ start: Start, means: Means, facilitator: Int = 0, trace: SettlePlan.Trace = SettlePlan.Trace()) {
    self.means = means
    self.facilitator = facilitator
    self.sends = trace.sends
    self.transaction = trace.transaction
    self.isOpen = start == .maybeSent
    self.isPending = start == .maybeSent && trace.isPending
    // A process that died in a call did not hear its answer.
    self.isUnheard = start == .maybeSent && trace.isUnheard
  }

  /// - Parameters:
  ///   - isOld: an operator should not wait any longer.
  ///   - isTooLate: its time is over, or nearly.
  mutating func begin(isOld: Bool = false, isTooLate: Bool = false) -> Action {
    if self.isOpen {
      guard !self.means.hasChain, self.isPending, !isOld, self.means.facilitators > 0 else {
        return self.reconcile("the answer of a settlement was lost")
      }
      return self.settle()
    }
    // No matter of the offer's judgement: what was settled in time stays good for what is left of it.
    guard !isTooLate else { return .finish(.refused(.expired)) }
    guard self.means.facilitators > 0 else { return .finish(.notSent("no facilitator serves this network")) }
    return .verify(facilitator: self.facilitator)
  }

  mutating func handle(_ event: Event) -> Action {
    switch event {
    case .verified(_, isUsed: true): return .finish(.refused(.spent))
    case .verified(.valid, _): return self.settle()
    case .verified(.invalid(let rejection), _): return .finish(.refused(rejection))
    case .verified(.none(let why), _): return self.next(why)
    case .settled(let answer): return self.handle(answer)
    case .found(let finding, let isResendDue, let isOld):
      return self.handle(finding, isResendDue: isResendDue, isOld: isOld)
    }
  }

  private mutating func handle(_ answer: SettleAnswer) -> Action {
    let wasPending = self.isPending
    self.isPending = false
    switch answer {
    case .success(let transaction): return .finish(.settled(transaction: transaction))
    case .notActedOn(let why):
      guard !self.isOpen else {
        self.isPending = wasPending
        return .finish(.unknown("the facilitator \(why)"))
      }
      return self.next(why)
    case .refused(let rejection):
      return self.isOpen ? self.reconcile("refused after an earlier call") : .finish(.refused(rejection))
    case .pending(let transaction):
      self.isOpen = true
      self.isPending = true
      self.transaction = transaction ?? self.transaction
      return self.wait()
    case .failed(let why, let transaction):
      self.isOpen = true
      self.transaction = transaction ?? self.transaction
      return self.reconcile("the facilitator \(why)")
    case .none(let why):
      self.isOpen = true
      self.isUnheard = true
      return self.reconcile("the facilitator \(why)")
    }
  }

  private mutating func handle(_ finding: ChainFinding, isResendDue: Bool, isOld: Bool) -> Action {
    switch finding {
    case .paid(let transaction): return .finish(.settled(transaction: transaction))
    case .usedOtherwise: return .finish(.refused(.spent))
    case .overUnused: return .finish(.void("the payment's time ended and the chain never used it"))
    case .unused(reverted: true) where !self.isUnheard: return .finish(.refused(.invalid))
    case .unused:
      if isResendDue, self.sends < self.means.maxSends, self.means.facilitators > 0 { return self.settle() }
      return isOld
        ? .finish(.held("sent \(self.sends) times, and the chain has not used it"))
        : .finish(.unknown("sent, and not on the chain yet"))
    case .unclear(let why): return .finish(isOld ? .held(why) : .unknown(why))
    case .silent: return .finish(.unknown("the chain's node does not tell"))
    }
  }

  private mutating func settle() -> Action {
    self.sends += 1
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

  /// Rules 4 and 5.
  private func reconcile(_ why: String) -> Action {
    self.means.hasChain ? .askChain : .finish(.held("\(why), and no rpc is configured to look it up"))
  }

  /// `settlement_pending`.
  private mutating func wait() -> Action {
    guard self.pauses < Self.maxPauses else {
      // What a facilitator goes on calling pending, recovery asks for again.
      return .finish(.unknown("the facilitator calls the settlement pending"))
    }
    self.pauses += 1
    if self.means.hasChain { return .askChainLater }
    self.sends += 1
    return .settleLater(facilitator: self.facilitator)
  }
}
