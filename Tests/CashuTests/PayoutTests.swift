@testable import Cashu
import Gate
import JSON
import Octets
import Outbound
import Store
import Synchronization
import TestKit
import Testing

/// A payee with a Lightning address, in memory (LUD-06, LUD-16).
final class Payee: OutboundTransport {
  struct State {
    var least: UInt64 = 1000
    var most: UInt64 = 1_000_000_000
    var callback = "https://pay.test/callback?id=1"
    var tag = "payRequest"
    /// Added to every invoice, in satoshis.
    var beside: UInt64 = 0
    var isDown = false
    var calls: [String] = []
  }

  let state = Mutex(State())

  var calls: [String] { self.state.withLock { $0.calls } }

  func send(_ call: OutboundCall) async -> OutboundReply {
    self.state.withLock { state in
      state.calls.append(call.url)
      guard !state.isDown else { return .silent(.timedOut) }
      let json: JSON
      if call.url.hasPrefix(state.callback) {
        let amount = UInt64(call.url.split(separator: "=").last ?? "") ?? 0
        json = .record([
          "pr": .string(MadeInvoice.sats(amount / 1000 + state.beside, salt: state.calls.count)),
          "routes": .array([]),
        ])
      } else {
        json = .record([
          "tag": .string(state.tag), "callback": .string(state.callback),
          "minSendable": .unsigned(state.least),
          "maxSendable": .unsigned(state.most), "metadata": .string("[]"),
        ])
      }
      return .answered(status: 200, body: JSONWriter.write(json), retryAfterSeconds: nil)
    }
  }
}

