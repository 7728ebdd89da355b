internal import JSON
internal import Octets

/// A payment as a client sent it, of either version; nothing of it is known to be true.
package enum PaymentPayload: Sendable, Equatable {
  case v1(PaymentPayloadV1)
  case v2(PaymentPayloadV2)

  package struct Malformed: Error, Equatable {}

  /// A payload of a smart account with its factory call has 5 KB.
  package static let maxOfferBytes = 16 * 1024

  /// Reads the value of `PAYMENT-SIGNATURE` or `X-PAYMENT`: base64 of one JSON text. Which version it is, is
  /// what it says itself, in whichever of the two it came.
  package static func read(_ offer: [UInt8]) throws(Malformed) -> PaymentPayload {
    guard offer.count <= self.maxOfferBytes, let bytes = Base64.decode(offer),
      let json = try? JSONReader.read(bytes)
    else { throw Malformed() }
    switch json["x402Version"]?.unsigned {
    case 1:
      if let payload = PaymentPayloadV1(json) { return .v1(payload) }
    case 2:
      if let payload = PaymentPayloadV2(json) { return .v2(payload) }
    default: break
    }
    throw Malformed()
  }

  var version: X402Configuration.Version {
    switch self {
    case .v1: .v1
    case .v2: .v2
    }
  }
}
