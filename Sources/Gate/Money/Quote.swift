/// What one request owes: the tariff of its route, and where the right is bound to.
public struct Quote: Hashable, Sendable {
  public var tariff: Tariff
  public var scope: GrantScope

  public init(tariff: Tariff, scope: GrantScope) {
    self.tariff = tariff
    self.scope = scope
  }

  /// The least amount that buys anything: the price, or with a rate its least time (rounded up).
  public func minimum(in unit: Amount.Unit) -> Amount? {
    guard let price = self.tariff.price(in: unit) else { return nil }
    guard case .rate(let per, let least) = self.tariff.terms else { return price }
    let span = UInt128(max(1, per.inMilliseconds))
    let value = (UInt128(price.value) * UInt128(max(1000, least.inMilliseconds)) + span - 1) / span
    return Amount(max(1, UInt64(clamping: value)), unit)
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

/// How one scheme asks to be paid: what it adds to a 402.
public struct Challenge: Sendable {
  /// The request that a 402 answers.
  public struct Occasion: Sendable {
    /// The resource as the client named it: an absolute URL where the proxy tells a host, else a path.
    public var resource: String
    /// The public reason code of the 402.
    public var reason: String

    public init(resource: String, reason: String) {
      self.resource = resource
      self.reason = reason
    }
  }

  /// What one 402 says of one scheme.
  public struct Text: Hashable, Sendable {
    public var fields: [Field]
    /// Members of the JSON body.
    public var members: [Member]
    /// For people: what the HTML page shows.
    public var ways: [Way]

    public init(fields: [Field], members: [Member] = [], ways: [Way] = []) {
      self.fields = fields
      self.members = members
      self.ways = ways
    }
  }

  /// A member of the JSON body: its value is JSON text.
  public struct Member: Hashable, Sendable {
    public var name: String
    public var json: String

    public init(_ name: String, json: String) {
      self.name = name
      self.json = json
    }
  }

  /// One way to pay that a person can follow.
  public struct Way: Hashable, Sendable {
    /// What the wallet must speak: "Cashu ecash", "x402 (USDC on Base)".
    public var title: String
    /// As a person reads it: "10 sat", "0.01 USDC".
    public var price: String
    /// What is copied and shown as a QR code; nil where a page can only name the way.
    public var code: String?
    /// An absolute address to which a form is posted, with the request's URL as `url`; nil where nothing is to be ordered.
    public var order: String?

    public init(title: String, price: String, code: String?, order: String? = nil) {
      self.title = title
      self.price = price
      self.code = code
      self.order = order
    }
  }

  public struct Field: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  public var method: PaymentMethod
  private let write: @Sendable (Occasion) -> Text

  /// A challenge that differs from one 402 to the next: `write` is called for each, on the event loop.
  public init(method: PaymentMethod, write: @escaping @Sendable (Occasion) -> Text) {
    self.method = method
    self.write = write
  }

  /// The same for every 402.
  public init(method: PaymentMethod, text: Text) { self.init(method: method) { _ in text } }

  public init(method: PaymentMethod, fields: [Field]) {
    self.init(method: method, text: Text(fields: fields))
  }

  public func text(for occasion: Occasion) -> Text { self.write(occasion) }
}
