import Gate
import JSON
import TestKit
import Testing
import Transport

@testable import PublicAPI

@Suite("Behind the proxy", .timeLimit(.minutes(1)))
struct GrantTests {
  private static func ask(
    _ depot: Depot, _ grant: String, _ more: [(String, String)] = [], method: String = "GET",
    target: String = "/ssh", host: String = "shop.example"
  ) async -> HTTPResponse {
    await depot.ask(method, target, [("Turnpike-Grant", grant)] + more, host: host)
  }

  @Test("the request that was allowed is answered how to log in, the same each time")
  func credentials() async throws {
    try await Depot.open(publicURL: "https://pay.example") { depot in
      let grant = try #require(await depot.grant("a=100"))
      let id = try #require(depot.office.made.first).id
      let first = await Self.ask(depot, grant)
      #expect(first.status == 200)
      #expect(first.field("cache-control") == "no-store")
      let json = try #require(first.json)
      #expect(json["ssh"]?.string == "ssh -p 22000 dev@ssh.example")
      #expect(json["pass"]?.string?.hasPrefix("tp1.") == true)
      #expect(json["extend"]?.string == "https://pay.example/v1/workloads/\(id)/extend")
      depot.clock.advance(by: .seconds(59))
      let second = await Self.ask(depot, grant)
      #expect(second.body == first.body)
      let password = try #require(json["password"]?.string)
      #expect(depot.office.passwords(of: id) == [password, password])
      depot.clock.advance(by: .seconds(1))
      #expect(await Self.ask(depot, grant).status == 403)
    }
  }

