import Foundation
import Gate
import Store
import TestKit
import Testing

@testable import Provisioner

/// The service on the real backend and a real book: bubblewrap, sshd, SQLite, the stock client.
@Suite("Machines on this host, bought", .serialized, .timeLimit(.minutes(2)))
struct ProvisionerOnThisHostTests {
  private static let ports: ClosedRange<UInt16> = 24_300...24_309

  @Test("bought, logged in to, kept over a restart, topped up, and gone with its last paid second")
  func wholeLife() async throws {
    try await withLocalHost(Self.ports) { host in
      let folder = "\(host.folder)-book"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let path = "\(folder)/book.db"
      let serial = try await Self.pay(8, "one", at: path, onto: nil)
      let password = "pw-\(UInt64.random(in: 0...UInt64.max))"

      let first = try await Self.withOffice(host.backend, path) { office in
        let id = try await office.machine(serial).id
        let access = try #require(try await office.login(id, password))
        let lease = try await Self.ready(id, office)
        #expect(access.port == lease.port)
        let machine = Machine(lease: lease, password: password, folder: host.folder)
        #expect(access.knownHosts == "[127.0.0.1]:\(machine.port) \(lease.hostKey ?? "")")
        let ran = try await machine.ssh("id -un")
        #expect(ran.output == "dev\n", "\(ran.errors)")
        return machine
      }

      _ = try await Self.pay(4, "two", at: path, onto: serial)
      let next = try await LocalHost(ports: Self.ports, folder: host.folder)
      let end = try await Self.withOffice(next.backend, path) { office in
        let lease = try await Self.ready(first.lease.id, office)
        #expect(lease.handle == first.lease.handle)
        #expect(lease.end == first.lease.end + .seconds(4))
        #expect(try await first.ssh("true").status == 0)
        while try await office.lease(lease.id)?.state.isLive == true {
          try await Task.sleep(for: .milliseconds(5))
        }
        return lease.end
      }
      let now = LocalHost.Clock().now()
      #expect(now >= end)
      #expect(kill(first.pid, 0) == -1)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: host.folder)
          .allSatisfy { $0.hasPrefix("known-") || $0 == "workload-init" }
      )
    }
  }

  private static func open(_ path: String) throws -> TransactionalLedger {
    try SQLiteLedger.open(at: path, clock: LocalHost.Clock())
  }

  private static func withOffice<R: Sendable>(
    _ backend: LocalBackend, _ path: String, _ body: @Sendable @escaping (Provisioner) async throws -> R
  ) async throws -> R {
    let settings = ProvisionerSettings(host: "127.0.0.1", specs: [LocalHost.spec], maximum: 10)
    let office = Provisioner(
      book: try Self.open(path), backend: backend, settings: settings, clock: LocalHost.Clock())
    return try await withThrowingTaskGroup(of: R?.self) { group in
      group.addTask {
        await office.run()
        return nil
      }
      group.addTask { try await body(office) }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw Town.Gone()
    }
  }

  /// So many seconds of a machine.
  private static func pay(_ seconds: UInt64, _ name: String, at path: String, onto: Serial?) async throws
    -> Serial
  {
    let payment = VerifiedPayment(
      id: PaymentID(name), method: .cashu, nullifiers: [Nullifier(Array(name.utf8))],
      value: Amount(seconds, .sat),
      counterpart: "https://mint.example", plan: [], trust: .reservation(limit: .max, beyond: .refuse))
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .rate(per: .seconds(1)))
    let outcome = try await Self.open(path).claim(
      Reservation(
        payment: payment, scope: GrantScope(route: RouteID("ssh"), host: ""), tariff: tariff,
        lease: .seconds(60), onto: onto))
    switch consume outcome {
    case .standing(.granted(let grant)): return grant.serial
    case .standing: throw Town.Gone()
    case .claimed: throw Town.Gone()
    }
  }

  private static func ready(_ id: WorkloadID, _ office: Provisioner) async throws -> Lease {
    while true {
      let lease = try #require(try await office.lease(id))
      if lease.state == .ready, lease.toldEnd == lease.end { return lease }
      try #require(lease.state.isLive, "\(lease.note ?? "")")
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}
