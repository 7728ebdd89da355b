package import Gate

/// Finishes stored plans of one kind: what the treasury hands to ``CashuVerifier``, so that the cashier's one recovery
/// loop finds it.
package protocol PlanRecovery: Sendable {
  var kind: PlanKind { get }

  /// As ``Gate/PaymentVerifier/recover(_:under:)``.
  func recover(_ plan: SettlementPlan, under claim: consuming Claim) async -> Settlement
}
