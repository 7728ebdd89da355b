@testable import Cashu
import Gate
import TestKit
import Testing

/// A verifier with a counterpart that a test can trouble: what the contract of ``Gate/PaymentVerifier`` is
/// tried on.
protocol PaymentScheme: Sendable {
  var verifier: any PaymentVerifier { get }

  /// The field and value of an offer that is good for `value` sat, once.
  func good(_ value: UInt64) throws -> SchemeOffer
  /// One that its counterpart never made.
  func forged(_ value: UInt64) throws -> SchemeOffer

  /// A genuine one whose owner has spent (a part of) it elsewhere.
  func spentElsewhere(_ value: UInt64) throws -> SchemeOffer

  /// The next time money moves the answer is lost, before or after it took effect, until `mend`.
  func lose(_ loss: Loss)
  /// The next time money moves the counterpart keeps it and gives no answer that ends it.
  func hold()
  func mend()

  /// The counterpart may not be asked any more, until `refillBudget`.
  func exhaustBudget()
  func refillBudget(by clock: ManualClock)

  /// How many payments the counterpart has taken from us.
  var taken: Int { get }
  /// How often offers made us ask the counterpart.
  var calls: Int { get }
}

struct SchemeOffer: Sendable {
  var field: StaticString
  var value: String
}

enum Loss: CaseIterable, Sendable { case callLost, answerLost }

enum SchemeName: String, CaseIterable, Sendable {
  case scripted, cashu

  func make(clock: ManualClock) throws -> any PaymentScheme {
    switch self {
    case .scripted: ScriptedScheme()
    case .cashu: try CashuScheme(clock: clock)
    }
  }
}

/// Coins that are redeemed in two steps.
struct ScriptedScheme: PaymentScheme {
  let counterpart = ScriptedCounterpart()
  var verifier: any PaymentVerifier { ScriptedVerifier(self.counterpart) }

  private func offer(_ coin: Coin) -> SchemeOffer { SchemeOffer(field: "x-coin", value: coin.offer) }

  func good(_ value: UInt64) -> SchemeOffer {
    self.offer(self.counterpart.issue("coin\(UInt64.random(in: 0...(.max)))", value))
  }

  func forged(_ value: UInt64) -> SchemeOffer { self.offer(Coin(name: "forged", value: value)) }

  func spentElsewhere(_ value: UInt64) -> SchemeOffer {
    let coin = self.counterpart.issue("old", value)
    self.counterpart.spendElsewhere(coin)
    return self.offer(coin)
  }

  func lose(_ loss: Loss) {
    switch loss {
    case .callLost: self.counterpart.fail(next: .take, with: .callLost)
    case .answerLost: self.counterpart.fail(next: .take, with: .answerLost)
    }
  }

  func hold() { self.counterpart.fail(next: .take, with: .held) }
  func mend() {}

  func exhaustBudget() {
    self.counterpart.refuse(with: Outage(.mintBudget, "enough for now", retryAfterSeconds: 60))
  }

  func refillBudget(by clock: ManualClock) { self.counterpart.refuse(with: nil) }

  var taken: Int { self.counterpart.takenCount }
  var calls: Int { self.counterpart.calls(.lock) + self.counterpart.calls(.take) }
}

/// Tokens of a mint in memory that signs for real.
struct CashuScheme: PaymentScheme {
  static let swapsPerMinute = 40

  let mint: ScriptedMint
  let verifier: any PaymentVerifier
  private let cashu: CashuVerifier

  init(clock: ManualClock) throws {
    self.mint = try ScriptedMint()
    let configuration = CashuConfiguration(mints: [
      CashuConfiguration.Mint(url: self.mint.url, swapsPerMinute: Self.swapsPerMinute)
    ])
    self.cashu = CashuVerifier(
      configuration: configuration, seed: .random(), transport: self.mint, clock: clock)
    self.verifier = self.cashu
  }

  private static func amounts(_ value: UInt64) -> [UInt64] {
    (0..<11).map { 1 << $0 }.filter { value & $0 != 0 }
  }

  func good(_ value: UInt64) throws -> SchemeOffer {
    SchemeOffer(field: "x-cashu", value: try self.mint.token(Self.amounts(value)))
  }

  func forged(_ value: UInt64) throws -> SchemeOffer {
    let token = try self.mint.token(Self.amounts(value)) { $0.secret = Secret($0.secret.text + "0") }
    return SchemeOffer(field: "x-cashu", value: token)
  }

  func spentElsewhere(_ value: UInt64) throws -> SchemeOffer {
    let offer = try self.good(value)
    let proofs = try TokenReader.read(offer.value.utf8).entries[0].proofs
    self.mint.spend(proofs.suffix(1).map { Nullifier(Point.hashToCurve($0.secret.utf8).compressed) })
    return offer
  }

  func lose(_ loss: Loss) {
    switch loss {
    case .callLost: self.mint.fail(.diesBefore)
    case .answerLost: self.mint.fail(.diesAfter)
    }
  }

  func hold() { self.mint.fail(.killed) }
  func mend() { self.mint.setDown(false) }

  func exhaustBudget() {
    let plan = SwapPlan(
      mint: self.mint.url.text, unit: "sat", inputs: [], outputAmounts: [],
      outputKeysetID: self.mint.keysetID, proof: .provable)
    let payment = VerifiedPayment(
      id: PaymentID("budget"), method: .cashu, nullifiers: [], value: Amount(0, .sat),
      counterpart: self.mint.url.text, plan: plan.encoded())
    for _ in 0..<Self.swapsPerMinute { try? self.cashu.admit(payment, from: nil) }
  }

  func refillBudget(by clock: ManualClock) { clock.advance(by: .seconds(60)) }

  var taken: Int { self.mint.swaps }
  var calls: Int {
    self.mint.calls.count { ["/v1/swap", "/v1/restore", "/v1/checkstate"].contains($0) }
  }
}
