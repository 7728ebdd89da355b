internal import Gate

/// What a facilitator's reason means for us (x402 V2 §9, and what the SDK 2.25 adds). Only reasons known by
/// their whole name say anything; none that is unknown decides about money.
enum FacilitatorReason: Sendable, Equatable {
  /// It judged the payload: the payer's to mend. Nothing was sent to the chain on this judgement.
  case payers(Rejection)
  /// It judged our side, before it sent anything.
  case ours(String)
  /// It could not judge.
  case undecided(String)
  /// It says nothing about whether money moved.
  case open(String)
  /// It was sent to the chain and its receipt is awaited: ask again with the same body.
  case pending

  init(_ text: String) {
    let shown = text.utf8.prefix(60).filter { (0x20..<0x7F).contains($0) }
    self = Self.known[text] ?? .open(String(decoding: shown, as: UTF8.self))
  }

  private static let known: [String: FacilitatorReason] = [
    "settlement_pending": .pending,
    "unexpected_verify_error": .undecided("an error of its own"),
    "invalid_exact_evm_failed_to_verify_signature": .undecided("its node does not tell"),
    // It found no reason in what its node said, and the node may be what failed.
    "invalid_exact_evm_transaction_simulation_failed": .undecided("a simulation failed"),
    "invalid_exact_evm_nonce_already_used": .payers(.spent),
    "insufficient_funds": .payers(.insufficientFunds),
    "invalid_exact_evm_insufficient_balance": .payers(.insufficientFunds),
    "permit2_insufficient_balance": .payers(.insufficientFunds),
    "permit2_allowance_required": .payers(.insufficientFunds),
    "invalid_exact_evm_payload_authorization_valid_before": .payers(.expired),
    "permit2_deadline_expired": .payers(.expired),
    "invalid_exact_evm_payload_authorization_valid_after": .payers(.invalid),
    "permit2_not_yet_valid": .payers(.invalid),
    "invalid_exact_evm_payload_recipient_mismatch": .payers(.wrongPayee),
    "invalid_permit2_recipient_mismatch": .payers(.wrongPayee),
    "invalid_exact_evm_payload_authorization_value_mismatch": .payers(.wrongAmount),
    "invalid_exact_evm_payload_authorization_value": .payers(.wrongAmount),
    "permit2_amount_mismatch": .payers(.wrongAmount),
    "permit2_token_mismatch": .payers(.wrongAsset),
    "invalid_exact_evm_payload_signature": .payers(.invalid),
    "invalid_exact_evm_payload_undeployed_smart_wallet": .payers(.invalid),
    "eip6492_factory_not_allowed": .payers(.invalid),
    "invalid_permit2_signature": .payers(.invalid),
    "invalid_permit2_spender": .payers(.invalid),
    "invalid_payload": .payers(.malformed),
    "invalid_network": .ours("the network"),
    "network_mismatch": .ours("the network"),
    "invalid_scheme": .ours("the scheme"),
    "unsupported_scheme": .ours("the scheme"),
    "invalid_x402_version": .ours("the version"),
    "invalid_payment_requirements": .ours("the requirements"),
    "missing_eip712_domain": .ours("the domain"),
    "invalid_exact_evm_token_name_mismatch": .ours("the domain's name"),
    "invalid_exact_evm_token_version_mismatch": .ours("the domain's version"),
    "invalid_exact_evm_eip3009_not_supported": .ours("the asset"),
    "asset_not_deployed_contract": .ours("the asset"),
    "invalid_exact_evm_failed_to_get_network_config": .ours("the network"),
    "invalid_exact_evm_failed_to_get_asset_info": .ours("the asset"),
  ]
}
