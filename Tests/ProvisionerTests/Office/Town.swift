import Gate
import Store
import Synchronization
import TestKit
import Testing

@testable import Provisioner

/// A book, a place with machines and a clock: what is there while processes come and go.
final class Town: Sendable {
  static let spec = WorkloadSpec(name: WorkloadSpecName("small"), images: ["debian", "alpine"])
  static let hour = Duration.seconds(3600)
  static let route = RouteID("ssh")

  let clock = ManualClock()
  let site = ScriptedSite()
  let book = MemoryBook()
  let events = Mutex<[String]>([])

  var settings: ProvisionerSettings {
    var settings = ProvisionerSettings(host: "ssh.example", specs: [Self.spec], maximum: 10)
    settings.rules.firstPause = .milliseconds(10)
    settings.rules.longestPause = .milliseconds(40)
    settings.rhythm.round = .milliseconds(20)
    settings.rhythm.tick = .milliseconds(5)
    settings.rhythm.reread = .milliseconds(10)
    return settings
  }

  /// A process that works until `body` returns, and is then killed with all it was doing.
  @discardableResult
  func withProcess<R: Sendable>(
    settings: ProvisionerSettings? = nil,
    _ body: @Sendable @escaping (Provisioner) async throws -> R
  ) async throws -> R {
    let provisioner = Provisioner(
      book: MemoryLedger.make(clock: self.clock, book: self.book), backend: ScriptedBackend(self.site),
      settings: settings ?? self.settings, clock: self.clock)
    return try await withThrowingTaskGroup(of: R?.self) { group in
      group.addTask {
        await provisioner.run()
        return nil
      }
      group.addTask { try await body(provisioner) }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw Gone()
    }
  }

  struct Gone: Error {}

  var ledger: TransactionalLedger { MemoryLedger.make(clock: self.clock, book: self.book) }

  /// Pays for an hour of a machine.
  func pay(_ name: String, onto: Serial? = nil) async throws -> Serial {
    let payment = VerifiedPayment(
      id: PaymentID(name), method: .cashu, nullifiers: [Nullifier(Array(name.utf8))],
      value: Amount(100, .sat),
      counterpart: "https://mint.example", plan: [], trust: .reservation(limit: .max, beyond: .refuse))
    let tariff = Tariff(prices: [Amount(100, .sat)], terms: .rate(per: Self.hour))
    let outcome = try await self.ledger.claim(
      Reservation(
        payment: payment, scope: GrantScope(route: Self.route, host: ""), tariff: tariff,
        lease: .seconds(60), onto: onto))
    switch consume outcome {
    case .standing(.granted(let grant)): return grant.serial
    case .standing: throw Gone()
    case .claimed: throw Gone()
    }
  }

  static func order(_ serial: Serial, key: String? = nil) -> WorkloadOrder {
    WorkloadOrder(
      serial: serial, route: Self.route, spec: Self.spec.name, wishes: WorkloadWishes(publicKey: key))
  }

  /// The row, as soon as it is as it should be.
  @discardableResult
  func lease(
    _ id: WorkloadID, _ comment: Comment? = nil, _ location: SourceLocation = #_sourceLocation,
    when isRight: (Lease) -> Bool
  ) async throws -> Lease {
    var last: Lease?
    for _ in 0..<2000 {
      last = try await self.ledger.lease(id)
      if let last, isRight(last) { return last }
      try await Task.sleep(for: .milliseconds(2))
    }
    Issue.record("the row stays \(last.map { "\($0)" } ?? "absent")", sourceLocation: location)
    throw Gone()
  }

  func settled(_ id: WorkloadID, _ location: SourceLocation = #_sourceLocation) async throws -> Lease {
    try await self.lease(id, nil, location) { $0.state == .ready && $0.toldEnd == $0.end }
  }

  func until(
    _ text: String, _ location: SourceLocation = #_sourceLocation, _ isRight: () -> Bool
  ) async throws {
    for _ in 0..<2000 {
      if isRight() { return }
      try await Task.sleep(for: .milliseconds(2))
    }
    Issue.record("never: \(text)", sourceLocation: location)
    throw Gone()
  }
}

extension Provisioner {
  /// Presents a grant that pays for a machine.
  func machine(_ serial: Serial, key: String? = nil) async throws -> Lease {
    guard case .lease(let lease, _) = try await self.present(Town.order(serial, key: key)) else {
      throw Town.Gone()
    }
    return lease
  }

  func login(_ id: WorkloadID, _ password: String?) async throws -> WorkloadAccess? {
    try await self.access(
      to: id, setting: password.map { ProposedPassword(WorkloadPassword($0)) }, until: .now + .seconds(20))
  }
}

extension WorkloadAccess {
  /// The password that it shows, or why it shows none.
  var told: String {
    switch self.password {
    case .untouched: "untouched"
    case .refused: "refused"
    case .set(let password): password.text
    }
  }
}
