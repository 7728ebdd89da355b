internal import Gate
internal import JSON
internal import Octets

/// What a payer gets beside what he paid for: the facilitator's answer in short (V1 §5.4, V2 §5.3).
enum ReceiptWriter {
  static func receipt(of plan: SettlePlan, transaction: String) -> Receipt {
    let network: String
    let name: String
    switch plan.version {
    case .v1: (name, network) = ("x-payment-response", Network(plan.network)?.nameV1 ?? plan.network)
    case .v2: (name, network) = ("payment-response", plan.network)
    }
    let json = JSON.record([
      "success": .bool(true), "transaction": .string(transaction), "network": .string(network),
      "payer": plan.payer.map { .string($0) },
    ])
    let field = Challenge.Field(name, Base64.encode(JSONWriter.write(json)))
    return Receipt(fields: [field], transaction: transaction)
  }
}
