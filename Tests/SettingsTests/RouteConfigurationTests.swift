import Settings
import Gate
import Testing

@Suite("Routes of the file")
struct RouteConfigurationTests {
  private func table(_ routes: String, unit: String = "sat") throws -> RouteTable {
    try read(withCashu(routes, unit: unit)).configuration.makeRouteTable()
  }

  @Test("become the gate's routes")
  func routes() throws {
    let table = try self.table(
      """
        - { id: gold, path: "/api/**", hosts: [api.example.com, "*.example.org"], methods: [GET, POST], tier: gold,
            price: { sat: 5 }, pass: { uses: 3, duration: 90m }, cors: { origins: ["https://shop.example.com"] },
            covers: [docs] }
        - { id: docs, path: /docs, method: PUT, price: { sat: 1 }, cors: { origins: "*" } }
        - { path: "/api/*/closed", access: deny }
      """)
    let gold = try #require(table.routes.first)
    #expect(gold.id == RouteID("gold"))
    #expect(gold.label == "/api/**")
    #expect(gold.hosts == [.exact("api.example.com"), .below("example.org")])
    #expect(gold.methods == [.get, .post])
    #expect(gold.tier == "gold")
    #expect(gold.tariff == Tariff(prices: [Amount(5, .sat)], terms: .usesWithin(3, .seconds(5400))))
    #expect(gold.cors == CORS(origins: .listed(["https://shop.example.com"])))
    #expect(gold.covers == [RouteID("docs")])
    #expect(table.routes[1].methods == [.put])
    #expect(table.routes[1].cors == CORS(origins: .any))
    guard case .denied = table.routes[2].access else {
      Issue.record("the third route is not denied")
      return
    }
  }

  @Test(
    "without an id are named by what they are for",
    arguments: [
      ("path: /a", "/a"),
      ("path: \"/a/**\", host: API.example.com", "api.example.com/a/**"),
      ("path: /a, methods: [GET, PUT], tier: gold", "/a GET PUT tier=gold"),
      ("path: /a, hosts: [a.example, b.example]", "a.example,b.example/a"),
    ])
  func derivedIDs(route: String, id: String) throws {
    #expect(try self.table("  - { \(route), access: free }").routes.map(\.id.text) == [id])
  }

  @Test("of one path may differ in host, method or tier")
  func distinct() throws {
    let table = try self.table(
      """
        - { path: /a, access: free }
        - { path: /a, host: b.example, access: free }
        - { path: /a, method: GET, access: free }
        - { path: /a, tier: gold, access: free }
      """)
    #expect(table.routes.count == 4)
  }

  @Test("may cover one without an id, by its name")
  func coversDerived() throws {
    let table = try self.table(
      "  - { id: all, path: /a, price: { sat: 1 }, covers: [\"/b\"] }\n  - { path: /b, price: { sat: 1 } }")
    #expect(table.routes[0].covers == [RouteID("/b")])
  }

  @Test("buy one use where nothing else is said")
  func oneUse() throws {
    #expect(try self.table("  - { path: /a, price: { sat: 7 } }").routes[0].tariff?.terms == .uses(1))
  }

  @Test(
    "with a price in dollars are paid in cents where the tokens are",
    arguments: [("0.10", 10), ("2", 200), ("1.5", 150), ("0.010", 1)])
  func cents(text: String, cents: UInt64) throws {
    let table = try self.table("  - { path: /a, price: { usd: \"\(text)\" } }", unit: "usd")
    #expect(table.routes[0].tariff?.prices == [Amount(cents, Amount.Unit("usd"))])
  }

  @Test("with a fraction of a cent are refused there")
  func fraction() {
    let found = problems(withCashu("  - { path: /a, price: { usd: \"0.001\" } }", unit: "usd"))
    #expect(found.map(\.path) == ["routes[0].price.usd"])
  }

  @Test("with a price nobody can pay beside one that can be paid are warned of once")
  func unpayable() throws {
    let warnings = try read(
      withCashu(
        "  - { path: /a, price: { sat: 1, usd: \"1\" } }\n  - { path: /b, price: { sat: 1, usd: \"1\" } }")
    ).warnings
    #expect(warnings.map(\.path) == ["routes"])
    #expect(warnings.first?.message.contains("`usd`") == true)
  }

  @Test("with a price of bitcoin cost the same in either unit of it, exactly")
  func msat() throws {
    #expect(
      try self.table("  - { path: /a, price: { msat: 3000 } }").routes[0].tariff?.prices == [Amount(3, .sat)])
    let msat = Amount.Unit("msat")
    #expect(
      try self.table("  - { path: /a, price: { sat: 3 } }", unit: "msat").routes[0].tariff?.prices == [
        Amount(3000, msat)
      ])
    #expect(
      try self.table("  - { path: /a, price: { satPerHour: 3 } }", unit: "msat").routes[0].tariff
        == Tariff(prices: [Amount(3000, msat)], terms: .rate(per: .seconds(3600))))
  }

  @Test("with a rate have a least time, or the amount that buys it", arguments: ["12m", "20"])
  func minimum(text: String) throws {
    let tariff = try self.table("  - { path: /a, price: { satPerHour: 100, minimum: \(text) } }").routes[0]
      .tariff
    #expect(tariff?.terms == .rate(per: .seconds(3600), least: .seconds(720)))
    let quote = try Quote(tariff: #require(tariff), scope: GrantScope(route: RouteID("a"), host: ""))
    #expect(quote.minimum(in: .sat) == Amount(20, .sat))
    #expect(Purchase(of: Amount(20, .sat), under: quote.tariff)?.time == .seconds(720))
    #expect(Purchase(of: Amount(19, .sat), under: quote.tariff) == nil)
  }

  @Test("may be free at first, for each client")
  func free() throws {
    let table = try self.table("  - { path: /a, price: { sat: 1 }, free: { requests: 3, per: 1h } }")
    #expect(table.routes[0].freeQuota == RequestLimit(requests: 3, per: .seconds(3600)))
  }

  @Test("take the price of all where they name none, and their own pass")
  func defaultPrice() throws {
    let yaml =
      "price: { sat: 7 }\n" + withCashu("  - { path: /a, pass: { uses: 2 } }\n  - { path: /b, access: free }")
    let routes = try read(yaml).configuration.makeRouteTable().routes
    #expect(routes.map(\.tariff) == [Tariff(prices: [Amount(7, .sat)], terms: .uses(2)), nil])
  }

  @Test(
    "with a price in dollars cost as much in every asset of x402; finer than one is refused with its line")
  func dollars() throws {
    let payments = """
      payments:
        x402:
          facilitator: "https://f.example"
          payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
          accept:
            - { network: "eip155:8453", rpc: "https://r.example" }
            - { network: "eip155:4326", asset: MegaUSD, rpc: "https://r.example" }
      routes:
        - { path: /a, price: { usd:
      """
    let prices = try read(payments + " \"0.001\" } }").configuration.makeRouteTable().routes[0].tariff?.prices
    #expect(prices?.map(\.value) == [1000, 1_000_000_000_000_000])
    let found = problems(payments + " \"0.0000001\" } }")
    #expect(found.map(\.path) == ["routes[0].price.usd"])
    #expect(found.map(\.line) == [9])
    #expect(found.first?.message.contains("6 places") == true)
  }
}
