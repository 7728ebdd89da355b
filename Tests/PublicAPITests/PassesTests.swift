import Gate
import JSON
import Octets
import Synchronization
import Testing
import Transport

@Suite("Passes for payments", .timeLimit(.minutes(1)))
struct PassesTests {
  static let hour = "https://shop.example/hour/x?y=z"

  @Test("a payment gives a pass that opens its route, on its host, and no other")
  func exchange() async throws {
    try await Shop.open { shop in
      let answer = await shop.exchange("a=100", for: Self.hour)
      #expect(answer.status == 200)
      let pass = try #require(answer.json?["pass"]?.string)
      #expect(answer.field("turnpike-pass") == pass)
      #expect(answer.field("turnpike-remaining") == "seconds=3600")
      #expect(answer.field("payment-response") == "cmVjZWlwdA==")
      #expect(answer.field("cache-control") == "no-store")
      #expect(answer.json?["payment"]?.string == "a")
      #expect(answer.json?["remaining"]?["seconds"]?.unsigned == 3600)
      guard case .allow = await shop.shows(pass, at: "/hour/y") else { throw Unexpected() }
      guard case .paymentRequired = await shop.shows(pass, at: "/five/y") else { throw Unexpected() }
      guard case .paymentRequired = await shop.shows(pass, at: "/hour/y", host: "other.example") else {
        throw Unexpected()
      }
    }
  }

