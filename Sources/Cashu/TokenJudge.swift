internal import Gate
internal import Octets

/// Decides how far a token can be believed without asking anybody to move money.
///
/// Cheap checks come first, then curve arithmetic, whose cost the sender chooses; the mint is never asked
/// about a token here, only about its own keysets.
struct TokenJudge {
  enum Judgement: Sendable {
    case rejected(Rejection)
    case good(SwapPlan, nullifiers: [[UInt8]], value: Amount, trust: Trust)
  }

  /// Nutshell settings.py, `mint_max_secret_length`; NUT-00 sets no bound.
  static let maxSecretBytes = 1024
  static let maxWitnessBytes = 1024
  /// After its end a mint may forget what was spent (NUT-02 `final_expiry`); we leave ourselves an hour to
  /// redeem.
  static let expiryMargin: Duration = .seconds(3600)

  let desk: MintDesk
  let now: Timestamp
  let reach: Reach

  private var configuration: CashuConfiguration { self.desk.configuration }

  private struct Refusal: Error {
    var rejection: Rejection
  }

  /// A proof whose keyset is known.
  private struct Resolved {
    var proof: UnverifiedProof
    var keyset: Keyset
    var key: Point
  }

  /// A token whose mint is one of ours, and whose words are all in order.
  private struct Read {
    var mint: CashuConfiguration.Mint
    var proofs: [UnverifiedProof]
    /// Of each proof; nil for a plain one.
    var locks: [PayeeLock?]
    var value: Amount
  }

  func judge(_ bytes: [UInt8], against quote: Quote) async throws(Outage) -> Judgement {
    let token: Read
    do throws(Refusal) { token = try self.look(bytes, quote) } catch { return .rejected(error.rejection) }
    let mint = token.mint.url
    let proofs: [Resolved]
    switch try await self.resolve(token.proofs, at: mint) {
    case .success(let resolved): proofs = resolved
    case .failure(let refusal): return .rejected(refusal.rejection)
    }
    guard let outputKeyset = self.desk.keysets.active(at: mint) else {
      throw Outage(.outage, "no active keyset of \(mint) is known")
    }
    // Before the curve: its cost is the sender's to choose.
    let rule = self.rule(at: token.mint)
    let claimed: MintBudget.Proof = proofs.allSatisfy { $0.proof.dleq != nil } ? .provable : .unprovable
    let trust: Trust
    switch rule.answer(token.locks, claimed) {
    case .refuse(let rejection): return .rejected(rejection)
    case .trust(let granted): trust = granted
    }
    do throws(Refusal) {
      let amounts = try self.outputs(for: proofs, value: token.value, under: outputKeyset)
      let (nullifiers, proof) = try self.checkCurve(proofs)
      let plan = SwapPlan(
        mint: mint.text,
        unit: self.configuration.unit.name,
        inputs: proofs.map(Self.input),
        outputAmounts: amounts,
        outputKeysetID: outputKeyset.id,
        proof: proof,
        heldSince: nil
      )
      return .good(plan, nullifiers: nullifiers, value: token.value, trust: trust)
    } catch { return .rejected(error.rejection) }
  }

  private func rule(at mint: CashuConfiguration.Mint) -> TrustRule {
    TrustRule(
      offline: self.configuration.offline, mint: mint, features: self.desk.keysets.features(of: mint.url),
      grade: self.desk.breakers.grade(of: mint.url, at: self.now), now: self.now)
  }

  private func look(_ bytes: [UInt8], _ quote: Quote) throws(Refusal) -> Read {
    let token = try self.read(bytes)
    let mint = try self.mint(of: token)
    let proofs = token.entries.flatMap(\.proofs)
    try self.checkUnit(token, quote)
    try self.checkShape(proofs)
    let locks = try self.locks(of: proofs)
    return Read(mint: mint, proofs: proofs, locks: locks, value: try self.value(of: proofs, quote))
  }

  private func read(_ bytes: [UInt8]) throws(Refusal) -> UnverifiedToken {
    do { return try TokenReader.read(bytes) } catch { throw Refusal(rejection: .malformed) }
  }

  /// Every entry must name the same configured mint; a token's own address is never dialled.
  private func mint(of token: UnverifiedToken) throws(Refusal) -> CashuConfiguration.Mint {
    guard !token.entries.isEmpty else { throw Refusal(rejection: .malformed) }
    let named = Set(token.entries.map { MintURL($0.mint) })
    let listed = named.map { name in self.configuration.mints.first { $0.url == name } }
    guard let mint = listed[0], listed.allSatisfy({ $0 != nil }) else { throw Refusal(rejection: .wrongMint) }
    guard listed.count == 1 else { throw Refusal(rejection: .malformed) }
    return mint
  }

  /// The token's own word on its unit decides nothing (its keysets do), but it must not contradict.
  private func checkUnit(_ token: UnverifiedToken, _ quote: Quote) throws(Refusal) {
    let unit = self.configuration.unit
    guard token.unit ?? unit.name == unit.name, quote.tariff.price(in: unit) != nil else {
      throw Refusal(rejection: .wrongUnit)
    }
  }

