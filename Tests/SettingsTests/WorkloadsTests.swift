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
    let yaml =
      "workloads: { backend: kubernetes, ports: 22000-22001, host: other.example, max: 2 }\nroutes: []"
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

  @Test("the least that a rate for machines sells is a minute, where nothing else is said")
  func least() throws {
    func tariff(_ route: String) throws -> Tariff? {
      let yaml = withCashu("  - { path: /m, \(route) }") + "\nworkloads: {}"
      let configuration = try read(yaml).configuration
      #expect(try read(configuration.effectiveYAML).configuration == configuration)
      return try configuration.makeRouteTable().routes.first?.tariff
    }
    let hour = Duration.seconds(3600)
    let machine = try #require(try tariff("price: { satPerHour: 100 }, provision: ssh"))
    #expect(machine.terms == .rate(per: hour, least: .seconds(60)))
    #expect(
      Quote(tariff: machine, scope: GrantScope(route: RouteID("m"), host: "")).minimum(in: .sat)?.value == 2)
    #expect(
      try tariff("price: { satPerHour: 100, minimum: 10s }, provision: ssh")?.terms
        == .rate(per: hour, least: .seconds(10)))
    #expect(try tariff("price: { satPerHour: 100 }")?.terms == .rate(per: hour))
    func warnings(_ price: String) throws -> [String] {
      try read(withCashu("  - { path: /m, price: \(price), provision: ssh }") + "\nworkloads: {}")
        .warnings.map(\.message)
    }
    #expect(try warnings("{ satPerHour: 100 }").isEmpty)
    #expect(try warnings("{ satPerHour: 60 }").count == 1)
    #expect(try warnings("{ satPerHour: 60, minimum: 10m }").isEmpty)
    #expect(
      try tariff("price: { sat: 100 }, pass: { duration: 1h }, provision: ssh")?.terms == .duration(hour))
  }

  @Test("the login name is one that a buyer could choose", arguments: ["root", "Dev", "9a", "sshd", "a b"])
  func username(name: String) throws {
    let found = problems("workloads:\n  username: \"\(name)\"\nroutes: []")
    #expect(found.map(\.path) == ["workloads.username"])
    #expect(found.first?.line == 2)
    #expect(try read("workloads: { username: ada }\nroutes: []").configuration.workloads?.username == "ada")
  }

  @Test(
    "our image is published nowhere, so it must be named; of the other's default it is said that it moves")
  func images() throws {
    func yaml(_ more: String) -> String {
      "workloads: { backend: kubernetes\(more) }\nroutes: [{ path: /a, access: free }]"
    }
    let found = problems(yaml(""))
    #expect(found.map(\.path) == ["workloads.images"])
    #expect(found.first?.message.contains("deploy/ssh-workload") == true)
    let named = try read(yaml(", images: [a/b@sha256:0]"))
    #expect(named.warnings.isEmpty)
    let theirs = try read(yaml(", kubernetes: { image: linuxserver }"))
    #expect(theirs.warnings.map(\.path) == ["workloads.images"])
    #expect(theirs.warnings.first?.message.contains(":latest") == true)
    #expect(try read(yaml(", kubernetes: { image: linuxserver }, images: [a]")).warnings.isEmpty)
  }

  @Test("a kubeconfig that is not there is found before the start")
  func kubeconfig() throws {
    let yaml = "workloads: { backend: kubernetes, images: [a], kubernetes: { kubeconfig: kc } }\nroutes: []"
    #expect(problems(yaml).map(\.path) == ["workloads.kubernetes.kubeconfig"])
    #expect(try read(yaml, files: ["kc": ""]).configuration.workloads?.cluster?.kubeconfig == "kc")
  }

  @Test("more machines than ports are warned of")
  func ports() throws {
    let warnings = try read("workloads: { ports: 22000-22003, max: 50 }\nroutes: []").warnings
    #expect(warnings.map(\.path).contains("workloads.max"))
    #expect(
      try !read("workloads: { ports: 22000-22003, max: 4 }\nroutes: []").warnings.map(\.path)
        .contains("workloads.max"))
  }

  @Test("a secret that every user of the host can read is warned of, wherever it is named")
  func openSecrets() throws {
    let yaml = "workloads: { admin: { file: a } }\nproxies: [{ secretFile: b }]\nroutes: []"
    let secrets = ["a": "sixteen-bytes-it-is", "b": "sixteen-bytes-it-is"]
    func warned(open: Set<String>) throws -> Set<String> {
      let surroundings = Surroundings(environment: [:], isOpenToAll: { open.contains($0) }) {
        path throws(UnreadableFile) in Array((secrets[path] ?? "").utf8)
      }
      let warnings = try ConfigurationReader.read(yaml, surroundings: surroundings).warnings
      return Set(warnings.filter { $0.message.contains("every user") }.map(\.path))
    }
    #expect(try warned(open: ["a", "b"]) == ["workloads.admin.file", "proxies[0].secretFile"])
    #expect(try warned(open: []).isEmpty)
  }
}
