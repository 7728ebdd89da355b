/// Why a payment is refused; the payer's to mend. The raw value is the public reason code.
public enum Rejection: String, Hashable, Sendable, CaseIterable {
  // 402: pay again.
  case invalid
  case spent
  /// Its own time is over; a fresh one is needed.
  case expired
  case insufficientFunds = "insufficient_funds"
  // 400: this offer can never be accepted here.
  case malformed
  case tooLittle = "too_little"
  case wrongMint = "wrong_mint"
  case wrongUnit = "wrong_unit"
  case wrongLock = "wrong_lock"
  case wrongScheme = "wrong_scheme"
  case wrongNetwork = "wrong_network"
  case wrongAsset = "wrong_asset"
  case wrongPayee = "wrong_payee"
  case wrongAmount = "wrong_amount"
  case feeTooHigh = "fee_too_high"
  case tooManyProofs = "too_many_proofs"

  /// Whether a fresh payment is asked for (402), or the offer itself is faulty (400); design §4.
  public enum Remedy: Sendable { case payAgain, mendTheOffer }

  public var remedy: Remedy {
    switch self {
    case .invalid, .spent, .expired, .insufficientFunds: .payAgain
    case .malformed, .tooLittle, .wrongMint, .wrongUnit, .wrongLock, .wrongScheme, .wrongNetwork, .wrongAsset,
      .wrongPayee, .wrongAmount, .feeTooHigh, .tooManyProofs:
      .mendTheOffer
    }
  }
}
