import Gate
import Store
import Testing

func order(of serial: Serial, wishes: WorkloadWishes = WorkloadWishes()) -> WorkloadOrder {
  WorkloadOrder(serial: serial, route: paid.route, spec: WorkloadSpecName("ssh"), wishes: wishes)
}

private let hourForTen = Tariff(prices: [Amount(10, .sat)], terms: .duration(.seconds(3600)))

extension OrderOutcome {
  var lease: Lease? {
    switch self {
    case .opened(let lease), .live(let lease): lease
    case .over, .revoked, .otherRoute, .missing: nil
    }
  }
}

extension TransactionalLedger {
  /// A grant of an hour.
  func hour(_ name: String) async throws -> GrantRecord {
    try await self.granted(StoreTests.payment(name), tariff: hourForTen)
  }

  /// An hour more.
  func topUp(_ name: String, onto serial: Serial) async throws -> GrantRecord? {
    let reservation = Reservation(
      payment: StoreTests.payment(name), scope: paid, tariff: hourForTen, lease: StoreTests.lease,
      onto: serial)
    switch try await self.claim(reservation) {
    case .standing(let standing): return Standing(standing).grant
    case .claimed(let claim): return try await self.concluding(claim.term, .settled([piece(name, 10)])).grant
    }
  }

  func ordering(_ serial: Serial) async throws -> OrderOutcome {
    try await self.order(StoreTests.order(of: serial), as: .random(), in: "local")
  }

  func opening(_ serial: Serial, wishes: WorkloadWishes = WorkloadWishes(), in place: String = "local")
    async throws -> Lease
  {
    let order = StoreTests.order(of: serial, wishes: wishes)
    guard case .opened(let lease) = try await self.order(order, as: .random(), in: place) else {
      throw Outage(.outage, "No machine was opened.")
    }
    return lease
  }

  /// Up to the step before it is ready.
  func booting(_ ordered: Lease) async throws -> Lease {
    var lease = ordered
    let taken = Set(try await self.liveLeases(in: ordered.backend, limit: 100).compactMap(\.port))
    let port = try #require((22_000...22_100).first { !taken.contains($0) })
    for change in [
      LeaseChange.began(by: self.owner), .prepared(port: port, hostKey: "ssh-ed25519 AAAA"),
      .started(handle: "41 7"),
    ] {
      lease = try #require(try await self.change(lease, by: change))
    }
    return lease
  }

  /// A ready machine of an hour.
  func running(_ name: String) async throws -> Lease {
    let lease = try await self.booting(try await self.opening(try await self.hour(name).serial))
    return try #require(try await self.change(lease, by: .ready))
  }
}
