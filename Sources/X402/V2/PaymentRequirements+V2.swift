internal import Gate
internal import JSON

/// x402 V2 §5.1.
extension PaymentRequirements {
  /// `paymentFlow` must be there when it is not the default (V2 §6.1).
  private var extraV2: [JSON.Member] {
    guard self.flow != .authorization else { return self.extra }
    return self.extra + [JSON.Member(name: "paymentFlow", value: .string(self.flow.rawValue))]
  }

  /// - Parameter secret: of one 402; nil for the facilitator, whom it does not concern.
  func jsonV2(secret: String?) -> JSON {
    var extra = self.extraV2
    if let secret { extra.append(JSON.Member(name: Self.secretName, value: .string(secret))) }
    return .record([
      "scheme": .string(Scheme.exact.rawValue), "network": .string(self.accept.network.name),
      "asset": .string(self.accept.asset.address), "amount": .string(String(self.amount)),
      "payTo": .string(self.accept.payTo), "maxTimeoutSeconds": .unsigned(self.accept.maxTimeoutSeconds),
      "extra": extra.isEmpty ? nil : .object(extra),
    ])
  }

  /// What of `accepted` is not what we ask; nil when a payer agreed to exactly this.
  ///
  /// Its `extra` may hold more than ours; ours must all be there. A fee payer is the facilitator's to judge:
  /// it may have another one by now.
  func difference(from accepted: JSON) -> Rejection? {
    guard accepted["amount"]?.string.flatMap({ UInt256(decimal: $0) }) == UInt256(self.amount) else {
      return .wrongAmount
    }
    guard accepted["maxTimeoutSeconds"]?.unsigned == self.accept.maxTimeoutSeconds else { return .malformed }
    let echoed = self.extraV2.filter { $0.name != "feePayer" }
    return echoed.allSatisfy { accepted["extra"]?[$0.name] == $0.value } ? nil : .malformed
  }
}
