internal import Outbound

/// What to do next about the ecash of one paid quote, from what the mint has said so far; a pure value.
///
/// The rules (NUT-04, NUT-09):
/// 1. A lost call and a refusal alike say nothing: the quote's state is asked.
/// 2. Issued *and* our outputs signed: the money is ours. Issued and nothing signed: somebody else took it.
/// 3. Paid and not issued: it did not happen. The same outputs are sent again.
/// 4. Paid, seen *after* our outputs were seen signed: they are of an earlier life of the same numbers, and the next plan
///    has others. Seen before, it proves nothing: our own call may still have been under way in the mint.
struct MintStateMachine: Sendable {
  enum Start: Sendable {
    case fresh
    /// A call may have gone out before this process took over.
    case maybeSent
  }

  enum Restored: Sendable {
    case nothing
    case all([UnverifiedProof])
    case part
    /// A signature that is not for what was asked, or not by the mint's key.
    case invalid
  }

  enum Event: Sendable {
    /// With signatures that are valid.
    case minted([UnverifiedProof])
    case refused(MintRefusal)
    case throttled(retryAfterSeconds: Int?)
    case silent(Silence)
    case quote(MintQuote.State)
    case quoteFailed
    case restored(Restored)
    case restoreFailed
  }

  enum Action: Sendable, Equatable {
    case post(QuoteKey.Form)
    case askQuote
    case askRestore
    case finish(Outcome)
  }

  enum Outcome: Sendable, Equatable {
    case minted([UnverifiedProof])
    /// The mint issued it to somebody else.
    case taken
    /// It did not happen and cannot with these numbers; the quote is as good as before.
    case void
    /// Nothing was sent that could have been acted on.
    case notSent
    case held(String)
    case unknown
  }

  /// Each form of the signature once, and once more after a lost call.
  private static let maxPosts = 3

  private var mayHaveHappened: Bool
  private var posts = 0
  private var form = QuoteKey.Form.joined
  private var refusal: MintRefusal?
  private var state: MintQuote.State?
  /// Our outputs were seen signed before the quote was asked last.
  private var sawSigned = false

  init(_ start: Start) { self.mayHaveHappened = start == .maybeSent }

  mutating func begin() -> Action { self.mayHaveHappened ? .askQuote : self.post() }

  mutating func handle(_ event: Event) -> Action {
    switch event {
    case .minted(let proofs): return .finish(.minted(proofs))
    case .refused(let refusal):
      self.refusal = refusal
      return .askQuote
    case .throttled, .silent(.notSent): return .finish(self.mayHaveHappened ? .unknown : .notSent)
    case .silent:
      self.mayHaveHappened = true
      return .askQuote
    case .quote(let state):
      self.state = state
      return state == .unpaid ? .finish(.void) : .askRestore
    case .quoteFailed, .restoreFailed: return .finish(.unknown)
    case .restored(let restored): return self.judge(restored)
    }
  }

  private mutating func post() -> Action {
    self.posts += 1
    self.refusal = nil
    self.sawSigned = false
    return .post(self.form)
  }

  private mutating func judge(_ restored: Restored) -> Action {
    guard self.state == .issued else {
      if case .nothing = restored { return self.again() }
      guard self.mayHaveHappened, !self.sawSigned else { return .finish(.void) }
      self.sawSigned = true
      return .askQuote
    }
    switch restored {
    case .all(let proofs): return .finish(.minted(proofs))
    case .nothing: return .finish(.taken)
    case .part: return .finish(.held("restores only a part of the outputs of one quote"))
    case .invalid: return .finish(.held("gives signatures that are not valid"))
    }
  }

  private mutating func again() -> Action {
    if self.refusal == .alreadySigned || self.refusal == .keyset { return .finish(.void) }
    guard self.posts < Self.maxPosts else { return .finish(self.mayHaveHappened ? .unknown : .void) }
    // A mint that refused may want the other form of the signature.
    if self.refusal != nil { self.form = self.form == .joined ? .framed : .joined }
    return self.post()
  }
}
