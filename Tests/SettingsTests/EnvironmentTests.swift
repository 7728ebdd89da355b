import Gate
import Settings
import Testing

@Suite("Variables")
struct EnvironmentTests {
  @Test("each stands over the file")
  func overrides() throws {
    let yaml = """
      listen: { proxy: 127.0.0.1:1, grpc: 127.0.0.1:2, public: 127.0.0.1:3, admin: 127.0.0.1:4 }
      keys: a
      store: sqlite:a
      deadline: 1s
      log: { level: info, format: text }
      """
    let environment = [
      "TURNPIKE_PROXY_LISTEN": "127.0.0.1:5", "TURNPIKE_GRPC_LISTEN": "off",
      "TURNPIKE_PUBLIC_LISTEN": "[::1]:7",
      "TURNPIKE_ADMIN_LISTEN": "unix:/run/admin", "TURNPIKE_KEYS": "b", "TURNPIKE_STORE": "sqlite:b",
      "TURNPIKE_DEADLINE": "2s", "TURNPIKE_TRUST": "network", "TURNPIKE_LOG_LEVEL": "debug",
      "TURNPIKE_LOG_FORMAT": "json",
    ]
    let configuration = try read(yaml, environment: environment).configuration
    #expect(configuration.listeners[.proxy]?.address == .tcp(host: "127.0.0.1", port: 5))
    #expect(configuration.listeners[.grpc] == nil)
    #expect(configuration.listeners[.public]?.address == .tcp(host: "::1", port: 7))
    #expect(configuration.listeners[.admin]?.address == .unix(path: "/run/admin"))
    #expect(configuration.keysDirectory == "b")
    #expect(configuration.store == .sqlite(path: "b"))
    #expect(configuration.deadline == .seconds(2))
    #expect(configuration.callers == .network)
    #expect(configuration.log.level == .debug)
    #expect(configuration.log.format == .json)
  }

  @Test("a bad one is named; it has no line")
  func bad() {
    let found = problems(
      "routes: []",
      environment: ["TURNPIKE_DEADLINE": "soon", "TURNPIKE_STORE": "postgres://u:geheim@h/d?password=geheim"])
    #expect(Set(found.map(\.path)) == ["TURNPIKE_DEADLINE", "TURNPIKE_STORE"])
    #expect(found.allSatisfy { $0.line == nil })
    #expect(found.allSatisfy { !$0.description.contains("geheim") })
  }

  @Test("an empty one is as if absent")
  func empty() throws {
    #expect(
      try read("deadline: 3s", environment: ["TURNPIKE_DEADLINE": ""]).configuration.deadline == .seconds(3))
  }

  @Test("`BIND_ADDR` sets the public listener, unless our own variable does")
  func bindAddress() throws {
    let address = BindAddress.tcp(host: "0.0.0.0", port: 8080)
    let off = "listen: { proxy: off }"
    let one = try read(off, environment: ["BIND_ADDR": "0.0.0.0:8080"])
    #expect(one.configuration.listeners[.public]?.address == address)
    let both = ["BIND_ADDR": "0.0.0.0:8080", "TURNPIKE_PUBLIC_LISTEN": "127.0.0.1:5"]
    let two = try read(off, environment: both)
    #expect(two.configuration.listeners[.public]?.address == .tcp(host: "127.0.0.1", port: 5))
  }

  @Test("`LOG_LEVEL` sets the level where it means one, and is no mistake where it does not")
  func logLevel() throws {
    #expect(try read("routes: []", environment: ["LOG_LEVEL": "DEBUG"]).configuration.log.level == .debug)
    #expect(try read("routes: []", environment: ["LOG_LEVEL": "WARN"]).configuration.log.level == .warning)
    #expect(try read("routes: []", environment: ["LOG_LEVEL": "17"]).configuration.log.level == .info)
    #expect(
      try read("log: { level: error }", environment: ["LOG_LEVEL": "debug"]).configuration.log.level == .error
    )
  }

  @Test("those of workloads are named in one warning")
  func workloads() throws {
    let environment = ["POD_NAMESPACE": "x", "SSH_BASE_IMAGE": "y"]
    let warnings = try read("routes: []", environment: environment).warnings.filter { $0.path != "routes" }
    #expect(warnings.count == 1)
    #expect(warnings.first?.path == "POD_NAMESPACE, SSH_BASE_IMAGE")
    #expect(warnings.first?.message.contains("no machines are sold") == true)
  }

  @Test("those of session routes, and those with another home here, are named too")
  func others() throws {
    let environment = ["TARGET_NAMESPACE": "x", "WHITELISTED_MINTS": "https://m"]
    let warnings = try read("routes: []", environment: environment).warnings
    #expect(warnings.contains { $0.path == "TARGET_NAMESPACE" && $0.message.contains("session routes") })
    #expect(
      warnings.contains { $0.path == "WHITELISTED_MINTS" && $0.message.contains("payments.cashu.mints") })
  }

  @Test("a slip in our own is warned of, what Kubernetes sets is not")
  func slips() throws {
    let environment = [
      "TURNPIKE_STROE": "sqlite:x", "TURNPIKE_PORT": "tcp://10.0.0.1:80", "TURNPIKE_SERVICE_HOST": "10.0.0.1",
      "TURNPIKE_GRPC": "http://127.0.0.1:9001", "TURNPIKE_ADMIN": "x",
    ]
    let warnings = try read("routes: []", environment: environment).warnings.filter { $0.path != "routes" }
    #expect(warnings.map(\.path) == ["TURNPIKE_STROE"])
    #expect(warnings.first?.message.contains("`TURNPIKE_STORE`") == true)
  }

  @Test("the password of the store comes apart from it, and no text shows either")
  func storePassword() throws {
    let text = "postgres://turnpike@db:5433/ledger?sslmode=require"
    let yaml = "store: \(text)"
    let environment = ["TURNPIKE_STORE_PASSWORD": "p@ss/w:rd"]
    guard case .postgreSQL(let location) = try read(yaml, environment: environment).configuration.store else {
      Issue.record("no PostgreSQL")
      return
    }
    #expect(location.reveal() == "postgresql://turnpike:p%40ss%2fw%3ard@db:5433/ledger?sslmode=require")
    #expect(location.description == "postgresql://turnpike@db:5433/ledger?sslmode=require")
    let written = try StoreLocation("postgresql://u:a%40b@h/d")
    #expect(written.description == "postgresql://u:redacted@h/d")
    #expect(try StoreLocation("postgresql://u:a%40b@h/d") == written)
    guard case .postgreSQL(let other) = written else { return }
    #expect(other.reveal() == "postgresql://u:a%40b@h/d")
  }

  @Test("facilitator, payee and public address may differ per deployment")
  func x402() throws {
    let yaml = """
      payments: { x402: { facilitator: "https://a.example", accept: [{ network: "eip155:8453", rpc: "https://r.example" }] } }
      """
    let payee = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
    let environment = [
      "TURNPIKE_X402_FACILITATOR": "https://b.example", "TURNPIKE_X402_PAY_TO": payee,
      "TURNPIKE_PUBLIC_URL": "https://pay.example",
    ]
    let configuration = try read(yaml, environment: environment).configuration
    #expect(configuration.x402?.facilitators.map(\.url.text) == ["https://b.example"])
    #expect(configuration.x402?.accepts.map(\.payTo) == [payee])
    #expect(configuration.publicAPI.url?.text == "https://pay.example")
  }
}

