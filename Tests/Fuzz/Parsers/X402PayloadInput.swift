internal import Octets
@testable internal import X402

/// The payload of an x402 payment; the JSON is reached without the base64 that hides it from a mutator.
enum X402PayloadInput {
  static func read(_ bytes: [UInt8]) {
    _ = try? PaymentPayload.read(bytes)
    let header = Array(Base64.encode(bytes).utf8)
    guard let payload = try? PaymentPayload.read(header) else { return }
    precondition(header.count <= PaymentPayload.maxOfferBytes, "more was read than may be")
    // Padding may be left out; what is read is the same.
    let bare = header.filter { $0 != ASCII.equals }
    precondition((try? PaymentPayload.read(bare)) == payload, "without padding it is another payment")
    self.inspect(payload)
  }

  /// What the payer signed says one thing only.
  private static func inspect(_ payload: PaymentPayload) {
    let json =
      switch payload {
      case .v1(let payment): payment.payload
      case .v2(let payment): payment.payload
      }
    guard let exact = ExactPayload(json), case .eip3009(let authorization, _) = exact else { return }
    let again = TransferAuthorization(authorization.json)
    precondition(again == authorization, "its own JSON is another authorisation")
  }
}
