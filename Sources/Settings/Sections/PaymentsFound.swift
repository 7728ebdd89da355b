/// What `payments` came to; prices are judged against it.
enum PaymentsFound {
  case nothing
  /// Said already; no price is judged against it.
  case faulty
  case cashu(CashuPayments)

  var cashu: CashuPayments? {
    if case .cashu(let cashu) = self { cashu } else { nil }
  }
}