  @Test("a fresh grant is a new password")
  func fresh() async throws {
    try await Depot.open { depot in
      let first = await Self.ask(depot, try #require(await depot.grant("a=100")))
      depot.clock.advance(by: .seconds(1))
      let second = await Self.ask(depot, try #require(await depot.grant("a=100")))
      #expect(first.json?["id"] == second.json?["id"])
      #expect(first.json?["password"] != second.json?["password"])
      #expect(second.json?["extend"] == nil)
    }
  }

  @Test(
    "any other request with it is refused, and nothing is changed",
    arguments: [
      ("POST", "/ssh", "shop.example"), ("GET", "/other", "shop.example"), ("GET", "/ssh", "evil.example"),
      ("GET", "/v1/offers", "shop.example"), ("DELETE", "/ssh", "shop.example"),
    ])
  func others(method: String, target: String, host: String) async throws {
    try await Depot.open { depot in
      let grant = try #require(await depot.grant("a=100"))
      let answer = await Self.ask(depot, grant, method: method, target: target, host: host)
      #expect(answer.status == 403)
      #expect(answer.json?["reason"]?.string == "grant_invalid")
      #expect(depot.office.passwords(of: try #require(depot.office.made.first).id).isEmpty)
    }
  }

  @Test("it comes before the path table: a route may be called like one of ours")
  func paths() async throws {
    try await Depot.open { depot in
      // Blanked by the proxy, it is none.
      #expect(await Self.ask(depot, "", target: "/v1/offers").status == 200)
      #expect(await Self.ask(depot, "tg1.AAAA", target: "/v1/offers").status == 403)
      let grant = try #require(await depot.grant("a=100"))
      let twice = await depot.ask(
        "GET", "/ssh", [("Turnpike-Grant", grant), ("Turnpike-Grant", grant)], host: "shop.example")
      #expect(twice.status == 403)
    }
  }

  @Test("a key in the request's body is the machine's before it is answered")
  func key() async throws {
    try await Depot.open { depot in
      let grant = try #require(await depot.grant("a=100", method: .post))
      let fields = [("Turnpike-Grant", grant)]
      let answer = await depot.ask(
        "POST", "/ssh", fields, body: #"{"public_key":"ssh-ed25519 AAAAC3 me"}"#, host: "shop.example")
      #expect(answer.status == 200)
      #expect(answer.json?["password"]?.string != nil)
      #expect(depot.office.made.map(\.wishes.publicKey) == ["ssh-ed25519 AAAAC3 me"])
    }
  }

  @Test(
    "what cannot be changed any more is refused aloud, and nothing is set or lost",
    arguments: [
      (#"{"username":"ada"}"#, 400, "bad_wish", "without username"),
      (
        #"{"image":"alpine","spec":"small","public_key":"ssh-ed25519 A"}"#, 400, "bad_wish",
        "without spec, image"
      ),
      (#"{"duration_minutes":5}"#, 400, "bad_wish", "without duration_minutes"),
      (#"{"public_key":"nonsense"}"#, 400, "bad_wish", "authorized_keys"),
      (#"{"publickey":"ssh-ed25519 A"}"#, 400, "bad_request", "`publickey`"),
      ("{", 400, "bad_request", "no JSON"),
    ] as [(String, UInt16, String, String)])
  func lateWishes(body: String, status: UInt16, reason: String, words: String) async throws {
    try await Depot.open { depot in
      let grant = try #require(await depot.grant("a=100", method: .post))
      let fields = [("Turnpike-Grant", grant)]
      let answer = await depot.ask("POST", "/ssh", fields, body: body, host: "shop.example")
      #expect(answer.status == status)
      #expect(answer.json?["reason"]?.string == reason)
      let message = try #require(answer.json?["message"]?.string)
      #expect(message.contains(words) && message.contains("send the payment again"))
      let id = try #require(depot.office.made.first).id
      #expect(depot.office.passwords(of: id).isEmpty)
      #expect(depot.office.made.first?.wishes == WorkloadWishes())
      #expect(await depot.ask("POST", "/ssh", fields, host: "shop.example").status == 200)
    }
  }

  @Test("HEAD changes nothing")
  func head() async throws {
    try await Depot.open { depot in
      _ = await depot.grant("a=100")
      let grant = try #require(await depot.grant("a=100", method: .head))
      let answer = await Self.ask(depot, grant, method: "HEAD")
      #expect(answer.status == 200)
      #expect(answer.body.isEmpty)
      #expect(depot.office.passwords(of: try #require(depot.office.made.first).id).isEmpty)
    }
  }

  @Test(
    "a browser gets a page, curl lines, a program JSON",
    arguments: [
      ("Accept", Shop.page, "text/html; charset=utf-8"),
      ("User-Agent", "curl/8.5.0", "text/plain; charset=utf-8"),
      ("Accept", "text/plain", "text/plain; charset=utf-8"),
      ("Accept", "application/json", "application/json"),
      ("User-Agent", "Go-http-client/1.1", "application/json"),
    ])
  func forms(name: String, value: String, type: String) async throws {
    try await Depot.open { depot in
      depot.office.set(OfficeCondition(reducedIsolation: ["memory <is> not limited"]))
      let grant = try #require(await depot.grant("a=100"))
      let answer = await Self.ask(depot, grant, [(name, value), ("Accept", "*/*")].uniqued)
      #expect(answer.status == 200)
      #expect(answer.field("content-type") == type)
      #expect(answer.field("cache-control") == "no-store")
      let lease = try #require(depot.office.made.first)
      let password = try #require(depot.office.passwords(of: lease.id).first)
      for fact in [
        "ssh -p 22000 dev@ssh.example", password, "[ssh.example]:22000 ssh-ed25519 AAAA", "SHA256:abc",
        "2026-01-01T01:00:00Z", "tp1.",
      ] { #expect(answer.text.contains(fact), "\(fact)") }
      if type.hasPrefix("text/html") {
        #expect(answer.field("content-security-policy")?.contains("default-src 'none'") == true)
        #expect(answer.text.contains("memory &lt;is&gt; not limited"))
      }
    }
  }

  @Test("curl that asks for JSON gets JSON")
  func curlJSON() async throws {
    try await Depot.open { depot in
      let grant = try #require(await depot.grant("a=100"))
      let answer = await Self.ask(
        depot, grant, [("User-Agent", "curl/8.5.0"), ("Accept", "application/json")])
      #expect(answer.field("content-type") == "application/json")
    }
  }
}

extension [(String, String)] {
  /// The first of each name.
  fileprivate var uniqued: [(String, String)] {
    var names: Set<String> = []
    return self.filter { names.insert($0.0).inserted }
  }
}
