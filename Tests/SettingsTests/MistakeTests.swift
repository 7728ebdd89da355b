import Settings
import Testing

/// One mistake and what is said of it.
struct Mistake: Sendable, CustomTestStringConvertible {
  var yaml: String
  var path: String
  var line: Int
  var says: String

  init(_ yaml: String, _ path: String, line: Int, says: String) {
    self.yaml = yaml
    self.path = path
    self.line = line
    self.says = says
  }

  var testDescription: String { "\(self.path): \(self.says)" }
}

@Suite("A mistake in the file is named with its key and line")
struct MistakeTests {
  @Test(
    "whatever is wrong",
    arguments: Mistake.form + Mistake.top + Mistake.payments + Mistake.x402 + Mistake.routes)
  func named(mistake: Mistake) throws {
    let found = problems(mistake.yaml)
    let problem = try #require(found.first)
    #expect(found.count == 1, "\(found)")
    #expect(problem.path == mistake.path)
    #expect(problem.line == mistake.line)
    #expect(problem.message.contains(mistake.says), "\(problem.message)")
  }

  @Test("a file with nothing in it is refused", arguments: ["", "\n", "# nothing\n", "\0\u{1}"])
  func nothing(yaml: String) {
    #expect(problems(yaml).count == 1)
  }

  @Test("all of them in one run, in the order of the file")
  func all() {
    let found = problems("stroe: x\ndeadline: soon\nroutes:\n  - { path: api, access: fre }\n")
    #expect(found.map(\.line) == [1, 2, 4, 4])
    #expect(found.map(\.path) == ["stroe", "deadline", "routes[0].access", "routes[0].path"])
  }

  @Test("both of two keys that are written twice")
  func duplicates() {
    let found = problems("deadline: 1s\nkeys: a\ndeadline: 2s\nlog:\n  level: info\n  level: debug\n")
    #expect(found.map { "\($0.line ?? 0) \($0.path)" } == ["3 deadline", "6 log.level"])
    #expect(
      found.map(\.message) == [
        "is written twice; the first is on line 1", "is written twice; the first is on line 5",
      ])
  }

  @Test("also where lines end as on Windows")
  func duplicatesWithCarriageReturns() {
    let found = problems("deadline: 1s\r\nkeys: a\r\ndeadline: 2s\r\ndefault: no\r\n")
    #expect(found.map { "\($0.line ?? 0) \($0.path)" } == ["3 deadline", "4 default"])
  }

  @Test("a duplicate hides no other mistake")
  func duplicateAmongOthers() {
    let found = problems("keys: a\nkeys: b\ndefault: maybe\n")
    #expect(found.map(\.path) == ["keys", "default"])
  }

  @Test("more problems than fit a screen are counted")
  func many() {
    let routes = (0..<40).map { _ in "  - { path: /a }" }.joined(separator: "\n")
    let fault = ConfigurationFault(problems: problems("routes:\n" + routes))
    #expect(fault.description.hasSuffix("and 15 more"))
  }
}

extension Mistake {
  static let form = [
    Mistake("listen: {", "", line: 2, says: "is not YAML"),
    Mistake("a: &x [*x]\n", "", line: 1, says: "is not YAML"),
    Mistake("a\n", "", line: 1, says: "expected a mapping"),
    Mistake("keys: ./keys\nstoer: sqlite:a\n", "stoer", line: 2, says: "did you mean `store`?"),
    Mistake(
      "maxFeePercent: 3", "maxFeePercent", line: 1, says: "did you mean `payments.cashu.maxFeePercent`?"),
    Mistake("frobnicate: 3", "frobnicate", line: 1, says: "known here: listen, tls"),
    Mistake("Deadline: 3s", "Deadline", line: 1, says: "did you mean `deadline`?"),
    Mistake("\"keys\": a\n\"keys\": b\n", "keys", line: 1, says: "written twice"),
    Mistake("keys:\n", "keys", line: 1, says: "has no value"),
    Mistake("keys: [a]\n", "keys", line: 1, says: "expected a text, found a list"),
    Mistake("keys: \"a\\nb\"\n", "keys", line: 1, says: "control character"),
    Mistake("log: info\n", "log", line: 1, says: "expected a mapping with some of the keys level, format"),
    Mistake("routes: { a: b }\n", "routes", line: 1, says: "expected a list, found a mapping"),
  ]

