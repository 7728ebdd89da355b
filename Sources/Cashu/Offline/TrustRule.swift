internal import Gate

/// Whether a token may be believed before its mint is asked (design §5, "Offline").
///
/// What it rests on: only our key can spend before the locktime (NUT-11, which the mint says it enforces), the mint did
/// sign (NUT-12), and nobody presented the same proofs to us before (the ledger's nullifiers). What it cannot prove is that
/// the mint will pay; hence a limit for each, and a breaker.
struct TrustRule {
  /// A lock that ends sooner is not relied on; redemption takes at most ten minutes, and a stock wallet locks for a day.
  static let horizon: Duration = .seconds(2 * 3600)

  /// Why a token is not believed.
  enum Obstacle: Sendable, Equatable {
    case unlocked
    case unproved
    /// Its lock ends before we can be sure to have redeemed it.
    case endsSoon
    /// The mint does not say that it enforces locks and proves signatures.
    case mintIsNotFit
    case mintIsSilent
    case breakerIsOpen
  }

  /// What to do with the token.
  enum Answer: Sendable, Equatable {
    case trust(Trust)
    case refuse(Rejection)
  }

  let offline: CashuConfiguration.Offline
  let mint: CashuConfiguration.Mint
  let features: MintFeatures
  let grade: MintBreaker.Grade
  let now: Timestamp

  /// - Parameters:
  ///   - locks: what each proof is locked to; nil for one that is not.
  ///   - proof: whether all of them are proved.
  func answer(_ locks: [PayeeLock?], _ proof: MintBudget.Proof) -> Answer {
    guard self.offline != .off else { return .trust(.settlement) }
    guard let obstacle = self.obstacle(locks, proof) else {
      let beyond: Trust.Overdraft = self.offline == .required ? .refuse : .settle
      return .trust(.reservation(limit: self.mint.exposure, beyond: beyond))
    }
    guard self.offline == .required else { return .trust(.settlement) }
    switch obstacle {
    case .unlocked: return .refuse(.wrongLock)
    case .unproved: return .refuse(.invalid)
    // What follows may have become so after the payment was accepted, and then it is as good as it was: only the book
    // knows. A new one is refused by ``refusal(of:)``, or finds that nothing more may be owed.
    case .endsSoon: return .trust(.settlement)
    case .mintIsNotFit, .mintIsSilent, .breakerIsOpen: return .trust(.reservation(limit: 0, beyond: .refuse))
    }
  }

  /// Why a new payment that nobody trusts is refused instead of being redeemed at once.
  static func refusal(
    of plan: SwapPlan, _ offline: CashuConfiguration.Offline, now: Timestamp
  ) -> Rejection? {
    // What has ended is anybody's.
    let ends = plan.inputs.compactMap { PayeeLock($0.secret)?.locktime }
    return offline == .required || ends.contains { $0 <= now } ? .wrongLock : nil
  }

  /// The payer's own first: those he can mend.
  func obstacle(_ locks: [PayeeLock?], _ proof: MintBudget.Proof) -> Obstacle? {
    let ends = locks.compactMap { $0?.locktime }
    if locks.contains(where: { $0 == nil }) { return .unlocked }
    if ends.contains(where: { $0 < self.now + Self.horizon }) { return .endsSoon }
    if proof == .unprovable { return .unproved }
    if !self.features.allowTrust { return .mintIsNotFit }
    switch self.grade {
    case .open: return .breakerIsOpen
    case .permanentLocksOnly: return ends.isEmpty ? nil : .mintIsSilent
    case .closed: return nil
    }
  }
}
