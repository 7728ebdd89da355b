/// What one request owes: the tariff of its route, and where the right is bound to.
public struct Quote: Sendable {
  public var tariff: Tariff
  public var scope: GrantScope

  public init(tariff: Tariff, scope: GrantScope) {
    self.tariff = tariff
    self.scope = scope
  }

  /// The least amount that buys anything: the price, or with a rate one second (rounded up).
  public func minimum(in unit: Amount.Unit) -> Amount? {
    guard let price = self.tariff.price(in: unit) else { return nil }
    guard case .rate(let per) = self.tariff.terms else { return price }
    let seconds = UInt64(max(1, per.inMilliseconds / 1000))
    return Amount(max(1, (price.value + seconds - 1) / seconds), unit)
  }
}

/// Where a right holds: one route on one host. Another route refuses it unless its `covers:` names it.
public struct GrantScope: Hashable, Sendable {
  public var route: RouteID
  /// Canonical; empty where the proxy tells no host.
  public var host: String

  public init(route: RouteID, host: String) {
    self.route = route
    self.host = host
  }
}

/// How one scheme asks to be paid: the header fields it adds to a 402.
public struct Challenge: Hashable, Sendable {
  public struct Field: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  public var method: PaymentMethod
  public var fields: [Field]

  public init(method: PaymentMethod, fields: [Field]) {
    self.method = method
    self.fields = fields
  }
}