  private func checkShape(_ proofs: [UnverifiedProof]) throws(Refusal) {
    guard !proofs.isEmpty else { throw Refusal(rejection: .malformed) }
    // A plan of more could be stored and not be read back, whatever the configuration allows.
    guard proofs.count <= min(self.configuration.maxProofs, SwapPlan.mostInputs) else {
      throw Refusal(rejection: .tooManyProofs)
    }
    for proof in proofs {
      guard proof.amount > 0, !proof.secret.utf8.isEmpty, proof.secret.utf8.count <= Self.maxSecretBytes,
        proof.witness?.utf8.count ?? 0 <= Self.maxWitnessBytes
      else { throw Refusal(rejection: .malformed) }
    }
    guard Set(proofs.map(\.secret)).count == proofs.count else { throw Refusal(rejection: .malformed) }
  }

  /// A lock that is not surely ours alone is refused in every mode: what another can spend is not paid, and what nobody
  /// can spend is not money.
  private func locks(of proofs: [UnverifiedProof]) throws(Refusal) -> [PayeeLock?] {
    var locks: [PayeeLock?] = []
    for proof in proofs {
      switch SpendingCondition(of: proof.secret) {
      case .none: locks.append(nil)
      case .unreadable: throw Refusal(rejection: .wrongLock)
      case .lock(let lock):
        guard self.desk.locks.key(for: lock) != nil else { throw Refusal(rejection: .wrongLock) }
        locks.append(lock)
      }
    }
    return locks
  }

  private func value(of proofs: [UnverifiedProof], _ quote: Quote) throws(Refusal) -> Amount {
    guard let sum = Money.sum(proofs.map(\.amount)) else { throw Refusal(rejection: .malformed) }
    guard let minimum = quote.minimum(in: self.configuration.unit), sum >= minimum.value else {
      throw Refusal(rejection: .tooLittle)
    }
    return Amount(sum, self.configuration.unit)
  }

  /// Each keyset is looked up once.
  private func resolve(
    _ proofs: [UnverifiedProof], at mint: MintURL
  ) async throws(Outage) -> Result<[Resolved], Refusal> {
    var keysets: [KeysetReference: Keyset] = [:]
    var resolved: [Resolved] = []
    for proof in proofs {
      let keyset: Keyset
      if let known = keysets[proof.keyset] {
        keyset = known
      } else {
        switch try await self.resolve(proof.keyset, at: mint) {
        case .success(let found): keyset = found
        case .failure(let refusal): return .failure(refusal)
        }
        keysets[proof.keyset] = keyset
      }
      guard let key = keyset.keys[proof.amount] else { return .failure(Refusal(rejection: .invalid)) }
      resolved.append(Resolved(proof: proof, keyset: keyset, key: key))
    }
    return .success(resolved)
  }

  private func resolve(
    _ reference: KeysetReference, at mint: MintURL
  ) async throws(Outage) -> Result<Keyset, Refusal> {
    switch try await self.desk.keysets.resolve(reference, at: mint, reach: self.reach) {
    case .known(let keyset):
      if let end = keyset.finalExpiry.flatMap({ Int64(exactly: $0) }),
        Timestamp(seconds: min(end, Int64.max / 1000)) < self.now + Self.expiryMargin
      {
        return .failure(Refusal(rejection: .invalid))
      }
      return .success(keyset)
    case .otherUnit: return .failure(Refusal(rejection: .wrongUnit))
    case .ambiguous, .unknown: return .failure(Refusal(rejection: .invalid))
    case .listed:
      // The mint answered with keys that do not make the identifier.
      throw Outage(.outage, "the keys of a keyset of \(mint) are not those it lists")
    }
  }

  /// What we ask the mint for: the face value less its fee, which is our cost.
  private func outputs(
    for proofs: [Resolved], value: Amount, under keyset: Keyset
  ) throws(Refusal) -> [UInt64] {
    guard let fee = Fees.total(ppk: proofs.map(\.keyset.inputFeePpk)), fee < value.value else {
      throw Refusal(rejection: .feeTooHigh)
    }
    // Percent of the value without overflow; at least one unit is always allowed.
    let share = value.value.multipliedFullWidth(by: self.configuration.maxFeePercent)
    let bound = share.high >= 100 ? UInt64.max : UInt64(100).dividingFullWidth(share).quotient
    guard fee <= max(1, bound) else { throw Refusal(rejection: .feeTooHigh) }
    guard let amounts = keyset.split(value.value - fee) else { throw Refusal(rejection: .invalid) }
    return amounts.sorted()
  }

  /// The nullifiers in the order of the proofs. A DLEQ proof may be absent, but one that is there must hold.
  private func checkCurve(
    _ proofs: [Resolved]
  ) throws(Refusal) -> (nullifiers: [[UInt8]], proof: MintBudget.Proof) {
    var nullifiers: [[UInt8]] = []
    var proven = 0
    for item in proofs {
      guard let signature = Point(compressed: item.proof.signature) else {
        throw Refusal(rejection: .invalid)
      }
      let Y = Point.hashToCurve(item.proof.secret.utf8)
      nullifiers.append(Y.compressed)
      guard let dleq = item.proof.dleq else { continue }
      guard let checked = dleq.checked, checked.isValid(nullifier: Y, signature: signature, mintKey: item.key)
      else {
        throw Refusal(rejection: .invalid)
      }
      proven += 1
    }
    guard Set(nullifiers).count == nullifiers.count else { throw Refusal(rejection: .malformed) }
    return (nullifiers, proven == proofs.count ? .provable : .unprovable)
  }

  private static func input(_ item: Resolved) -> SwapPlan.Input {
    SwapPlan.Input(
      amount: item.proof.amount,
      keysetID: item.keyset.id,
      secret: item.proof.secret,
      signature: item.proof.signature,
      witness: item.proof.witness
    )
  }
}
