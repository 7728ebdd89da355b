@testable import Gate
import Octets
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct PassTests {
  /// A pass as the gate itself hands it out.
  private static func buy(_ target: String, _ value: UInt64, at bench: Workbench) async throws -> IssuedPass {
    let coin = bench.counterpart.issue("coin-\(target)", value)
    let decision = await bench.ask(target, coin: coin)
    return try #require(decision.allowance?.pass)
  }

  @Test("a time pass is decided at once, until it ends")
  func time() async throws {
    try await Workbench().running { bench in
      let pass = try await Self.buy("/hour/x", 100, at: bench)
      guard
        case .decided(let judgement) = bench.gate.rule(
          on: Workbench.request("/hour/y", [("turnpike-pass", pass.token)]))
      else {
        Issue.record("a time pass had to wait")
        return
      }
      #expect(judgement.decision.code == "allow")
      bench.clock.advance(by: .seconds(3601))
      bench.revocations.load([], at: bench.clock.now())
      #expect(await bench.ask("/hour/y", pass: pass.token).code == "pass_expired")
    }
  }

  @Test("every byte of a pass is signed")
  func forged() async throws {
    try await Workbench().running { bench in
      let pass = try await Self.buy("/hour/x", 100, at: bench)
      let bytes = try #require(Base64.decodeURL(pass.token.dropFirst(4).utf8))
      for index in bytes.indices {
        var forged = bytes
        forged[index] ^= 1
        let token = "tp1." + Base64.encodeURL(forged)
        #expect(await bench.ask("/hour/x", pass: token).code == "pass_invalid")
      }
      #expect(await bench.ask("/hour/x", pass: "tp1.").code == "pass_invalid")
      #expect(await bench.ask("/hour/x", pass: String(repeating: "A", count: 100_000)).code == "pass_invalid")
    }
  }

  @Test("a pass holds on its route and host only")
  func bound() async throws {
    try await Workbench().running { bench in
      let pass = try await Self.buy("/hour/x", 100, at: bench)
      #expect(await bench.ask("/paid/x", pass: pass.token).code == "pass_route")
      let elsewhere = Workbench.request("/hour/x", host: "other.example", [("turnpike-pass", pass.token)])
      #expect(await bench.ask(elsewhere).code == "pass_route")
    }
  }

  @Test("a route's passes hold where its `covers` says")
  func covers() async throws {
    let tariff = Tariff(prices: [Amount(100, .sat)], terms: .duration(.seconds(60)))
    let routes = [
      try Workbench.route("/big/**", .priced(tariff), covers: [RouteID("/small/**")]),
      try Workbench.route("/small/**", .priced(tariff)),
    ]
    try await Workbench(routes: routes).running { bench in
      let big = try await Self.buy("/big/x", 100, at: bench)
      #expect(await bench.ask("/small/x", pass: big.token).code == "allow")
      let small = try await Self.buy("/small/x", 100, at: bench)
      #expect(await bench.ask("/big/x", pass: small.token).code == "pass_route")
    }
  }

  @Test("a counted pass and the payment behind it share one balance")
  func oneBalance() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("five", 50)
      let pass = try #require(await bench.ask("/five/1", coin: coin).allowance?.pass)
      #expect(await bench.ask("/five/2", pass: pass.token).code == "allow")
      #expect(await bench.ask("/five/3", coin: coin).code == "allow")
      #expect(await bench.ask("/five/4", pass: pass.token).code == "allow")
      #expect(await bench.ask("/five/5", coin: coin).code == "allow")
      #expect(await bench.ask("/five/6", pass: pass.token).code == "pass_used")
      #expect(await bench.ask("/five/7", coin: coin).code == "spent")
    }
  }

  @Test("a pass of a retiring key still holds, one of a dropped key does not")
  func rotation() async throws {
    try await Workbench(keys: Workbench.keys(1)).running { bench in
      let pass = try await Self.buy("/hour/x", 100, at: bench)
      let rotated = try Workbench(keys: Workbench.keys(2, 1))
      #expect(await rotated.ask("/hour/x", pass: pass.token).code == "allow")
      let dropped = try Workbench(keys: Workbench.keys(2))
      #expect(await dropped.ask("/hour/x", pass: pass.token).code == "pass_invalid")
    }
  }

  @Test(
    "a revoked pass does not hold, and without fresh revocations none can be judged while free routes go on")
  func revocations() async throws {
    try await Workbench().running { bench in
      let pass = try await Self.buy("/hour/x", 100, at: bench)
      let bytes = try #require(Base64.decodeURL(pass.token.dropFirst(4).utf8))
      bench.revocations.load([Serial(Array(bytes[13..<29]))], at: bench.clock.now())
      #expect(await bench.ask("/hour/x", pass: pass.token).code == "pass_revoked")
      bench.revocations.load([], at: Timestamp(milliseconds: bench.clock.now().milliseconds - 10_001))
      #expect(await bench.ask("/hour/x", pass: pass.token).code == "outage")
      // The clock was set back: how long ago they were read cannot be told.
      bench.revocations.load([], at: Timestamp(milliseconds: bench.clock.now().milliseconds + 10_001))
      #expect(await bench.ask("/hour/x", pass: pass.token).code == "outage")
      #expect(await bench.ask("/free/x", pass: pass.token).code == "allow")
    }
  }

  @Test("a bad pass beside a good payment is as if absent")
  func badPassGoodPayment() async throws {
    try await Workbench().running { bench in
      let coin = bench.counterpart.issue("a", 10)
      #expect(await bench.ask("/paid/x", coin: coin, pass: "tp1.rubbish").code == "allow")
    }
  }

  @Test("a header beats a cookie; two different passes in one place are refused")
  func twoPasses() async throws {
    try await Workbench().running { bench in
      let pass = try await Self.buy("/hour/x", 100, at: bench)
      let header: (StaticString, String) = ("turnpike-pass", pass.token)
      let good: (StaticString, String) = ("cookie", "a=1; turnpike_pass=\(pass.token); b=2")
      #expect(await bench.ask(Workbench.request("/hour/x", [good])).code == "allow")
      #expect(
        await bench.ask(Workbench.request("/hour/x", [header, ("cookie", "turnpike_pass=x")])).code == "allow"
      )
      #expect(
        await bench.ask(Workbench.request("/hour/x", [good, ("cookie", "turnpike_pass=x")])).code
          == "two_passes")
      #expect(
        await bench.ask(Workbench.request("/hour/x", [header, ("turnpike-pass", "x")])).code == "two_passes")
      #expect(await bench.ask(Workbench.request("/hour/x", [("turnpike-pass", "x,y")])).code == "two_passes")
      #expect(await bench.ask(Workbench.request("/hour/x", [good, good])).code == "allow")
    }
  }

  @Test(
    "a cookie takes no counted use for another site, nor on an unsafe method without a same-origin Origin")
  func crossSite() async throws {
    try await Workbench().running { bench in
      let pass = try await Self.buy("/five/x", 50, at: bench)
      let cookie: (StaticString, String) = ("cookie", "turnpike_pass=\(pass.token)")
      let cross: (StaticString, String) = ("sec-fetch-site", "cross-site")
      let own: (StaticString, String) = ("origin", "https://shop.example")
      let other: (StaticString, String) = ("origin", "https://evil.example")
      #expect(await bench.ask(Workbench.request("/five/x", [cookie, cross])).code == "payment_required")
      #expect(
        await bench.ask(Workbench.request("/five/x", method: .post, [cookie])).code == "payment_required")
      #expect(
        await bench.ask(Workbench.request("/five/x", method: .post, [cookie, other])).code
          == "payment_required")
      #expect(await bench.ask(Workbench.request("/five/x", method: .post, [cookie, own])).code == "allow")
      #expect(await bench.ask(Workbench.request("/five/x", [cookie])).code == "allow")
    }
  }

  @Test("the pass cookie is taken out of what the app gets, and nothing else is")
  func remainder() {
    #expect(PassCookie.remainder(of: Array("a=1; turnpike_pass=x; b=2".utf8)[...]) == Array("a=1; b=2".utf8))
    #expect(PassCookie.remainder(of: Array("turnpike_pass=x".utf8)[...]) == [])
    #expect(PassCookie.remainder(of: Array("a=1; turnpike_passes=x".utf8)[...]) == nil)
    #expect(PassCookie.remainder(of: Array("a=1,2; b=3,turnpike=4".utf8)[...]) == nil)
    #expect(PassCookie.remainder(of: Array("a=1; TURNPIKE_PASS = x;b=2".utf8)[...]) == Array("a=1; b=2".utf8))
  }

  @Test(
    "the pass cookie is found where Envoy has joined two lines of a client by a comma",
    arguments: [
      ("a=1,turnpike_pass=x", "a=1"), ("turnpike_pass=x,a=1", "a=1"), ("turnpike_pass=x,turnpike_pass=x", ""),
      ("a=1; b=2,turnpike_pass=x; c=3,4", "a=1; b=2; c=3,4"), ("turnpike_pass=x; z=1,a=1", "z=1,a=1"),
    ])
  func joined(cookies: String, left: String) {
    #expect(PassCookie.remainder(of: Array(cookies.utf8)[...]) == Array(left.utf8))
  }

  @Test(
    "a pass in one of two lines that Envoy has joined is still a pass", arguments: ["a=1,", "a=1; b=2,", ""])
  func acceptedJoined(before: String) async throws {
    try await Workbench().running { bench in
      let pass = try await Self.buy("/hour/x", 100, at: bench)
      let cookie: (StaticString, String) = ("cookie", "\(before)turnpike_pass=\(pass.token),c=3")
      #expect(await bench.ask(Workbench.request("/hour/x", [cookie])).code == "allow")
      #expect(await bench.ask(Workbench.request("/five/x", [cookie])).code == "pass_route")
    }
  }
}
