internal import JSON

/// x402 V2 §5.2: the payer gives back the offer that he took, and the extensions that he was shown.
package struct PaymentPayloadV2: Sendable, Equatable {
  var accepted: JSON
  var payload: JSON
  var extensions: [JSON.Member]
  var identifier: PaymentIdentifier?
  /// Of our 402; nil for a payer that does not give it back.
  var secret: String?

  /// Ours have 32 characters.
  private static let secretLengths = 1...128

  init?(_ json: JSON) {
    guard let accepted = json["accepted"], accepted.members != nil,
      let payload = json["payload"], payload.members != nil
    else { return nil }
    self.accepted = accepted
    self.payload = payload
    switch json["extensions"] {
    case nil: self.extensions = []
    case .object(let members): self.extensions = members
    default: return nil
    }
    switch accepted["extra"]?[PaymentRequirements.secretName] {
    case nil: self.secret = nil
    case .string(let text) where Self.secretLengths.contains(text.utf8.count): self.secret = text
    default: return nil
    }
    switch self.extensions.first(where: { $0.name == PaymentIdentifier.key })?.value["info"]?["id"] {
    case nil: self.identifier = nil
    case .string(let text):
      guard let identifier = PaymentIdentifier(text) else { return nil }
      self.identifier = identifier
    default: return nil
    }
  }
}