  static let top = [
    Mistake("deadline: 29", "deadline", line: 1, says: "write its unit, as `29s`"),
    Mistake("deadline: 10m", "deadline", line: 1, says: "must be from 1s to 5m, is 10m"),
    Mistake("store: ./turnpike.db", "store", line: 1, says: "expected `sqlite:PATH`"),
    Mistake("store: \"sqlite::memory:\"", "store", line: 1, says: "would forget"),
    Mistake("store: postgresql://:x@h/d", "store", line: 1, says: "has a password and no user"),
    Mistake("store: postgresql://u:redacted@h/d", "store", line: 1, says: "turnpike check"),
    Mistake("store: postgresql://u@h/d?password=x", "store", line: 1, says: "before `@`"),
    Mistake("public: { url: pay.example.com }", "public.url", line: 1, says: "https://"),
    Mistake(
      "public: { clientAddress: x-forwarded-for }", "public.clientAddress", line: 1, says: "`x-real-ip`"),
    Mistake("unpaid: { requests: 1, per: 60 }", "unpaid.per", line: 1, says: "write its unit"),
    Mistake("passes: { timeLeft: maybe }", "passes.timeLeft", line: 1, says: "`true` or `false`"),
    Mistake("store: sqlite:///var/t.db", "store", line: 1, says: "is no URL"),
    Mistake("default: allow", "default", line: 1, says: "expected `deny`, `free`"),
    Mistake("log:\n  level: verbose\n", "log.level", line: 2, says: "expected `trace`"),
    Mistake("log: { format: jsom }", "log.format", line: 1, says: "did you mean `json`?"),
    Mistake("nginx: { repeats: yes }", "nginx.repeats", line: 1, says: "expected `true` or `false`"),
    Mistake("nginx: { accelLocation: app }", "nginx.accelLocation", line: 1, says: "must begin with"),
    Mistake("paygress: { proxy: caddy }", "paygress.proxy", line: 1, says: "`ingress-nginx`"),
    Mistake("paygress: {}", "paygress", line: 1, says: "`proxy` is missing"),
    Mistake("workloads: { backend: docker }", "workloads.backend", line: 1, says: "`kubernetes`"),
    Mistake("workloads: { ports: 22000 }", "workloads.ports", line: 1, says: "such as `22000-22999`"),
    Mistake("workloads: { ports: 22-23 }", "workloads.ports", line: 1, says: "from 1024"),
    Mistake("workloads: { ports: 23000-22000 }", "workloads.ports", line: 1, says: "first before the last"),
    Mistake("workloads: { listen: example.com }", "workloads.listen", line: 1, says: "expected an address"),
    Mistake("workloads: { host: \"a:1\" }", "workloads.host", line: 1, says: "without a port"),
    Mistake("workloads: { memory: 256 }", "workloads.memory", line: 1, says: "such as `256Mi`"),
    Mistake("workloads: { memory: 1Mi }", "workloads.memory", line: 1, says: "at least `64Mi`"),
    Mistake("workloads: { cpu: 1.2345 }", "workloads.cpu", line: 1, says: "expected cores"),
    Mistake("workloads: { cpu: 5m }", "workloads.cpu", line: 1, says: "from `10m`"),
    Mistake("workloads: { disk: 200Mi }", "workloads.disk", line: 1, says: "half of `memory`"),
    Mistake("workloads: { max: 0 }", "workloads.max", line: 1, says: "from 1"),
    Mistake("workloads: { processes: 3 }", "workloads.processes", line: 1, says: "from 16"),
    Mistake("workloads: { network: all }", "workloads.network", line: 1, says: "`outbound`"),
    Mistake(
      "workloads: { specs: [{ memory: 1Gi }] }", "workloads.specs[0]", line: 1, says: "`name` is missing"),
    Mistake("workloads: { specs: [{ name: ssh }] }", "workloads.specs[0].name", line: 1, says: "already"),
    Mistake("workloads: { specs: [{ name: A }] }", "workloads.specs[0].name", line: 1, says: "small letters"),
    Mistake(
      "workloads: { backend: kubernetes, images: [a], kubernetes: { namespace: a_b } }",
      "workloads.kubernetes.namespace",
      line: 1, says: "small letters"),
    Mistake("listen:\n  proxy: 8080\n", "listen.proxy", line: 2, says: "has no port"),
    Mistake("listen: { proxy: \":8080\" }", "listen.proxy", line: 1, says: "write `127.0.0.1:8080`"),
    Mistake("listen: { proxy: example.com:80 }", "listen.proxy", line: 1, says: "is a name"),
    Mistake("listen: { admin: 127.0.0.1:99999 }", "listen.admin", line: 1, says: "no port"),
    Mistake("listen: { admin: \"unix:\" }", "listen.admin", line: 1, says: "needs a path"),
    Mistake("listen: { admin: 127.0.0.1:8080 }", "listen.admin", line: 1, says: "taken by `proxy`"),
    Mistake("listen: { gateway: 127.0.0.1:8402 }", "listen.gateway", line: 1, says: "not in this release"),
  ]