  @Test("the same payment gives the same pass, and takes no use")
  func again() async throws {
    try await Shop.open { shop in
      let first = await shop.exchange("a=50", for: "https://shop.example/five/x")
      let second = await shop.exchange("a=50", for: "https://shop.example/five/y")
      #expect(first.body == second.body)
      #expect(second.json?["remaining"]?["uses"]?.unsigned == 5)
      let pass = try #require(first.json?["pass"]?.string)
      for _ in 0..<5 { guard case .allow = await shop.shows(pass, at: "/five/x") else { throw Unexpected() } }
      guard case .paymentRequired(let demand) = await shop.shows(pass, at: "/five/x") else {
        throw Unexpected()
      }
      #expect(demand.reason.code == "pass_used")
      #expect(
        await shop.exchange("a=50", for: "https://shop.example/five/x").json?["remaining"]?["uses"]?.unsigned
          == 0)
    }
  }

  @Test("a single use gives a pass here, and one page")
  func single() async throws {
    try await Shop.open { shop in
      let pass = try #require(
        await shop.exchange("a=10", for: "https://shop.example/one/x").json?["pass"]?.string)
      guard case .allow = await shop.shows(pass, at: "/one/x") else { throw Unexpected() }
      guard case .paymentRequired = await shop.shows(pass, at: "/one/x") else { throw Unexpected() }
    }
  }

  @Test("a payment with a pass of the same route adds to it; with a pass of another it buys its own")
  func topUp() async throws {
    try await Shop.open { shop in
      let five = "https://shop.example/five/x"
      let pass = try #require(await shop.exchange("a=50", for: five).json?["pass"]?.string)
      let more = await shop.exchange("b=100", for: five, pass: pass)
      #expect(more.json?["pass"]?.string == pass)
      #expect(more.json?["remaining"]?["uses"]?.unsigned == 15)
      #expect(await shop.exchange("b=100", for: five, pass: pass).json?["remaining"]?["uses"]?.unsigned == 15)
      let other = await shop.exchange("c=100", for: Self.hour, pass: pass)
      #expect(other.status == 200)
      #expect(other.json?["pass"]?.string != pass)
    }
  }

  @Test("a revoked pass is not had again by its payment")
  func revoked() async throws {
    try await Shop.open { shop in
      #expect(await shop.exchange("a=100", for: Self.hour).status == 200)
      shop.book.revoke(PaymentID("a"))
      let answer = await shop.exchange("a=100", for: Self.hour)
      #expect(answer.status == 402)
      #expect(answer.json?["reason"]?.string == "pass_revoked")
      #expect(answer.json?["pass"] == nil)
    }
  }

  @Test("who does not bear a payment gets no pass of it")
  func notBearer() async throws {
    try await Shop.open { shop in
      #expect(await shop.exchange("a=100", for: Self.hour).status == 200)
      shop.book.state.withLock { _ = $0.notBearers.insert(PaymentID("a")) }
      let answer = await shop.exchange("a=100", for: Self.hour)
      #expect(answer.status == 409)
      #expect(answer.json?["reason"]?.string == "not_bearer")
    }
  }

  @Test(
    "a refusal has the status and reason that a proxy's would have",
    arguments: [
      (nil, "https://shop.example/hour/x", 402, "payment_required"),
      ("forged=100", "https://shop.example/hour/x", 402, "invalid"),
      ("a=1", "https://shop.example/hour/x", 400, "too_little"),
      ("rubbish", "https://shop.example/hour/x", 400, "malformed"),
      ("a=100", "https://shop.example/nowhere", 403, "denied"),
      ("a=100", "https://shop.example/never/x", 403, "denied"),
      ("a=100", "https://shop.example/free/x", 403, "denied"),
      ("a=100", "https://shop.example/hour/%2e%2e%2fx", 400, "bad_request"),
      ("a=100", "ftp://shop.example/hour/x", 400, "bad_request"),
      ("a=100", "https://a@b/hour/x", 400, "bad_request"),
    ] as [(String?, String, UInt16, String)])
  func refused(coin: String?, url: String, status: UInt16, reason: String) async throws {
    try await Shop.open { shop in
      var fields = [("Content-Type", "application/json")]
      if let coin { fields.append(("X-Coin", coin)) }
      let answer = await shop.ask("POST", "/v1/passes", fields, body: #"{"url":"\#(url)"}"#)
      #expect(answer.status == status)
      #expect(answer.json?["reason"]?.string == reason)
      #expect((answer.field("x-coin") == "pay") == (status == 402))
    }
  }

  @Test(
    "a member that is no text is refused, and not left out; one that nobody knows is",
    arguments: [
      (#"{"url":"https://shop.example/hour/x","method":5}"#, 400),
      (#"{"url":null,"path":"/hour/x","host":"shop.example"}"#, 400),
      (#"{"url":"https://shop.example/hour/x","note":5}"#, 200),
      (#"{"url":"https://shop.example/hour/x","url":"https://shop.example/free/x"}"#, 400),
    ] as [(String, UInt16)])
  func members(body: String, status: UInt16) async throws {
    try await Shop.open { shop in
      let fields = [("Content-Type", "application/json"), ("X-Coin", "a=100")]
      #expect(await shop.ask("POST", "/v1/passes", fields, body: body).status == status)
    }
  }

  @Test("two payments are refused, and a store that is down is 503")
  func other() async throws {
    try await Shop.open { shop in
      let two = await shop.ask(
        "POST", "/v1/passes?url=\(Self.hour)", [("X-Coin", "a=100"), ("X-Coin", "b=100")])
      #expect(two.json?["reason"]?.string == "two_offers")
      shop.book.state.withLock { $0.isDown = true }
      let down = await shop.exchange("a=100", for: Self.hour)
      #expect(down.status == 503)
      #expect(down.field("retry-after") == "3")
    }
  }

  @Test("the resource may stand in the query, a form or JSON, by host and path too")
  func forms() async throws {
    try await Shop.open { shop in
      let whole = await shop.exchange("a=100", for: Self.hour).body
      let query = await shop.ask(
        "POST", "/v1/passes?url=https%3A%2F%2Fshop.example%2Fhour%2Fx", [("X-Coin", "a=100")])
      #expect(query.body == whole)
      let form = await shop.ask(
        "POST", "/v1/passes", [("X-Coin", "a=100"), ("Content-Type", "application/x-www-form-urlencoded")],
        body: "host=shop.example&path=/hour/x&method=GET")
      #expect(form.body == whole)
      let type = await shop.ask(
        "POST", "/v1/passes", [("X-Coin", "a=100"), ("Content-Type", "text/xml")], body: "<a/>")
      #expect(type.status == 415)
      let twice = await shop.ask("POST", "/v1/passes?url=/hour/x&url=/five/x", [("X-Coin", "a=100")])
      #expect(twice.status == 400)
      let none = await shop.ask("POST", "/v1/passes", [("X-Coin", "a=100")])
      #expect(none.status == 400)
    }
  }

  @Test(
    "a resource without a host is refused, and its payment not taken: no proxy asks about a page on no host",
    arguments: ["path=/hour/x", "url=/hour/x", "path=/hour/x&method=GET"])
  func hostless(query: String) async throws {
    try await Shop.open { shop in
      for path in ["/v1/passes", "/v1/invoices"] {
        let answer = await shop.ask("POST", "\(path)?\(query)", [("X-Coin", "a=100")])
        #expect(answer.status == 400)
        #expect(answer.json?["reason"]?.string == "host_missing")
      }
      #expect(await shop.exchange("a=100", for: Self.hour).status == 200)
    }
  }

  @Test("who says that there is no host gets a pass for a proxy that tells none")
  func noHost() async throws {
    try await Shop.open { shop in
      let answer = await shop.ask("POST", "/v1/passes?path=/hour/x&host=", [("X-Coin", "a=100")])
      #expect(answer.status == 200)
      #expect(answer.json?["host"] == nil)
    }
  }

  @Test("whoever knows a payment's id is told its state, receipt and rest, and no secret")
  func account() async throws {
    try await Shop.open { shop in
      let pass = try #require(
        await shop.exchange("a=50", for: "https://shop.example/five/x").json?["pass"]?.string)
      let answer = await shop.ask("GET", "/v1/payments/a")
      #expect(answer.status == 200)
      #expect(answer.json?["state"]?.string == "accepted")
      #expect(answer.json?["amount"]?.unsigned == 50)
      #expect(answer.json?["transaction"]?.string == "0xabc")
      #expect(answer.json?["headers"]?["PAYMENT-RESPONSE"]?.string == "cmVjZWlwdA==")
      #expect(answer.json?["remaining"]?["uses"]?.unsigned == 5)
      #expect(!answer.text.contains(pass) && !answer.fields.contains("turnpike-pass"))
      #expect(await shop.ask("GET", "/v1/payments/b").status == 404)
      #expect(await shop.ask("GET", "/v1/payments/" + String(repeating: "a", count: 200)).status == 404)
      shop.book.state.withLock { $0.isDown = true }
      #expect(await shop.ask("GET", "/v1/payments/a").status == 503)
    }
  }
}

struct Unexpected: Error {}
