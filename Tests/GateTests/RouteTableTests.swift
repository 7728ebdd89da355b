import Gate
import Testing

@Suite struct RouteTableTests {
  @Test(
    "a pattern fits the paths it names and no others",
    arguments: [
      ("/paid/**", "/paid", true), ("/paid/**", "/paid/", true), ("/paid/**", "/paid/a/b", true),
      ("/paid/**", "/paidx", false), ("/paid/**", "/", false), ("/a/*", "/a/b", true),
      ("/a/*", "/a/b/", true),
      ("/a/*", "/a", false), ("/a/*", "/a/b/c", false), ("/a/*/c", "/a/b/c", true),
      ("/a/*/c", "/a/b/d", false),
      ("/a/**/z", "/a/z", true), ("/a/**/z", "/a/b/c/z", true), ("/a/**/z", "/a/b/c", false),
      ("/a/**/m/**/z", "/a/m/z", true), ("/a/**/m/**/z", "/a/1/m/2/z", true),
      ("/a/**/m/**/z", "/a/1/z", false),
      ("/**", "/", true), ("/**", "/anything/at/all", true), ("/health", "/health", true),
      ("/health", "/health/", true), ("/health", "/health/x", false), ("/", "/", true), ("/", "/x", false),
    ])
  func patterns(pattern: String, path: String, fits: Bool) throws {
    let table = try RouteTable([Self.route(pattern)])
    #expect((Self.find(table, path) != nil) == fits)
  }

  @Test(
    "a wildcard that is not a whole segment is no pattern",
    arguments: ["/a*", "/a/b*c", "a", "", "/a?b", "/a/%2f"])
  func badPatterns(text: String) {
    #expect(throws: PathPattern.Fault.self) { try PathPattern(text) }
  }

  @Test("the longest literal prefix wins, whatever the order")
  func longestPrefix() throws {
    let routes = [try Self.route("/**"), try Self.route("/api/**"), try Self.route("/api/v1/reports")]
    for table in [try RouteTable(routes), try RouteTable(routes.reversed())] {
      #expect(Self.find(table, "/api/v1/reports") == "/api/v1/reports")
      #expect(Self.find(table, "/api/v1/x") == "/api/**")
      #expect(Self.find(table, "/other") == "/**")
    }
  }

  @Test("among equal prefixes the first wins")
  func ties() throws {
    let table = try RouteTable([Self.route("/a/*", id: "one"), Self.route("/a/**", id: "two")])
    #expect(Self.find(table, "/a/b") == "one")
    #expect(Self.find(table, "/a/b/c") == "two")
  }

  @Test("a route for other hosts or methods is passed over")
  func hostsAndMethods() throws {
    let table = try RouteTable([
      Self.route("/x", id: "host", hosts: ["a.example"]),
      Self.route("/x", id: "post", methods: [.post]),
      Self.route("/x", id: "get", methods: [.get]),
    ])
    #expect(Self.find(table, "/x", host: "a.example") == "host")
    #expect(Self.find(table, "/x", host: "b.example") == "get")
    #expect(Self.find(table, "/x", method: .post) == "post")
    #expect(Self.find(table, "/x", method: .head) == "get")
    #expect(Self.find(table, "/x", method: .delete) == nil)
  }

  @Test("a route with a tier is only for requests that the proxy gave that tier")
  func tiers() throws {
    let table = try RouteTable([Self.route("/x", id: "gold", tier: "gold"), Self.route("/x", id: "all")])
    #expect(Self.find(table, "/x", tier: "gold") == "gold")
    #expect(Self.find(table, "/x") == "all")
    #expect(table.knows(tier: "gold"))
    #expect(!table.knows(tier: "lead"))
  }

  @Test("two routes with one id are refused")
  func duplicates() throws {
    let routes = [try Self.route("/x", id: "same"), try Self.route("/y", id: "same")]
    #expect(throws: RouteTable.DuplicateID.self) { try RouteTable(routes) }
  }

  @Test("a large table finds what a scan of all routes finds")
  func large() throws {
    let routes = try (0..<5_000).map { try Self.route("/t\($0 % 50)/r\($0)/**") }
    let table = try RouteTable(routes)
    for index in stride(from: 0, to: 5_000, by: 97) {
      #expect(Self.find(table, "/t\(index % 50)/r\(index)/deep/er") == "/t\(index % 50)/r\(index)/**")
      #expect(Self.find(table, "/t\(index % 50)/r\(index)x") == nil)
    }
  }

  static func route(
    _ pattern: String, id: String? = nil, hosts: [String] = [], methods: [RequestMethod] = [],
    tier: String? = nil
  ) throws -> Route {
    Route(
      id: RouteID(id ?? pattern), label: pattern, pattern: try PathPattern(pattern),
      hosts: hosts.compactMap(HostPattern.init), methods: methods, tier: tier, access: .free)
  }

  static func find(
    _ table: RouteTable, _ path: String, host: String? = nil, method: RequestMethod = .get,
    tier: String? = nil
  ) -> String? {
    guard let canonical = CanonicalPath(target: Array(path.utf8)[...]) else { return nil }
    let name = host.flatMap { CanonicalHost($0.utf8) }
    return table.route(method: method, host: name, path: canonical, tier: tier)?.id.text
  }
}
