internal import Yams

/// The price of routes that name neither `access` nor `price`: the key `price`, or the variables of Paygress that say
/// what everything costs.
struct DefaultPrice {
  /// Nil: there is none.
  let item: Item?
  /// The variables that gave it.
  private let variables: [String]
  private let findings: Findings

  private static let rate = "PAYMENT_RATE_SATS_PER_HOUR"
  private static let minimum = "MINIMUM_POD_DURATION_SECONDS"
  private static let amount = "DEFAULT_PAYMENT_AMOUNT"

  init(root: Section<RootKey>, surroundings: Surroundings) {
    self.findings = root.findings
    let rate = surroundings.item(named: Self.rate, root.findings)
    let amount = surroundings.item(named: Self.amount, root.findings)
    switch (rate, amount) {
    case (nil, nil):
      self.item = root.item(.price)
      self.variables = []
    case (let rate?, let amount):
      amount?.refuse(
        "stands beside `\(Self.rate)`: one says what a request costs, the other what an hour does; unset one")
      let least = surroundings.value(Self.minimum)
      self.item = Self.price(
        [("satPerHour", surroundings.value(Self.rate)), ("minimum", least.map { $0 + "s" })], rate)
      self.variables = [Self.rate] + (least == nil ? [] : [Self.minimum])
    case (nil, let amount?):
      // What Paygress's own `/auth` takes where a request names no amount is counted in msat.
      self.item = Self.price([("msat", surroundings.value(Self.amount))], amount)
      self.variables = [Self.amount]
    }
  }

  /// As if the file said so.
  private static func price(_ pairs: [(String, String?)], _ item: Item) -> Item {
    let nodes = pairs.compactMap { key, value in value.map { (Node(key), Node($0)) } }
    return item.below(Node(nodes), at: item.location)
  }

  /// Says so where no route took it.
  func close(users: Int) {
    guard users == 0 else { return }
    for name in self.variables {
      self.findings.warn(
        "ignored: every route has its own `price` or `access`", at: Location(path: name, line: nil))
    }
    if self.variables.isEmpty {
      self.item?.warn("means nothing: every route has its own `price` or `access`")
    }
  }
}
