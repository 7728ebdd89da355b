extension Challenge {
  /// How Lightning asks to be paid: by a form that orders an invoice at our own API.
  ///
  /// - Parameter address: of `/v1/invoices`, absolute.
  /// - Returns: nil where the tariff has no price in sats.
  static func invoice(at address: String, for tariff: Tariff) -> Challenge? {
    let scope = GrantScope(route: RouteID(""), host: "")
    guard let amount = Quote(tariff: tariff, scope: scope).minimum(in: .sat) else { return nil }
    let way = Way(title: "Lightning", price: "\(amount)", code: nil, order: address)
    return Challenge(method: .lightning, text: Text(fields: [], ways: [way]))
  }
}
