internal import Gate
internal import JSON

/// One member of `accepts`: an ``X402Configuration/Accept`` at a price.
struct PaymentRequirements: Sendable {
  var accept: X402Configuration.Accept
  var amount: UInt64
  var flow: PaymentFlow
  /// SVM: who pays the fee, as the facilitator names him.
  var feePayer: String?

  /// The member of `extra` that makes a payload its payer's own (design §4, "x402 payloads are public once
  /// broadcast").
  static let secretName = "turnpikeSecret"

  /// What a client must give back, but for the secret.
  var extra: [JSON.Member] {
    var members: [JSON.Member] = []
    switch self.accept.transfer {
    case .eip3009: members = self.domain
    case .permit2:
      members = self.domain + [JSON.Member(name: "assetTransferMethod", value: .string("permit2"))]
    case .svm:
      if let feePayer = self.feePayer { members = [JSON.Member(name: "feePayer", value: .string(feePayer))] }
    }
    return members
  }

  private var domain: [JSON.Member] {
    [
      JSON.Member(name: "name", value: .string(self.accept.asset.name)),
      JSON.Member(name: "version", value: .string(self.accept.asset.version)),
    ]
  }
}