@Suite("Paygress's prices")
struct PaygressPriceTests {
  private static let yaml = withCashu("  - { path: /a }\n  - { path: /b, price: { sat: 3 } }")

  private func tariff(_ environment: [String: String], unit: String = "sat") throws -> Tariff? {
    try read(withCashu("  - { path: /a }", unit: unit), environment: environment).configuration
      .makeRouteTable()
      .routes[0].tariff
  }

  @Test("`PAYMENT_RATE_SATS_PER_HOUR` is the price of routes that have none, with its minimum")
  func rate() throws {
    let hour: Duration = .seconds(3600)
    #expect(
      try self.tariff(["PAYMENT_RATE_SATS_PER_HOUR": "100"])
        == Tariff(prices: [Amount(100, .sat)], terms: .rate(per: hour)))
    #expect(
      try self.tariff(["PAYMENT_RATE_SATS_PER_HOUR": "100", "MINIMUM_POD_DURATION_SECONDS": "60"])
        == Tariff(prices: [Amount(100, .sat)], terms: .rate(per: hour, least: .seconds(60))))
    let table = try read(Self.yaml, environment: ["PAYMENT_RATE_SATS_PER_HOUR": "100"]).configuration
      .makeRouteTable()
    #expect(table.routes[1].tariff == Tariff(prices: [Amount(3, .sat)], terms: .uses(1)))
  }

  @Test("`DEFAULT_PAYMENT_AMOUNT` counts msat: whole sat or nothing")
  func amount() throws {
    #expect(try self.tariff(["DEFAULT_PAYMENT_AMOUNT": "1000"])?.prices == [Amount(1, .sat)])
    #expect(
      try self.tariff(["DEFAULT_PAYMENT_AMOUNT": "1500"], unit: "msat")?.prices == [
        Amount(1500, .init("msat"))
      ])
    let found = problems(withCashu("  - { path: /a }"), environment: ["DEFAULT_PAYMENT_AMOUNT": "1500"])
    #expect(found.first?.message.contains("no whole sat") == true, "\(found)")
  }

  @Test(
    "what means no price stops the start", arguments: ["", "0", "-1", "1.5", "free"])
  func bad(value: String) {
    let found = problems(withCashu("  - { path: /a }"), environment: ["PAYMENT_RATE_SATS_PER_HOUR": value])
    #expect(found.count == 1, "\(found)")
  }

  @Test("both are refused: one says what a request costs, the other what an hour does")
  func both() {
    let environment = ["PAYMENT_RATE_SATS_PER_HOUR": "100", "DEFAULT_PAYMENT_AMOUNT": "1000"]
    #expect(
      problems(withCashu("  - { path: /a }"), environment: environment).map(\.path) == [
        "DEFAULT_PAYMENT_AMOUNT"
      ])
  }

  @Test("where every route has its own price they are named and ignored")
  func unused() throws {
    let yaml = withCashu("  - { path: /b, price: { sat: 3 } }")
    for name in ["PAYMENT_RATE_SATS_PER_HOUR", "DEFAULT_PAYMENT_AMOUNT"] {
      #expect(try read(yaml, environment: [name: "1000"]).warnings.map(\.path) == [name])
    }
  }
}
