import Gate
import JSON
import TestKit
import Testing
import Transport

@testable import PublicAPI

@Suite("Machines for payments", .timeLimit(.minutes(1)))
struct WorkloadsTests {
  static func id(_ answer: HTTPResponse) throws -> String { try #require(answer.json?["id"]?.string) }
  static func pass(_ answer: HTTPResponse) throws -> String { try #require(answer.json?["pass"]?.string) }
  static func bearer(_ token: String) -> [(String, String)] { [("Authorization", "Bearer \(token)")] }

  @Test("a payment gives a machine and all that it takes to log in")
  func create() async throws {
    try await Depot.open { depot in
      let answer = await depot.buy("a=150")
      #expect(answer.status == 201)
      #expect(answer.field("cache-control") == "no-store")
      let lease = try #require(depot.office.made.first)
      #expect(answer.field("location") == "http://pay.example/v1/workloads/\(lease.id)")
      let json = try #require(answer.json)
      #expect(json["id"]?.string == lease.id.text)
      #expect(json["pod"]?.string == "wl-\(lease.id)")
      #expect(json["state"]?.string == "ready")
      #expect(json["spec"]?.string == "small")
      #expect(json["host"]?.string == "ssh.example")
      #expect(json["port"]?.unsigned == 22_000)
      #expect(json["username"]?.string == "dev")
      #expect(json["ssh"]?.string == "ssh -p 22000 dev@ssh.example")
      #expect(json["known_hosts"]?.string == "[ssh.example]:22000 ssh-ed25519 AAAA")
      #expect(json["fingerprint"]?.string == "SHA256:abc")
      #expect(json["expires"]?.unsigned == 1_767_225_600 + 5400)
      #expect(json["expires_at"]?.string == "2026-01-01T01:30:00Z")
      #expect(json["duration_minutes"]?.unsigned == 90)
      #expect(json["payment"]?.string == "a")
      #expect(json["extend"]?.string == "http://pay.example/v1/workloads/\(lease.id)/extend")
      #expect(json["pass"]?.string == answer.field("turnpike-pass"))
      #expect(depot.office.passwords(of: lease.id) == [try #require(json["password"]?.string)])
      #expect(json["reduced_isolation"] == nil)
    }
  }

  @Test("the same payment gives the same machine with a new password; so does its pass")
  func again() async throws {
    try await Depot.open { depot in
      let first = await depot.buy("a=100")
      let second = await depot.buy("a=100")
      #expect(second.status == 200)
      #expect(try Self.id(first) == Self.id(second))
      #expect(try Self.pass(first) == Self.pass(second))
      let third = await depot.ask("POST", "/v1/workloads", Self.bearer(try Self.pass(first)))
      #expect(third.status == 200)
      #expect(try Self.id(first) == Self.id(third))
      #expect(depot.office.made.count == 1)
      let passwords = [first, second, third].compactMap { $0.json?["password"]?.string }
      #expect(Set(passwords).count == 3)
      let id = try #require(depot.office.made.first).id
      #expect(depot.office.passwords(of: id) == passwords)
    }
  }

  @Test("a machine that takes no other password is shown without one, and with what can be done about it")
  func refusedPassword() async throws {
    try await Depot.open(publicURL: "https://pay.example") { depot in
      _ = await depot.buy("a=100")
      depot.office.refusePasswords()
      let answer = await depot.buy("a=100")
      #expect(answer.status == 200)
      let json = try #require(answer.json)
      #expect(json["password"] == nil)
      #expect(json["note"]?.string == WorkloadCard.passwordKept)
      #expect(json["ssh"]?.string == "ssh -p 22000 dev@ssh.example")
      let grant = try #require(await depot.grant("a=100"))
      let text = await depot.ask(
        "GET", "/ssh", [("Turnpike-Grant", grant), ("Accept", "text/plain")], host: "shop.example"
      ).text
      #expect(text.contains(WorkloadCard.passwordKept) && !text.contains("password: "))
      // No password was to be set: nothing to say.
      let look = await depot.ask(
        "GET", "/v1/workloads/\(try Self.id(answer))", Self.bearer(try Self.pass(answer)))
      #expect(look.json?["note"] == nil)
    }
  }

  @Test("two who bring one payment at once get one machine")
  func parallel() async throws {
    try await Depot.open { depot in
      async let one = depot.buy("a=100")
      async let other = depot.buy("a=100")
      let answers = await [one, other]
      let ids = try Set(answers.map(Self.id))
      #expect(ids.count == 1)
      #expect(depot.office.made.count == 1)
    }
  }

  @Test("wishes are asked for before money is taken, and reach the order")
  func wishes() async throws {
    try await Depot.open { depot in
      let key = "ssh-ed25519 AAAAC3 me"
      let body =
        #"{"spec":"small","username":"ada","public_key":"\#(key)","image":"alpine","duration_minutes":30}"#
      let answer = await depot.buy("a=100", body: body)
      #expect(answer.status == 201)
      #expect(answer.json?["username"]?.string == "ada")
      #expect(answer.json?["duration_minutes"]?.unsigned == 30)
      #expect(answer.json?["credit_seconds"]?.unsigned == 1800)
      #expect(
        depot.office.presented.first?.wishes
          == WorkloadWishes(
            username: "ada", publicKey: key, image: "alpine", duration: .seconds(1800)))
    }
  }

  @Test(
    "what cannot be had, or is no wish, is 400 and costs nothing",
    arguments: [
      (#"{"username":"root"}"#, "bad_wish"), (#"{"public_key":"nonsense"}"#, "bad_wish"),
      (#"{"image":"windows"}"#, "bad_wish"), (#"{"spec":"huge"}"#, "bad_wish"),
      (#"{"username":1}"#, "bad_request"), (#"{"duration_minutes":0}"#, "bad_request"),
      (#"{"duration_minutes":"60"}"#, "bad_request"), ("[]", "bad_request"), ("{", "bad_request"),
      (#"{"usernam":"ada"}"#, "bad_request"), (#"{"spec":"small","cashu_token":"x"}"#, "bad_request"),
    ])
  func faults(body: String, reason: String) async throws {
    try await Depot.open { depot in
      let answer = await depot.buy("a=100", body: body)
      #expect(answer.status == 400)
      #expect(answer.json?["reason"]?.string == reason)
      #expect(answer.json?["message"]?.string?.hasSuffix(".") == true)
      if body.contains("usernam\"") { #expect(answer.text.contains("`usernam`")) }
      #expect(await !depot.knows("a"))
      #expect(depot.office.presented.isEmpty)
      #expect(await depot.buy("a=100").status == 201)
    }
  }

  @Test("without a payment it is 402 with the ways to pay; without room 503, and nothing is taken")
  func unpaid() async throws {
    try await Depot.open { depot in
      let unpaid = await depot.ask("POST", "/v1/workloads")
      #expect(unpaid.status == 402)
      #expect(unpaid.field("x-coin") == "pay")
      #expect(unpaid.json?["amount"]?.unsigned == 2)
      #expect(await depot.buy("forged=100").json?["reason"]?.string == "invalid")
      depot.office.set(.full(retryAfterSeconds: 33))
      let full = await depot.buy("a=100")
      #expect(full.status == 503)
      #expect(full.json?["reason"]?.string == "no_vacancy")
      #expect(full.field("retry-after") == "33")
      #expect(await !depot.knows("a"))
      for path in ["/v1/workloads", "/spawn-pod"] {
        let bare = await depot.ask("POST", path)
        #expect(bare.status == 503)
        #expect(bare.json?["reason"]?.string == "no_vacancy")
        #expect(bare.field("retry-after") == "33")
        #expect(bare.field("x-coin") == nil)
      }
    }
  }

  @Test("the kind is the one named, else the one that was paid for, else the first")
  func kinds() async throws {
    try await Depot.open { depot in
      #expect(await depot.buy("big=400", body: #"{"spec":"large"}"#).json?["spec"]?.string == "large")
      #expect(await depot.buy("big=400").json?["spec"]?.string == "large")
      let other = await depot.buy("big=400", body: #"{"spec":"small"}"#)
      #expect(other.status == 409)
      #expect(other.json?["reason"]?.string == "other_route")
      #expect(await depot.buy("new=400").json?["spec"]?.string == "small")
      #expect(depot.office.made.count == 2)
    }
  }

  @Test("its owner sees it by pass and by payment, without a password")
  func show() async throws {
    try await Depot.open { depot in
      let bought = await depot.buy("a=100")
      let (id, pass) = try (Self.id(bought), Self.pass(bought))
      for (fields, name) in zip(
        [Self.bearer(pass), [("Turnpike-Pass", pass)], [("X-Coin", "a=100")]], [id, "wl-" + id, id])
      {
        let answer = await depot.ask("GET", "/v1/workloads/\(name)", fields)
        #expect(answer.status == 200)
        #expect(answer.json?["ssh"]?.string == "ssh -p 22000 dev@ssh.example")
        #expect(answer.json?["known_hosts"]?.string == "[ssh.example]:22000 ssh-ed25519 AAAA")
        #expect(answer.json?["fingerprint"]?.string == "SHA256:abc")
        #expect(answer.json?["password"] == nil)
        #expect(answer.text.contains(#""password":null"#))
      }
      let list = await depot.ask("GET", "/v1/workloads", Self.bearer(pass))
      #expect(list.json?["workloads"]?.array?.first?["fingerprint"]?.string == "SHA256:abc")
      #expect(depot.office.passwords(of: try #require(WorkloadID(id))).count == 1)
      let wrong = await depot.ask("GET", "/v1/workloads/wl-none", Self.bearer(pass))
      #expect(wrong.status == 404)
      #expect(wrong.json?["message"]?.string == WorkloadID.form)
    }
  }

  @Test("who names text/plain gets words; curl alone gets JSON")
  func words() async throws {
    try await Depot.open { depot in
      let text = [("Accept", "text/plain")]
      let bought = await depot.ask(
        "POST", "/v1/workloads", text + [("X-Coin", "a=100")], body: #"{"duration_minutes":30}"#)
      #expect(bought.status == 201)
      #expect(bought.field("content-type") == "text/plain; charset=utf-8")
      let lease = try #require(depot.office.made.first)
      let pass = try #require(bought.field("turnpike-pass"))
      for fact in [
        "ssh -p 22000 dev@ssh.example", "password: \(depot.office.passwords(of: lease.id)[0])", "SHA256:abc",
        "Turnpike-Pass: \(pass)", "1800 s more are paid for",
      ] { #expect(bought.text.contains(fact), "\(fact)") }
      let fields = text + Self.bearer(pass)
      let path = "/v1/workloads/\(lease.id.podName)"
      #expect(await depot.ask("GET", path, fields).text.contains("ssh -p 22000 dev@ssh.example"))
      let longer = await depot.ask("POST", "\(path)/extend", fields + [("X-Coin", "b=50")])
      #expect(longer.text.contains("ssh -p 22000 dev@ssh.example"))
      let ended = await depot.ask("DELETE", path, fields)
      #expect(ended.text.hasPrefix("Your machine \(lease.id.podName) is gone: ended by its owner."))
      #expect(ended.text.contains("5400 s more are paid for"))
      let curl = await depot.ask("POST", "/v1/workloads", [("User-Agent", "curl/8"), ("X-Coin", "a=100")])
      #expect(curl.json != nil)
    }
  }

  @Test("what is refused says what to do")
  func advice() async throws {
    try await Depot.open { depot in
      let pass = try Self.pass(await depot.buy("a=100"))
      for (fields, body, word) in [
        ([], "", "/v1/offers"), (Self.bearer(pass), #"{"spec":"large"}"#, "name the kind"),
        ([("X-Coin", "a=100")], #"{"spec":"large"}"#, "present it there"),
        (Self.bearer("tp1.AAAA"), "", "as it was printed"),
      ] as [([(String, String)], String, String)] {
        let answer = await depot.ask("POST", "/v1/workloads", fields, body: body)
        #expect(answer.json?["message"]?.string?.contains(word) == true, "\(answer.text)")
      }
      // A payment without the machine's pass beside it.
      let id = try #require(depot.office.made.first).id
      let alone = await depot.ask("POST", "/v1/workloads/\(id)/extend", [("X-Coin", "b=50")])
      #expect(alone.json?["message"]?.string?.contains("beside it") == true)
      #expect(await !depot.knows("b"))
    }
  }

  @Test("a machine whose route sells another kind now is not prolonged, and its payment is not lost")
  func otherKind() async throws {
    try await Depot.open { depot in
      let bought = await depot.buy("a=100")
      let fields = Self.bearer(try Self.pass(bought))
      try depot.sell("large")
      let extended = await depot.ask(
        "POST", "/v1/workloads/\(try Self.id(bought))/extend", fields + [("X-Coin", "b=50")])
      #expect(extended.status == 400)
      #expect(extended.json?["message"]?.string?.contains("Nothing was taken") == true)
      #expect(await !depot.knows("b"))
      // Elsewhere it buys a machine of its own.
      let other = await depot.ask("POST", "/v1/workloads", fields + [("X-Coin", "b=50")])
      #expect(other.status == 201)
      #expect(other.json?["spec"]?.string == "large")
      let own = await depot.ask("POST", "/v1/workloads", fields)
      #expect(try Self.id(own) == Self.id(bought))
    }
  }

  @Test(
    "nobody else sees, ends or prolongs it", arguments: [("GET", ""), ("DELETE", ""), ("POST", "/extend")])
  func strangers(method: String, suffix: String) async throws {
    try await Depot.open { depot in
      let id = try Self.id(await depot.buy("a=100"))
      let other = try Self.pass(await depot.buy("b=100"))
      let path = "/v1/workloads/\(id)\(suffix)"
      let nobody = await depot.ask(method, path)
      #expect(nobody.status == 401)
      #expect(nobody.field("www-authenticate")?.hasPrefix("Bearer") == true)
      let forged = await depot.ask(method, path, Self.bearer("tp1.AAAA"))
      #expect(forged.status == 401)
      #expect(forged.json?["reason"]?.string == "pass_invalid")
      #expect(await depot.ask(method, path, Self.bearer("not the secret")).status == 401)
      #expect(await depot.ask(method, path, Self.bearer(other)).status == 403)
      #expect(await depot.ask(method, path, [("X-Coin", "b=100")]).status == 403)
      let unknown = await depot.ask(method, path, [("X-Coin", "fresh=100")])
      #expect(unknown.json?["reason"]?.string == "unknown_payment")
      #expect(await !depot.knows("fresh"))
      #expect(depot.office.made.count { $0.state.isLive } == 2)
    }
  }

  @Test("a payment beside its pass prolongs it, once")
  func extend() async throws {
    try await Depot.open { depot in
      let bought = await depot.buy("a=100")
      let (id, pass) = try (Self.id(bought), Self.pass(bought))
      let more = [("X-Coin", "b=50")] + Self.bearer(pass)
      for _ in 0..<2 {
        let answer = await depot.ask("POST", "/v1/workloads/\(id)/extend", more)
        #expect(answer.status == 200)
        #expect(answer.json?["expires"]?.unsigned == 1_767_225_600 + 5400)
        #expect(answer.json?["pass"]?.string != nil)
      }
      #expect(depot.office.made.count == 1)
      #expect(Set(depot.office.changed) == [try #require(depot.office.made.first).serial])
      let unpaid = await depot.ask("POST", "/v1/workloads/\(id)/extend", Self.bearer(pass))
      #expect(unpaid.status == 402)
      // What bought another machine prolongs none.
      _ = await depot.buy("c=100")
      let spent = await depot.ask(
        "POST", "/v1/workloads/\(id)/extend", [("X-Coin", "c=100")] + Self.bearer(pass))
      #expect(spent.status == 409)
    }
  }

  @Test("a pass buys a machine of its own route's kind and of no other, also by its credit")
  func otherRoute() async throws {
    try await Depot.open { depot in
      let cheap = await depot.buy("a=100", body: #"{"spec":"small"}"#)
      let fields = Self.bearer(try Self.pass(cheap))
      let large = #"{"spec":"large"}"#
      for _ in 0..<2 {
        let answer = await depot.ask("POST", "/v1/workloads", fields, body: large)
        #expect(answer.status == 402)
        #expect(answer.json?["reason"]?.string == "pass_route")
        let spawned = await depot.ask("POST", "/spawn-pod", fields, body: #"{"pod_spec_id":"large"}"#)
        #expect(spawned.status == 402)
        // And once more when its machine has left credit.
        _ = await depot.ask("DELETE", "/v1/workloads/\(try Self.id(cheap))", fields)
      }
      // A payment beside it buys a machine of its own.
      let bought = await depot.ask("POST", "/v1/workloads", fields + [("X-Coin", "b=400")], body: large)
      #expect(bought.status == 201)
      #expect(bought.json?["spec"]?.string == "large")
      #expect(try Self.pass(bought) != Self.pass(cheap))
      // Without a name it is the pass's own.
      let again = await depot.ask("POST", "/v1/workloads", Self.bearer(try Self.pass(bought)))
      #expect(try Self.id(again) == Self.id(bought))
      #expect(Set(depot.office.presented.map(\.route.text)) == ["/ssh", "/big"])
    }
  }

  @Test("what is ended early is credit, and the same payment gets another machine")
  func delete() async throws {
    try await Depot.open { depot in
      let bought = await depot.buy("a=100")
      let (id, pass) = try (Self.id(bought), Self.pass(bought))
      depot.clock.advance(by: .seconds(600))
      let ended = await depot.ask("DELETE", "/v1/workloads/\(id)", Self.bearer(pass))
      #expect(ended.status == 200)
      #expect(ended.json?["state"]?.string == "gone")
      #expect(ended.json?["credit_seconds"]?.unsigned == 3000)
      #expect(ended.json?["note"]?.string == "ended by its owner")
      #expect(ended.json?["password"] == nil && ended.json?["ssh"] == nil)
      let gone = await depot.ask("GET", "/v1/workloads/\(id)", Self.bearer(pass))
      #expect(gone.json?["state"]?.string == "gone")
      let late = await depot.ask(
        "POST", "/v1/workloads/\(id)/extend", [("X-Coin", "b=100")] + Self.bearer(pass))
      #expect(late.status == 410)
      #expect(await !depot.knows("b"))
      let next = await depot.buy("a=100")
      #expect(next.status == 201)
      #expect(try Self.id(next) != id)
    }
  }

  @Test("who shows the payment or its pass gets the rest, with a new password; HEAD changes nothing")
  func byPayment() async throws {
    try await Depot.open { depot in
      let grant = try #require(await depot.grant("a=100"))
      #expect(grant.hasPrefix("tg1."))
      let id = try #require(depot.office.made.first).id
      let head = await depot.ask("HEAD", "/v1/workloads/by-payment", [("X-Coin", "a=100")])
      #expect(head.status == 200)
      #expect(depot.office.passwords(of: id).isEmpty)
      let answer = await depot.ask("GET", "/v1/workloads/by-payment", [("X-Coin", "a=100")])
      #expect(try Self.id(answer) == id.text)
      #expect(depot.office.passwords(of: id) == [try #require(answer.json?["password"]?.string)])
      let byPass = await depot.ask("GET", "/v1/workloads/by-payment", Self.bearer(try Self.pass(answer)))
      #expect(try Self.id(byPass) == id.text)
      #expect(depot.office.passwords(of: id).count == 2)
      #expect(await depot.ask("GET", "/v1/workloads/by-payment").status == 401)
      #expect(await depot.ask("GET", "/v1/workloads/by-payment", [("X-Coin", "new=100")]).status == 404)
    }
  }

  @Test("a payment that anyone may have seen gets a password once; after that only its pass does")
  func notBearer() async throws {
    try await Depot.open(bearing: .firstPresentation) { depot in
      let first = await depot.buy("a=100")
      #expect(first.status == 201)
      let id = try #require(depot.office.made.first).id
      #expect(await depot.buy("a=100").status == 409)
      let seen = await depot.ask("GET", "/v1/workloads/by-payment", [("X-Coin", "a=100")])
      #expect(seen.status == 409)
      #expect(seen.json?["reason"]?.string == "not_bearer")
      #expect(await depot.ask("DELETE", "/v1/workloads/\(id)", [("X-Coin", "a=100")]).status == 409)
      #expect(depot.office.passwords(of: id).count == 1)
      let own = await depot.ask("GET", "/v1/workloads/by-payment", Self.bearer(try Self.pass(first)))
      #expect(own.json?["password"]?.string != nil)
    }
  }

  @Test("the admin lists, sees and ends them all, and is told no password")
  func admin() async throws {
    try await Depot.open { depot in
      let one = await depot.buy("a=100")
      _ = await depot.buy("b=100")
      let admin = Self.bearer(Depot.secret)
      let list = await depot.ask("GET", "/v1/workloads", admin)
      #expect(list.json?["workloads"]?.array?.count == 2)
      #expect(!list.text.contains(#""password":""#))
      let own = await depot.ask("GET", "/v1/workloads", Self.bearer(try Self.pass(one)))
      #expect(own.json?["workloads"]?.array?.compactMap { $0["id"]?.string } == [try Self.id(one)])
      #expect(await depot.ask("GET", "/v1/workloads").status == 401)
      let shown = await depot.ask("GET", "/v1/workloads/\(try Self.id(one))", admin)
      #expect(shown.json?["password"] == nil)
      let ended = await depot.ask("DELETE", "/v1/workloads/\(try Self.id(one))", admin)
      #expect(ended.json?["note"]?.string == "ended by the operator")
      for wrong in [Depot.secret + "x", String(Depot.secret.dropLast()), ""] {
        #expect(await depot.ask("GET", "/v1/workloads", Self.bearer(wrong)).status == 401)
      }
    }
  }

  @Test("a machine that could not be made keeps its time: 503, and the same payment may try again")
  func failed() async throws {
    try await Depot.open { depot in
      let grant = try #require(await depot.grant("a=100"))
      depot.office.breakDown(try #require(depot.office.made.first).id, credit: .seconds(3600))
      let answer = await depot.ask("GET", "/ssh", [("Turnpike-Grant", grant)], host: "shop.example")
      #expect(answer.status == 503)
      #expect(answer.json?["reason"]?.string == "workload_failed")
      #expect(answer.field("retry-after") == "2")
      depot.office.breakDown(try #require(depot.office.made.first).id, credit: .zero)
      let over = await depot.ask("GET", "/ssh", [("Turnpike-Grant", grant)], host: "shop.example")
      #expect(over.status == 410)
      depot.office.breakDown(try #require(depot.office.made.first).id, credit: .seconds(3600))
      #expect(await depot.buy("a=100").status == 201)
      depot.office.fail(with: Outage(.outage, "the cluster is away", retryAfterSeconds: 6))
      let away = await depot.buy("b=100")
      #expect(away.status == 503)
      #expect(away.field("retry-after") == "6")
      depot.office.fail(with: nil)
      #expect(await depot.buy("b=100").status == 201)
      #expect(depot.office.made.count == 3)
    }
  }

  @Test("where no machines are sold there are none to be had")
  func none() async throws {
    try await Shop.open { shop in
      for (method, path) in [
        ("POST", "/v1/workloads"), ("GET", "/v1/workloads"), ("GET", "/v1/workloads/x"), ("GET", "/pods"),
      ] {
        let answer = await shop.ask(method, path)
        #expect(answer.status == 404)
        #expect(answer.json?["reason"]?.string == "no_workloads")
      }
      #expect(await shop.ask("POST", "/spawn-pod").status == 404)
    }
  }

  @Test("a page of any origin may ask, and end its own")
  func cors() async throws {
    try await Depot.open { depot in
      let preflight = await depot.ask("OPTIONS", "/v1/workloads/x")
      #expect(preflight.status == 204)
      #expect(preflight.field("access-control-allow-methods") == "GET, HEAD, DELETE, OPTIONS")
      #expect(preflight.field("access-control-allow-headers")?.contains("authorization") == true)
    }
  }

  @Test("an offer says the size, and what is not shut off")
  func offers() async throws {
    try await Depot.open { depot in
      depot.office.set(OfficeCondition(live: 3, reducedIsolation: ["memory is not limited"]))
      let offers = await depot.ask("GET", "/v1/offers")
      #expect(offers.json?["workloads"]?.string == "http://pay.example/v1/workloads")
      let routes = try #require(offers.json?["routes"]?.array)
      let machine = try #require(routes[0]["machine"])
      #expect(machine["spec"]?.string == "small")
      #expect(machine["cpu_millicores"]?.unsigned == 500)
      #expect(machine["memory_bytes"]?.unsigned == 256 << 20)
      #expect(machine["images"]?.array?.count == 2)
      #expect(machine["reduced_isolation"] == .array([.string("memory is not limited")]))
      #expect(machine["available"]?.bool == true)
      depot.office.set(.unavailable("no sshd"))
      let now = await depot.ask("GET", "/v1/offers").json?["routes"]?.array?[0]["machine"]
      #expect(now?["available"]?.bool == false)
      #expect(routes[1]["machine"]?["spec"]?.string == "large")
      #expect(routes[2]["machine"] == nil)
    }
  }
}
