import Gate
import Settings
import Testing

@Suite("Machines in the configuration")
struct WorkloadsTests {
  @Test("have defaults: local, 22000 to 22999, half a core and 256 MiB, half of that as files")
  func defaults() throws {
    let found = try #require(try read("workloads: {}\nroutes: []").configuration.workloads)
    #expect(found.backend == .local)
    #expect(found.ports == 22000...22999)
    #expect(found.listen == "127.0.0.1")
    #expect(found.cluster == nil)
    #expect(found.admin == nil)
    let spec = try #require(found.specs.first)
    #expect(found.specs.count == 1)
    #expect(spec.name == WorkloadSpecName("ssh"))
    #expect(spec.spec.milliCPU == 500)
    #expect(spec.spec.memoryBytes == 256 << 20)
    #expect(spec.spec.diskBytes == 128 << 20)
    #expect(spec.spec.network == .none)
  }

  @Test("a kind has what it does not say from `workloads` itself")
  func kinds() throws {
    let yaml = """
      workloads: { cpu: 250m, processes: 64, specs: [{ name: large, memory: 2Gi, cpu: 2 }] }
      routes: []
      """
    let large = try #require(try read(yaml).configuration.workloads?.specs.last)
    #expect(large.name == WorkloadSpecName("large"))
    #expect(large.spec.milliCPU == 2000)
    #expect(large.spec.processes == 64)
    #expect(large.spec.memoryBytes == 2 << 30)
    #expect(large.spec.diskBytes == 1 << 30)
  }

  @Test("the variables of Paygress stand over the file")
  func variables() throws {
    let environment = [
      "POD_NAMESPACE": "theirs", "SSH_BASE_IMAGE": "their/image", "SSH_HOST": "ssh.example.com",
      "SSH_PORT_RANGE_START": "30000", "SSH_PORT_RANGE_END": "30009",
    ]
    let yaml = "workloads: { backend: kubernetes, ports: 22000-22001, host: other.example }\nroutes: []"
    let found = try #require(try read(yaml, environment: environment).configuration.workloads)
    #expect(found.cluster?.namespace == "theirs")
    #expect(found.specs.first?.spec.images == ["their/image"])
    #expect(found.host == "ssh.example.com")
    #expect(found.ports == 30000...30009)
  }

  @Test("a route provisions a kind that is sold, for a price that buys time")
  func routes() throws {
    let yaml = withCashu("  - { path: /m, price: { satPerHour: 100 }, provision: ssh }") + "\nworkloads: {}"
    let configuration = try read(yaml).configuration
    #expect(configuration.routes.first?.provision == WorkloadSpecName("ssh"))
    #expect(try configuration.makeRouteTable().routes.first?.provision == WorkloadSpecName("ssh"))
    let wrong: [(route: String, says: String)] = [
      ("price: { satPerHour: 1 }, provision: shh", "did you mean `ssh`?"),
      ("price: { sat: 1 }, provision: ssh", "buys time"),
      ("price: { sat: 1 }, pass: { uses: 2, duration: 1h }, provision: ssh", "buys time"),
      ("access: free, provision: ssh", "buys time"),
      ("price: { satPerHour: 1 }, free: { requests: 1, per: 1h }, provision: ssh", "not free"),
      ("price: { satPerHour: 1 }, covers: [x], provision: ssh", "for that machine"),
    ]
    for (route, says) in wrong {
      let found = problems(withCashu("  - { path: /m, \(route) }") + "\nworkloads: {}")
      #expect(found.contains { $0.message.contains(says) }, "\(route): \(found.map(\.message))")
    }
  }

  @Test("an hour has a price in sat and in dollars; a least time needs one of them only as a time")
  func hours() throws {
    let text = "routes: [{ path: /m, price: { satPerHour: 100, usdPerHour: \"0.05\", minimum: 10m } }]"
    let payments = """
      payments:
        cashu: { mints: [{ url: "https://mint.example.com" }] }
        x402: { facilitator: "https://f.example", payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", accept: [{ network: "eip155:84532", asset: USDC }] }

      """
    let tariff = try #require(try read(payments + text).configuration.makeRouteTable().routes.first?.tariff)
    #expect(tariff.terms == .rate(per: .seconds(3600), least: .seconds(600)))
    #expect(tariff.prices.map(\.value) == [100, 50_000])
    let found = problems(
      payments + "routes: [{ path: /m, price: { usdPerHour: \"0.05\", minimum: 10 } }]")
    #expect(found.contains { $0.message.contains("no `satPerHour`") })
  }
}
