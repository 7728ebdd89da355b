internal import Gate

/// A transfer whose mint calls inputs spent that we did not spend: another installation has the same seed, or the book
/// was set back to an older copy.
///
/// The book lets go of them, as a cost, or they would be tried again for ever; the other inputs are held as before.
enum SpentElsewhere {
  static let note = "the mint calls pieces spent that this book held"

  /// - Parameter indices: which; empty where the mint did not say, and it is asked.
  static func settlement(
    of inputs: [SwapPlan.Input], spent indices: [Int], at client: MintClient, in unit: String
  ) async -> Settlement {
    let pieces = inputs.map { Proceeds($0.proof, of: client.url.text, in: Amount.Unit(unit)) }
    var spent = Set(indices)
    if spent.isEmpty {
      guard case .value(let states) = await client.states(of: pieces.map(\.nullifier.bytes)) else {
        return .unknown(Outage(.unknown, "the mint \(client.url) calls inputs spent and does not say which"))
      }
      spent = Set(states.indices.filter { states[$0] == .spent })
    }
    let kept = pieces.indices.filter { !spent.contains($0) }.map { pieces[$0] }
    let lost = inputs.indices.filter { spent.contains($0) }.reduce(0 as UInt64) { $0 + inputs[$1].amount }
    return .transferred(TransferEffect(kept: kept, fee: lost, note: self.note))
  }
}
