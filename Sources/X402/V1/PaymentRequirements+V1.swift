internal import JSON

/// x402 V1 §5.1.
extension PaymentRequirements {
  /// Nil where V1 has no name for the network.
  func jsonV1(resource: String) -> JSON? {
    guard let network = self.accept.network.nameV1 else { return nil }
    return .record([
      "scheme": .string(Scheme.exact.rawValue), "network": .string(network),
      "maxAmountRequired": .string(String(self.amount)), "resource": .string(resource),
      "description": .string(""), "mimeType": .string(""), "payTo": .string(self.accept.payTo),
      "maxTimeoutSeconds": .unsigned(self.accept.maxTimeoutSeconds),
      "asset": .string(self.accept.asset.address), "extra": self.extra.isEmpty ? nil : .object(self.extra),
    ])
  }
}
