internal import Digest
internal import Gate
internal import JSON
internal import Octets

/// What the payer signed: the member `payload` of scheme `exact`, in one of its three forms.
enum ExactPayload: Hashable, Sendable {
  case eip3009(TransferAuthorization, signature: [UInt8])
  case permit2(Permit2Transfer)
  case svm(SolanaTransaction)

  /// Longer signatures (ERC-6492 carries a factory call) are not read.
  static let maxSignatureByteCount = 4096

  init?(_ json: JSON) {
    if let text = json["transaction"]?.string {
      guard let transaction = SolanaTransaction(base64: text) else { return nil }
      self = .svm(transaction)
      return
    }
    guard let signature = json["signature"]?.string.flatMap({ HexText.bytes($0) }),
      (1...Self.maxSignatureByteCount).contains(signature.count)
    else { return nil }
    switch (json["authorization"], json["permit2Authorization"]) {
    case (let item?, nil):
      guard let authorization = TransferAuthorization(item) else { return nil }
      self = .eip3009(authorization, signature: signature)
    case (nil, let item?):
      guard let transfer = Permit2Transfer(item) else { return nil }
      self = .permit2(transfer)
    default: return nil
    }
  }

  var transfer: X402Configuration.Transfer {
    switch self {
    case .eip3009: .eip3009
    case .permit2: .permit2
    case .svm: .svm
    }
  }

  /// Who pays; a Solana transaction tells it only to who can read its instructions.
  var payer: Address? {
    switch self {
    case .eip3009(let authorization, _): authorization.from
    case .permit2(let transfer): transfer.from
    case .svm: nil
    }
  }

  /// What can be spent once, by design §5: EIP-3009 = (chain, asset, from, nonce), permit2 = (chain, owner,
  /// nonce), SVM = the signed message. From decoded bytes, so the same in whatever text it came.
  func nullifier(on asset: Asset) -> Nullifier {
    let domain = "turnpike x402 \(self.transfer.rawValue) \(asset.network) "
    let identity: [UInt8] =
      switch self {
      case .eip3009(let authorization, _):
        Array(asset.address.lowercased().utf8) + authorization.from.bytes + authorization.nonce
      case .permit2(let transfer): transfer.from.bytes + transfer.nonce.bytes
      case .svm(let transaction): transaction.message
      }
    return Nullifier(SHA256.hash(Array(domain.utf8) + identity))
  }
}

extension PaymentID {
  static func x402(_ nullifier: Nullifier) -> PaymentID {
    PaymentID(Hex.encode(SHA256.hash(Array("turnpike x402 payment ".utf8) + nullifier.bytes).prefix(16)))
  }
}