  static let payments = [
    Mistake("payments: { x402: [] }", "payments.x402", line: 1, says: "a mapping"),
    Mistake("payments: { cashu: {} }", "payments.cashu", line: 1, says: "`mints` is missing"),
    Mistake("payments:\n  cashu:\n    mints: []\n", "payments.cashu.mints", line: 3, says: "names no mint"),
    cashu("{ mints: [{ exposure: 3 }] }", "payments.cashu.mints[0]", says: "`url` is missing"),
    cashu("{ mints: [{ url: mint.example.com }] }", "payments.cashu.mints[0].url", says: "https://"),
    cashu("{ mints: [{ url: \"https://a@b\" }] }", "payments.cashu.mints[0].url", says: "no user"),
    cashu("{ mints: [{ url: \"https://a/?b\" }] }", "payments.cashu.mints[0].url", says: "no `?`"),
    cashu(
      "{ mints: [{ url: \"https://a:0\" }] }", "payments.cashu.mints[0].url", says: "no good host or port"),
    cashu(
      "{ mints: [{ url: \"https://a\" }, { url: \"https://A/\" }] }", "payments.cashu.mints[1].url",
      says: "twice"),
    cashu(
      "{ mints: [{ url: \"https://a\", exposure: lots }] }", "payments.cashu.mints[0].exposure",
      says: "whole number"),
    cashu("{ unit: btc, mints: [{ url: \"https://a\" }] }", "payments.cashu.unit", says: "expected `sat`"),
    cashu(
      "{ offline: maybe, mints: [{ url: \"https://a\" }] }", "payments.cashu.offline", says: "expected `off`"),
    cashu(
      "{ offline: required, mints: [{ url: \"https://a\" }] }", "payments.cashu.mints[0]",
      says: "needs `exposure`"),
    cashu(
      "{ redeem: { proofs: 0 }, mints: [{ url: \"https://a\" }] }", "payments.cashu.redeem.proofs",
      says: "1 to 500"),
    cashu(
      "{ redeem: { every: 1h }, mints: [{ url: \"https://a\" }] }", "payments.cashu.redeem.every",
      says: "1s to 5m"),
    cashu(
      "{ lightning: { mint: \"https://b\" }, mints: [{ url: \"https://a\" }] }",
      "payments.cashu.lightning.mint",
      says: "none of `payments.cashu.mints`"),
    cashu(
      "{ lightning: {}, mints: [{ url: \"https://a\" }, { url: \"https://b\" }] }",
      "payments.cashu.lightning",
      says: "there are several"),
    cashu(
      "{ payout: { to: a@b.c }, mints: [{ url: \"https://a\" }] }", "payments.cashu.payout",
      says: "`above` is missing"),
    cashu(
      "{ payout: { above: 5, keep: 5, to: a@b.c }, mints: [{ url: \"https://a\" }] }",
      "payments.cashu.payout.keep",
      says: "less than `above`"),
    cashu(
      "{ payout: { above: 5, to: lnbc1 }, mints: [{ url: \"https://a\" }] }", "payments.cashu.payout.to",
      says: "Lightning address"),
    cashu(
      "{ unit: usd, payout: { above: 5, to: a@b.c }, mints: [{ url: \"https://a\" }] }",
      "payments.cashu.payout",
      says: "is for `unit: sat`"),
    cashu(
      "{ maxFeePercent: 101, mints: [{ url: \"https://a\" }] }", "payments.cashu.maxFeePercent",
      says: "0 to 100"),
    cashu("{ maxProofs: 0, mints: [{ url: \"https://a\" }] }", "payments.cashu.maxProofs", says: "1 to 256"),
    cashu(
      "{ maxProofs: \"3\", mints: [{ url: \"https://a\" }] }", "payments.cashu.maxProofs",
      says: "whole number"),
    cashu("{ timeout: 1ms, mints: [{ url: \"https://a\" }] }", "payments.cashu.timeout", says: "100ms"),
  ]

