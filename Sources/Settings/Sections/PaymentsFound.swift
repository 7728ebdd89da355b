/// What `payments` came to; prices are judged against it.
enum PaymentsFound {
  case nothing
  /// Said already; no price is judged against it.
  case faulty
  /// One of them at least.
  case ways(cashu: CashuPayments?, x402: X402Payments?)

  var cashu: CashuPayments? {
    if case .ways(let cashu, _) = self { cashu } else { nil }
  }

  var x402: X402Payments? {
    if case .ways(_, let x402) = self { x402 } else { nil }
  }
}
