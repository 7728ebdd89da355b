internal import Gate
internal import JSON

/// A proof of the treasury with what it costs to spend it.
struct HeldPiece: Sendable, Equatable {
  var nullifier: Nullifier
  var input: SwapPlan.Input
  /// With its proof of NUT-12, for whoever gets it.
  var proof: UnverifiedProof
  /// The keyset's `input_fee_ppk` (NUT-02).
  var feePpk: UInt64

  /// Nil for a row that no version of ours wrote.
  init?(_ proceeds: Proceeds, feePpk: UInt64) {
    guard let json = try? JSONReader.read(proceeds.bearer), let proof = try? ProofJSON.read(json),
      case .full(let keysetID) = proof.keyset
    else { return nil }
    self.nullifier = proceeds.nullifier
    self.proof = proof
    self.input = SwapPlan.Input(
      amount: proof.amount, keysetID: keysetID, secret: proof.secret, signature: proof.signature,
      witness: proof.witness)
    self.feePpk = feePpk
  }
}

/// Which pieces a transfer takes.
enum PieceChoice {
  /// In one call. Nutshell takes 1000; a plan with more is slow to store and to sign.
  static let maxPieces = 200

  /// The pieces that make up `amount` to the unit; nil when none do, or too many.
  ///
  /// The largest that still fits, again and again: among powers of two that finds the sum whenever there is one.
  static func exact(_ amount: UInt64, from pieces: [HeldPiece]) -> [HeldPiece]? {
    var rest = amount
    var chosen: [HeldPiece] = []
    for piece in pieces.sorted(by: self.largestFirst) where piece.input.amount <= rest {
      chosen.append(piece)
      rest -= piece.input.amount
      if rest == 0 { break }
    }
    return rest == 0 && chosen.count <= self.maxPieces ? chosen : nil
  }

  /// Pieces worth at least `amount` and the mint's fee for taking them; nil when there are not so many.
  ///
  /// The largest first, so that they are few; then without those that turned out not to be needed, so that the rest
  /// that comes back is small.
  static func covering(_ amount: UInt64, from pieces: [HeldPiece]) -> [HeldPiece]? {
    var chosen: [HeldPiece] = []
    for piece in pieces.sorted(by: self.largestFirst).prefix(self.maxPieces) {
      chosen.append(piece)
      if self.covers(amount, chosen) { break }
    }
    guard self.covers(amount, chosen) else { return nil }
    for index in chosen.indices.reversed() {
      var fewer = chosen
      fewer.remove(at: index)
      if self.covers(amount, fewer) { chosen = fewer }
    }
    return chosen
  }

  /// What the mint keeps of these inputs.
  static func fee(of pieces: [HeldPiece]) -> UInt64? { Fees.total(ppk: pieces.map(\.feePpk)) }

  static func sum(_ pieces: [HeldPiece]) -> UInt64? { Money.sum(pieces.map(\.input.amount)) }

  private static func covers(_ amount: UInt64, _ pieces: [HeldPiece]) -> Bool {
    guard let sum = self.sum(pieces), let fee = self.fee(of: pieces), let needed = Money.sum([amount, fee])
    else {
      return false
    }
    return sum >= needed
  }

  private static func largestFirst(_ a: HeldPiece, _ b: HeldPiece) -> Bool { a.input.amount > b.input.amount }
}