  static let x402 = [
    x402(
      "{ accept: [{ network: base }], payTo: \(payee) }", "payments.x402", says: "`facilitator` is missing"),
    x402("{ facilitator: \(url), payTo: \(payee) }", "payments.x402", says: "`accept` is missing"),
    x402(
      "{ facilitator: [], accept: [{ network: \"eip155:1\", rpc: \(url) }], payTo: \(payee) }",
      "payments.x402.facilitator", says: "names none"),
    x402(
      "{ facilitator: ftp, accept: [{ network: \"eip155:1\", rpc: \(url) }], payTo: \(payee) }",
      "payments.x402.facilitator", says: "https://"),
    x402(
      "{ facilitator: [{ url: \(url), networks: [\"eip155:1\"] }], accept: [{ network: \"eip155:8453\", rpc: \(url) }], payTo: \(payee) }",
      "payments.x402.facilitator", says: "no facilitator is for `eip155:8453`"),
    x402(
      "{ facilitator: [{ url: \(url), authorization: { env: NOWHERE } }], accept: [{ network: \"eip155:1\", rpc: \(url) }], payTo: \(payee) }",
      "payments.x402.facilitator[0].authorization.env", says: "`NOWHERE` is not set"),
    accept("network: \"eip155:01\", payTo: \(payee)", ".network", says: "expected a network such as"),
    accept("network: bitcoin, payTo: \(payee)", ".network", says: "expected a network such as"),
    accept("network: \"eip155:8453\"", "", says: "`payTo` is missing"),
    accept("network: \"eip155:8453\", payTo: \"0x12\"", ".payTo", says: "is not an address"),
    accept(
      "network: \"eip155:8453\", payTo: \"0x209693BC6afc0C5328bA36FaF03C514EF312287C\"", ".payTo",
      says: "checksum"),
    accept(
      "network: \"eip155:8453\", payTo: \"0x0000000000000000000000000000000000000000\"", ".payTo",
      says: "nobody has the key of"),
    accept("network: \"eip155:8453\", payTo: \(payee), asset: EURO", ".asset", says: "is not known on"),
    accept("network: \"eip155:31337\", payTo: \(payee)", "", says: "`asset` is missing"),
    accept(
      "network: \"eip155:1\", payTo: \(payee), asset: { address: \(payee), name: A, version: 1, decimals: 99 }",
      ".asset.decimals", says: "0 to 36"),
    accept(
      "network: \"eip155:1\", payTo: \(payee), asset: { name: A, version: 1, decimals: 6 }", ".asset",
      says: "`address` is missing"),
    accept(
      "network: \"eip155:1\", payTo: \(payee), transfer: svm", ".transfer", says: "cannot be paid by svm"),
    accept("network: \"eip155:1\", payTo: \(payee), transfer: wire", ".transfer", says: "expected `eip3009`"),
    accept("network: \"eip155:1\", payTo: \(payee), maxTimeout: 1s", ".maxTimeout", says: "30s to 1d"),
    accept("network: \"eip155:1\", payTo: \(payee), rcp: \(url)", ".rcp", says: "did you mean `rpc`?"),
    x402(
      "{ facilitator: \(url), accept: [{ network: \"eip155:1\", rpc: \(url) }], payTo: \(payee), versions: [3] }",
      "payments.x402.versions[0]", says: "1 to 2"),
  ]

  private static let url = "\"https://a.example\""
  private static let payee = "\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\""

  private static func x402(_ value: String, _ path: String, says: String) -> Mistake {
    Mistake("payments:\n  x402: \(value)\n", path, line: 2, says: says)
  }

  private static func accept(_ value: String, _ path: String, says: String) -> Mistake {
    let rpc = value.contains("rcp") ? "" : ", rpc: \(url)"
    return Mistake(
      "payments:\n  x402:\n    facilitator: \(url)\n    accept:\n      - { \(value)\(rpc) }\n",
      "payments.x402.accept[0]" + path,
      line: 5, says: says)
  }

