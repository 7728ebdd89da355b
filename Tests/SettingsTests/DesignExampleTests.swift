import Settings
import Gate
import Testing
import X402

@Suite("The example of the design")
struct DesignExampleTests {
  /// What this release does not do is named; every other line is read.
  @Test("its keys are all known, and each thing of a later release is named with its line")
  func laterReleases() {
    let yaml = """
      listen: { proxy: 127.0.0.1:8080, grpc: 127.0.0.1:9001, public: 127.0.0.1:8081, admin: 127.0.0.1:9090 }
      keys: ./keys
      store: sqlite:./turnpike.db            # or postgresql://…
      deadline: 29s                          # proxies in front wait 30 s on priced routes
      payments:
        cashu: { unit: sat, mints: [{ url: "http://127.0.0.1:3338", exposure: 100000 }], offline: preferred }
        x402:  { facilitator: "http://127.0.0.1:4021", payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", accept: [{ network: "eip155:84532", asset: USDC, rpc: "http://127.0.0.1:8545" }] }
      routes:
        - { path: /health, access: free }
        - { path: "/api/**", price: { sat: 10, usd: "0.001" }, pass: { uses: 1 } }
        - { path: "/reports/**", price: { sat: 100 }, pass: { duration: 1h } }
        - { path: "/session/carta/**", access: session }
        - { path: /ssh, price: { satPerHour: 100 }, provision: ssh }
      default: deny
      workloads: { backend: local, ports: 22000-22999, memory: 256Mi }
      """
    let found = problems(yaml)
    #expect(
      found.map { "\($0.line ?? 0) \($0.path)" } == [
        "12 routes[3].access"
      ])
    #expect(found.allSatisfy { $0.message.contains("not in this release") })
  }

  @Test("without them it is read as it says")
  func thisRelease() throws {
    let outcome = try read(
      """
      listen: { proxy: 127.0.0.1:8080, grpc: 127.0.0.1:9001, public: 127.0.0.1:8081, admin: 127.0.0.1:9090 }
      keys: ./keys
      store: sqlite:./turnpike.db
      deadline: 29s
      payments:
        cashu: { unit: sat, mints: [{ url: "http://127.0.0.1:3338", exposure: 100000 }], offline: preferred }
        x402:  { facilitator: "http://127.0.0.1:4021", payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", accept: [{ network: "eip155:84532", asset: USDC, rpc: "http://127.0.0.1:8545" }] }
      routes:
        - { path: /health, access: free }
        - { path: "/api/**", price: { sat: 10, usd: "0.001" }, pass: { uses: 1 } }
        - { path: "/reports/**", price: { sat: 100 }, pass: { duration: 1h } }
        - { path: /ssh, price: { satPerHour: 100 }, provision: ssh }
      default: deny
      workloads: { backend: local, ports: 22000-22999, memory: 256Mi }
      """)
    let configuration = outcome.configuration
    #expect(configuration.listeners[.proxy]?.address == .tcp(host: "127.0.0.1", port: 8080))
    #expect(configuration.listeners[.grpc]?.address == .tcp(host: "127.0.0.1", port: 9001))
    #expect(configuration.keysDirectory == "./keys")
    #expect(configuration.store == .sqlite(path: "./turnpike.db"))
    #expect(configuration.deadline == .seconds(29))
    #expect(configuration.callers == .local)
    #expect(configuration.cashu?.mints.map(\.url.text) == ["http://127.0.0.1:3338"])
    #expect(configuration.cashu?.mints.first?.exposure == 100_000)
    #expect(configuration.fallback == .deny)
    #expect(configuration.cashu?.offline == .preferred)
    #expect(configuration.x402?.accepts.map(\.asset.symbol) == ["USDC"])
    let usdc = Amount.Unit("eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e")
    #expect(
      try configuration.makeRouteTable().routes.map(\.tariff) == [
        nil,
        Tariff(prices: [Amount(10, .sat), Amount(1000, usdc)], terms: .uses(1)),
        Tariff(prices: [Amount(100, .sat)], terms: .duration(.seconds(3600))),
        Tariff(prices: [Amount(100, .sat)], terms: .rate(per: .seconds(3600), least: .seconds(60))),
      ])
    #expect(configuration.routes.last?.provision == WorkloadSpecName("ssh"))
    #expect(configuration.workloads?.specs.first?.spec.memoryBytes == 256 << 20)
    #expect(outcome.warnings.isEmpty)
  }

  @Test("a file without routes denies everything, on local listeners")
  func empty() throws {
    let outcome = try read("routes: []")
    #expect(outcome.configuration.listeners[.proxy]?.address.isLocal == true)
    #expect(outcome.configuration.fallback == .deny)
    #expect(outcome.configuration.routes.isEmpty)
    #expect(outcome.warnings.map(\.path) == ["routes"])
  }
}
