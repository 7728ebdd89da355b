/// What a stored plan is for; written into the CBOR map of each under ``member``.
///
/// Plans outlive the process that wrote them, and the cashier hands every one of them to the same verifier, so a raw
/// value never changes its meaning.
package enum PlanKind: String, Sendable, Hashable, CaseIterable {
  /// One payment is swapped to proofs of ours.
  case swap
  /// Payments taken on trust are swapped together.
  case redemption
  /// Held proofs are swapped for a token to give away.
  case export
  /// Held proofs pay a Lightning invoice.
  case melt

  /// The name of the member that holds the kind.
  package static let member = "kind"

  /// The kind of a stored plan; nil for bytes that no version of ours wrote.
  package init?(of plan: [UInt8]) {
    guard let root = try? CBORReader.read(plan) else { return nil }
    guard let name = root[Self.member] else {
      // The plans of the first version are all swaps and name no kind.
      self = .swap
      return
    }
    guard let kind = name.text.flatMap(Self.init(rawValue:)) else { return nil }
    self = kind
  }
}