  static let routes = [
    route("path: /a", "", says: "needs `access: free`"),
    route("access: free", "", says: "`path` is missing"),
    route("path: a, access: free", ".path", says: "must begin with `/`"),
    route("path: \"/a?b\", access: free", ".path", says: "not in the form"),
    route("path: /a%2Fb, access: free", ".path", says: "not in the form"),
    route("path: /a/b*, access: free", ".path", says: "`b*`"),
    route("path: /a, access: free, price: { sat: 1 }", ".access", says: "write one of the two"),
    route("path: /a, access: session", ".access", says: "not in this release"),
    route("path: /a, access: free, pass: { uses: 2 }", ".pass", says: "needs a `price`"),
    route("path: /a, access: free, covers: [b]", ".covers", says: "only a route with a `price`"),
    route("path: /a, price: {}", ".price", says: "names no amount"),
    route("path: /a, price: { sat: 0 }", ".price.sat", says: "must be from 1"),
    route("path: /a, price: { sat: -1 }", ".price.sat", says: "whole number"),
    route("path: /a, price: { sat: 99999999999999999999999 }", ".price.sat", says: "whole number"),
    route("path: /a, price: { usd: \"0.1\" }", ".price", says: "`payments.cashu.unit` is `sat`"),
    route("path: /a, price: { sat: 1, usd: \"0.0\" }", ".price.usd", says: "above zero"),
    route("path: /a, price: { sat: 1, satPerHour: 2 }", ".price.satPerHour", says: "write two routes"),
    route("path: /a, price: { sat: 1, msat: 1000 }", ".price.msat", says: "write one of the two"),
    route("path: /a, price: { msat: 1500 }", ".price.msat", says: "no whole sat"),
    route("path: /a, price: { sat: 1, minimum: 10m }", ".price.minimum", says: "is for `satPerHour`"),
    route("path: /a, price: { satPerHour: 2, minimum: soon }", ".price.minimum", says: "expected a duration"),
    route(
      "path: /a, price: { satPerHour: 999999, minimum: 1 }", ".price.minimum", says: "less than a second"),
    route(
      "path: /a, access: free, free: { requests: 1, per: 1h }", ".free", says: "only a route with a `price`"),
    route("path: /a, price: { sat: 1 }, free: { requests: 0, per: 1h }", ".free.requests", says: "from 1"),
    route("path: /a, price: { sat: 1 }, free: { requests: 1 }", ".free", says: "`per` is missing"),
    route("path: /a, price: { satPerHour: 2 }, pass: { uses: 1 }", ".pass", says: "says already"),
    route("path: /a, price: { sat: 1 }, pass: {}", ".pass", says: "says nothing"),
    route("path: /a, price: { sat: 1 }, pass: { uses: 0 }", ".pass.uses", says: "from 1"),
    route("path: /a, price: { sat: 1 }, pass: { duration: 500ms }", ".pass.duration", says: "from 1s"),
    route("path: /a, price: { satPerHour: 1 }, provision: ssh", ".provision", says: "needs `workloads`"),
    route("path: /a, price: { sat: 1 }, covers: [x]", ".covers", says: "no route `x`"),
    route("path: /a, access: free, host: \"a b\"", ".host", says: "expected a host"),
    route("path: /a, access: free, host: \"*\"", ".host", says: "leave it out"),
    route("path: /a, access: free, host: a, hosts: [b]", ".hosts", says: "write one of the two"),
    route("path: /a, access: free, methods: []", ".methods", says: "is empty"),
    route("path: /a, access: free, method: get", ".method", says: "did you mean `GET`?"),
    route("path: /a, access: free, methods: [GET, \"*\"]", ".methods[1]", says: "method in capitals"),
    route("path: /a, access: free, cors: {}", ".cors", says: "`origins` is missing"),
    route("path: /a, access: free, cors: { origins: [] }", ".cors.origins", says: "names no origin"),
    route(
      "path: /a, access: free, cors: { origins: [\"https://a/\"] }", ".cors.origins[0]", says: "an origin"),
    route("path: /a, access: free, cors: { origins: https://a }", ".cors.origins", says: "a list"),
    Mistake(
      "routes:\n- { path: /a, price: { sat: 1 } }\n", "routes[0].price", line: 2, says: "payments: { cashu"),
    Mistake(
      "routes:\n- { path: /a, access: free }\n- { path: /b, access: free, id: /a }\n", "routes[1].id",
      line: 3,
      says: "`routes[0].id` (line 2)"),
    Mistake(
      "routes:\n- { path: /a, access: free }\n- { path: /a, access: deny }\n", "routes[1].id", line: 3,
      says: "two routes are called `/a`"),
  ]

  private static func cashu(_ value: String, _ path: String, says: String) -> Mistake {
    Mistake("payments:\n  cashu: \(value)\n", path, line: 2, says: says)
  }

  private static func route(_ value: String, _ path: String, says: String) -> Mistake {
    Mistake(withCashu("  - { \(value) }"), "routes[0]" + path, line: 4, says: says)
  }
}
