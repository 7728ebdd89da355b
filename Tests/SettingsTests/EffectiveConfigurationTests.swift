import Settings
import Testing

@Suite("The effective configuration")
struct EffectiveConfigurationTests {
  private static let secret = "a-secret-of-the-proxy"
  private static let files = ["c": "", "k": "", "ca": "", "s": "another-secret-of-it"]
  private static let yaml = """
    listen: { proxy: 0.0.0.0:1, grpc: "[::]:2", public: off, admin: unix:/run/a b }
    tls: { grpc: { cert: c, key: k, clientCA: ca } }
    keys: /var/lib/keys
    store: sqlite:/var/lib/t.db
    deadline: 1500ms
    proxies: [{ name: e }, { secretFile: s }, { cidr: 10.0.0.0/8 }]
    nginx: { repeats: true, accelLocation: /app }
    paygress: { proxy: ingress-nginx }
    payments:
      cashu: { mints: [{ url: "https://Mint.example.com/Bitcoin/", exposure: 5 }], offline: preferred, maxFeePercent: 3 }
    routes:
      - { path: /a, access: free, hosts: ["*.example.com"], cors: { origins: ["https://a.example"] } }
      - { id: "true", path: "/b/**", methods: [GET], tier: "g \\"x\\"", price: { sat: 3, usd: "0.001" }, pass: { uses: 4, duration: 1d2h }, covers: [rent] }
      - { id: rent, path: /c, price: { satPerHour: 9 }, cors: { origins: "*" } }
      - { path: /d, access: deny }
    default: free
    log: { level: debug, format: json }
    """

  @Test("is a file that gives it again")
  func roundTrip() throws {
    let first = try read(Self.yaml, files: Self.files).configuration
    let second = try read(first.effectiveYAML, files: Self.files).configuration
    #expect(first.effectiveYAML == second.effectiveYAML)
    #expect(first.listeners == second.listeners)
    #expect(first.callers == second.callers)
    #expect(first.cashu == second.cashu)
    #expect(first.routes == second.routes)
    #expect(first.keysThatNeedRestart(since: second).isEmpty)
  }

  @Test("has every default")
  func defaults() throws {
    #expect(
      try read("routes: []").configuration.effectiveYAML == """
        listen:
          proxy: "127.0.0.1:8080"
          grpc: "127.0.0.1:9001"
          public: "127.0.0.1:8081"
          admin: "127.0.0.1:9090"
        keys: "./keys"
        store: "sqlite:./turnpike.db"
        deadline: 29s
        nginx:
          repeats: false
          accelLocation: "@app"
        routes: []
        default: deny
        log: { level: info, format: text }

        """)
  }

  @Test("shows no secret, and cannot be read back with one missing")
  func redacted() throws {
    let configuration = try read("proxies: [{ secret: \(Self.secret) }]").configuration
    let text = configuration.effectiveYAML
    #expect(text.contains("- { secret: \"<redacted>\" }"))
    #expect(!text.contains(Self.secret))
    #expect(problems(text).map(\.path) == ["proxies[0].secret"])
  }

  @Test("nothing that prints a configuration prints its secrets")
  func noPrint() throws {
    let configuration = try read("proxies: [{ secret: \(Self.secret) }]").configuration
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in [dumped, "\(configuration)", String(reflecting: configuration)] {
      #expect(!text.contains(Self.secret))
    }
  }

  @Test("what a reload cannot change is named")
  func restart() throws {
    let running = try read("routes: []").configuration
    let new = try read("store: sqlite:other\nlog: { level: debug }\nroutes: [{ path: /a, access: free }]")
      .configuration
    #expect(new.keysThatNeedRestart(since: running) == ["store"])
  }
}
