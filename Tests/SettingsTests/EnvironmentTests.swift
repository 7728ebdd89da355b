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
      "routes: []", environment: ["TURNPIKE_DEADLINE": "soon", "TURNPIKE_STORE": "postgres://u:geheim@h/d"])
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
    let environment = ["PAYMENT_RATE_SATS_PER_HOUR": "100", "POD_NAMESPACE": "x", "SSH_BASE_IMAGE": "y"]
    let warnings = try read("routes: []", environment: environment).warnings.filter { $0.path != "routes" }
    #expect(warnings.count == 1)
    #expect(warnings.first?.path == "POD_NAMESPACE, PAYMENT_RATE_SATS_PER_HOUR, SSH_BASE_IMAGE")
    #expect(warnings.first?.message == "ignored: workloads are not in this release")
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
}
