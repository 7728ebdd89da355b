internal import JSON

/// x402 V1 §5.2: it does not say which asset is meant, nor which offer of the 402 was taken.
package struct PaymentPayloadV1: Sendable, Equatable {
  var scheme: String
  var network: String
  var payload: JSON

  init?(_ json: JSON) {
    guard let scheme = json["scheme"]?.string, let network = json["network"]?.string,
      let payload = json["payload"], payload.members != nil
    else { return nil }
    self.scheme = scheme
    self.network = network
    self.payload = payload
  }
}
