import Settings
import Testing

@Suite("The effective configuration")
struct EffectiveConfigurationTests {
  private static let secret = "a-secret-of-the-proxy"
  private static let files = ["c": "", "k": "", "ca": "", "s": "another-secret-of-it", "/etc/kc": ""]
  private static let environment = ["KEY": "Bearer geheim", "RPC": "https://rpc.example/v2/geheim"]
  private static let yaml = """
    listen: { proxy: 0.0.0.0:1, grpc: "[::]:2", public: off, admin: unix:/run/a b }
    tls: { grpc: { cert: c, key: k, clientCA: ca } }
    keys: /var/lib/keys
    public: { url: "https://pay.example.com", clientAddress: x-real-ip }
    store: postgresql://turnpike@db.example.com/ledger?sslmode=require
    deadline: 1500ms
    proxies: [{ name: e }, { secretFile: s }, { cidr: 10.0.0.0/8 }]
    nginx: { repeats: true, accelLocation: /app }
    paygress: { proxy: ingress-nginx }
    payments:
      cashu: { mints: [{ url: "https://Mint.example.com/Bitcoin/", exposure: 5 }], offline: preferred, maxFeePercent: 3,
               redeem: { proofs: 50, every: 10s }, lightning: {}, payout: { above: 9, keep: 3, to: a@b.example } }
      x402:
        facilitator:
          - { url: "https://one.example/x", networks: ["base"], authorization: { env: KEY }, timeout: 5s }
          - { url: "https://two.example", authorization: { file: s } }
        payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
        versions: [2]
        accept:
          - { network: "eip155:8453", asset: usdc, rpc: { env: RPC } }
          - { network: "eip155:84532", asset: { address: "0x0000000000000000000000000000000000000001", name: Own Coin, version: "1", decimals: 18 }, transfer: permit2, rpc: "https://rpc.example", maxTimeout: 1m }
    routes:
      - { path: /a, access: free, hosts: ["*.example.com"], cors: { origins: ["https://a.example"] } }
      - { id: "true", path: "/b/**", methods: [GET], tier: "g \\"x\\"", price: { sat: 3, usd: "0.001" }, pass: { uses: 4, duration: 1d2h }, free: { requests: 3, per: 1h }, covers: [rent] }
      - { id: rent, path: /c, price: { satPerHour: 9, minimum: 10m }, cors: { origins: "*" } }
      - { path: /d, access: deny }
      - { path: /m, price: { satPerHour: 9, usdPerHour: "0.05" }, provision: big }
    workloads:
      { backend: kubernetes, ports: 30000-30009, listen: 0.0.0.0, host: ssh.example.com, max: 7, username: me, admin: { env: KEY },
        kubernetes: { namespace: pods, kubeconfig: /etc/kc, image: linuxserver, priorityClass: paid, runtimeClass: gvisor },
        cpu: 1.5, memory: 1Gi, disk: 3Gi, network: outbound, images: [a/b:1], specs: [{ name: big, memory: 4Gi }] }
    default: free
    unpaid: { requests: 60, per: 1m }
    passes: { timeLeft: true }
    log: { level: debug, format: json }
    """

  @Test("is a file that gives it again")
  func roundTrip() throws {
    let first = try read(Self.yaml, environment: Self.environment, files: Self.files).configuration
    let second = try read(first.effectiveYAML, environment: Self.environment, files: Self.files).configuration
    #expect(first.effectiveYAML == second.effectiveYAML)
    #expect(first.listeners == second.listeners)
    #expect(first.callers == second.callers)
    #expect(first == second)
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
        public: { clientAddress: connection }
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
    let configuration = try read(
      """
      proxies: [{ secret: \(Self.secret) }]
      store: postgresql://u:\(Self.secret)@h/d
      payments:
        x402:
          facilitator: [{ url: "https://f.example", authorization: "Bearer \(Self.secret)" }]
          accept: [{ network: base, payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C" }]
      """
    ).configuration
    #expect(configuration.effectiveYAML.contains("authorization: \"<redacted>\""))
    #expect(!configuration.effectiveYAML.contains(Self.secret))
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