@Suite("Lightning addresses")
struct LightningAddressTests {
  @Test(
    "an address is asked where its specification says",
    arguments: [
      ("alice@pay.test", "https://pay.test/.well-known/lnurlp/alice"),
      ("a.b-c_d+e@pay.test", "https://pay.test/.well-known/lnurlp/a.b-c_d+e"),
      ("bob@127.0.0.1:8080", "http://127.0.0.1:8080/.well-known/lnurlp/bob"),
      ("https://pay.test/lnurlp/x", "https://pay.test/lnurlp/x"),
      ("http://localhost:1234/x", "http://localhost:1234/x"),
    ])
  func good(text: String, url: String) throws { #expect(try #require(LightningAddress(text)).url == url) }

  @Test(
    "anything else is no address",
    arguments: [
      "", "alice", "@pay.test", "alice@", "Alice@pay.test", "a b@pay.test", "alice@pay.test/x@y",
      "alice@pay.test?x", "alice@pay.test/x",
      "http://pay.test/x", "ftp://pay.test/x", "https://user@pay.test/x", "alice@bob@pay.test",
    ])
  func bad(text: String) { #expect(LightningAddress(text) == nil) }

  @Test("an invoice over exactly what was asked is taken")
  func invoice() async throws {
    let payee = Payee()
    let address = try #require(LightningAddress("alice@pay.test"))
    #expect(try await address.invoice(millisatoshis: 21_000, by: payee).millisatoshis == 21_000)
    #expect(
      payee.calls == [
        "https://pay.test/.well-known/lnurlp/alice", "https://pay.test/callback?id=1&amount=21000",
      ])
  }

  @Test("another amount, an amount out of bounds, a callback without TLS and another tag are refused")
  func refused() async throws {
    let address = try #require(LightningAddress("alice@pay.test"))
    let cases: [(LightningAddressFault, (inout Payee.State) -> Void)] = [
      (.wrongInvoice, { $0.beside = 1 }),
      (.outsideBounds(22_000, 30_000), { ($0.least, $0.most) = (22_000, 30_000) }),
      (.outsideBounds(1_000, 2_000), { $0.most = 2_000 }),
      (.notUnderstood, { $0.callback = "http://pay.test/callback?a=1" }),
      (.notUnderstood, { $0.tag = "withdrawRequest" }), (.silent, { $0.isDown = true }),
    ]
    for (fault, change) in cases {
      let payee = Payee()
      payee.state.withLock { change(&$0) }
      await #expect(throws: fault) { try await address.invoice(millisatoshis: 21_000, by: payee) }
    }
  }
}

@Suite("Automatic payout")
struct PayoutTests {
  static func settings(above: UInt64 = 100, keep: UInt64 = 20, percent: UInt64 = 10) throws -> Payout.Settings
  {
    Payout.Settings(
      above: above, keep: keep, to: try #require(LightningAddress("alice@pay.test")), maxFeePercent: percent)
  }

  static func payout(_ safe: Safe, _ payee: Payee, _ events: Events, _ settings: Payout.Settings? = nil)
    throws -> Payout
  {
    Payout(treasury: safe.treasury, settings: try settings ?? self.settings(), transport: payee) {
      events.add($0)
    }
  }

  final class Events: Sendable {
    private let all = Mutex<[String]>([])
    func add(_ event: Payout.Event) {
      self.all.withLock { $0.append(String("\(event)".prefix { $0 != "(" })) }
    }
    var names: [String] { self.all.withLock { $0 } }
  }

  @Test("above the threshold all but what is to stay is paid, and at it nothing")
  func pays() async throws {
    let (safe, payee, events) = (try await Safe([64, 32, 4]), Payee(), Events())
    let payout = try Self.payout(safe, payee, events)
    var courses: [String: Payout.Course] = [:]
    await payout.round(&courses)
    #expect(events.names.isEmpty)
    try await safe.redeem([32])
    await payout.round(&courses)
    #expect(events.names == ["paid"])
    // 132 − 20 = 112; 112 · 100 / 110 = 101, and 10 stay for the fee.
    #expect(try await safe.held == 31)
    await payout.round(&courses)
    #expect(events.names == ["paid"])
    try await safe.balances()
  }

  @Test("a failure is tried again later, and later still")
  func backOff() async throws {
    let (safe, payee, events) = (try await Safe([128]), Payee(), Events())
    let payout = try Self.payout(safe, payee, events)
    payee.state.withLock { $0.isDown = true }
    var courses: [String: Payout.Course] = [:]
    await payout.round(&courses)
    let once = events.names.count
    await payout.round(&courses)
    #expect(events.names.count == once)
    safe.clock.advance(by: .seconds(61))
    await payout.round(&courses)
    #expect(events.names.count == 2 * once)
    safe.clock.advance(by: .seconds(61))
    await payout.round(&courses)
    #expect(events.names.count == 2 * once)
    payee.state.withLock { $0.isDown = false }
    safe.clock.advance(by: .seconds(3600))
    await payout.round(&courses)
    #expect(events.names.last == "paid")
  }

  @Test("no payout begins while the end of the one before is not known")
  func oneAtATime() async throws {
    let (safe, payee, events) = (try await Safe([128]), Payee(), Events())
    try await safe.redeem([512])
    let settings = try Self.settings(above: 100, keep: 500, percent: 0)
    let payout = try Self.payout(safe, payee, events, settings)
    safe.lightning.fail(.pending)
    var courses: [String: Payout.Course] = [:]
    await payout.round(&courses)
    #expect(events.names == ["failed"])
    for _ in 0..<3 {
      safe.clock.advance(by: .seconds(3700))
      await payout.round(&courses)
    }
    #expect(safe.lightning.posts == 1)
    await safe.lightning.settlePending()
    safe.clock.advance(by: .seconds(3700))
    await payout.round(&courses)
    safe.clock.advance(by: .seconds(3700))
    try await safe.redeem([512])
    await payout.round(&courses)
    #expect(safe.lightning.posts == 2)
    try await safe.balances()
  }

  @Test(
    "what is paid leaves room for its fee and for what is to stay",
    arguments: [(1000, 0, 0, 990), (1000, 500, 0, 490), (1000, 0, 10, 909), (20, 20, 5, 0), (25, 20, 5, 0)]
      as [(UInt64, UInt64, UInt64, UInt64)])
  func amounts(held: UInt64, keep: UInt64, percent: UInt64, amount: UInt64) throws {
    let settings = try Self.settings(above: 0, keep: keep, percent: percent)
    #expect(Payout.amount(of: held, settings) ?? 0 == amount)
    #expect(amount == 0 || amount + Payout.fee(for: amount, settings) + keep <= held)
  }
}
