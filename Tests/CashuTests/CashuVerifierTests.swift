@testable import Cashu
import Digest
import Gate
import JSON
import Octets
import Testing

@Suite("Judging a token")
struct TokenJudgeTests {
  @Test("a token with DLEQ proofs, or without, is accepted at its face value")
  func accepted() async throws {
    let till = Till(try ScriptedMint())
    for hasDLEQ in [true, false] {
      let payment = try await till.payment(try till.mint.token([8, 2], hasDLEQ: hasDLEQ))
      #expect(payment.value == Amount(10, .sat))
      #expect(payment.nullifiers.count == 2)
      #expect(payment.counterpart == till.mint.url.text)
      #expect(payment.counters.map(\.count) == [2])
    }
  }

  @Test("the same proofs are the same payment in whatever order and form they come")
  func identity() async throws {
    let till = Till(try ScriptedMint())
    let text = try till.mint.token([8, 2])
    let token = try TokenReader.read(text.utf8)
    var turned = token
    turned.entries[0].proofs.reverse()
    let first = try await till.payment(text)
    let second = try await till.payment(TokenWriter.writeV3(turned))
    let third = try await till.payment("cashu:" + text)
    #expect(first.id == second.id)
    #expect(first.nullifiers == second.nullifiers)
    #expect(first.id == third.id)
    let other = try await till.payment(try till.mint.token([8, 2]))
    #expect(other.id != first.id)
  }

  @Test("a token of several entries of one mint is one token, of two mints it is refused")
  func entries() async throws {
    let till = Till(try ScriptedMint()) {
      $0.mints.append(CashuConfiguration.Mint(url: MintURL("http://second.test")!))
    }
    let first = try TokenReader.read(try till.mint.token([8]).utf8).entries[0]
    var second = try TokenReader.read(try till.mint.token([2]).utf8).entries[0]
    let whole = UnverifiedToken(entries: [first, second], unit: "sat")
    #expect(try await till.payment(TokenWriter.writeV3(whole)).value.value == 10)
    second.mint = "http://second.test"
    let mixed = UnverifiedToken(entries: [first, second], unit: "sat")
    #expect(try await till.verify(TokenWriter.writeV3(mixed)).rejection == .malformed)
    second.mint = "http://evil.test"
    let foreign = UnverifiedToken(entries: [first, second], unit: "sat")
    #expect(try await till.verify(TokenWriter.writeV3(foreign)).rejection == .wrongMint)
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var title: String
    var rejection: Rejection
    var token: @Sendable (ScriptedMint) throws -> String
    var testDescription: String { self.title }
  }

  static let faults: [Fault] = [
    Fault(title: "garbage", rejection: .malformed) { _ in "cashuBgarbage" },
    Fault(title: "an empty text", rejection: .malformed) { _ in "" },
    Fault(title: "no proofs", rejection: .malformed) { try $0.token([]) },
    Fault(title: "an unlisted mint", rejection: .wrongMint) { try $0.token([16], mint: "http://evil.test") },
    Fault(title: "another path at the listed mint", rejection: .wrongMint) {
      try $0.token([16], mint: $0.url.text + "/other")
    },
    Fault(title: "another declared unit", rejection: .wrongUnit) { try $0.token([16], unit: "usd") },
    Fault(title: "a keyset of another unit, declared as ours", rejection: .wrongUnit) {
      try $0.token([16], issue: 1)
    },
    Fault(title: "too little", rejection: .tooLittle) { try $0.token([8, 1]) },
    Fault(title: "33 proofs", rejection: .tooManyProofs) { try $0.token([UInt64](repeating: 1, count: 33)) },
    Fault(title: "a lock", rejection: .wrongLock) {
      try $0.token([16]) { $0.secret = Secret("[\"P2PK\",{\"nonce\":\"0\",\"data\":\"02\"}]") }
    },
    Fault(title: "a lock in disguise", rejection: .wrongLock) {
      try $0.token([16]) { $0.secret = Secret(" [ \"p2pk\",{\"data\":1,\"data\":2}]") }
    },
    Fault(title: "a secret over 1024 bytes", rejection: .malformed) {
      try $0.token([16]) { $0.secret = Secret(String(repeating: "a", count: 1025)) }
    },
    Fault(title: "an empty secret", rejection: .malformed) { try $0.token([16]) { $0.secret = Secret("") } },
    Fault(title: "an amount of zero", rejection: .malformed) { try $0.token([16, 1]) { $0.amount = 0 } },
    Fault(title: "amounts that wrap", rejection: .malformed) {
      try $0.token([16, 1]) { $0.amount = 1 << 63 }
    },
    Fault(title: "an amount without a key", rejection: .invalid) { try $0.token([16]) { $0.amount = 17 } },
    Fault(title: "another amount than was signed", rejection: .invalid) {
      try $0.token([16]) { $0.amount = 32 }
    },
    Fault(title: "another secret than was signed", rejection: .invalid) {
      try $0.token([16]) { $0.secret = Secret("other") }
    },
    Fault(title: "a signature that is no point", rejection: .invalid) {
      try $0.token([16]) { $0.signature = [0x02] + [UInt8](repeating: 0xFF, count: 32) }
    },
    Fault(title: "a DLEQ proof of zeros", rejection: .invalid) {
      try $0.token([16]) { proof in
        let zero = [UInt8](repeating: 0, count: 32)
        proof.dleq = UnverifiedDLEQ(e: zero, s: zero, r: zero)
      }
    },
    Fault(title: "an invented keyset", rejection: .invalid) {
      try $0.token([16]) { $0.keyset = .short([1, 2, 3, 4, 5, 6, 7, 8]) }
    },
    Fault(title: "an expired keyset", rejection: .invalid) { try $0.token([16], issue: 2) },
  ]

  @Test("is refused, each fault with its own reason", arguments: Self.faults)
  func refused(fault: Fault) async throws {
    let mint = try ScriptedMint(issues: [
      ScriptedMint.issue(),
      ScriptedMint.issue(unit: "usd", firstKey: 20),
      ScriptedMint.issue(isActive: false, finalExpiry: 1_800_000_000, firstKey: 40),
    ])
    let till = Till(mint)
    #expect(try await till.verify(try fault.token(mint)).rejection == fault.rejection)
    #expect(!mint.calls.contains("/v1/swap"))
  }

  @Test("a proof given twice is refused")
  func duplicate() async throws {
    let till = Till(try ScriptedMint())
    var token = try TokenReader.read(try till.mint.token([8]).utf8)
    token.entries[0].proofs += token.entries[0].proofs
    #expect(try await till.verify(TokenWriter.writeV3(token)).rejection == .malformed)
  }

  @Test("the last second before the end of a keyset is too late, a day before is not")
  func expiry() async throws {
    let mint = try ScriptedMint(issues: [
      ScriptedMint.issue(finalExpiry: 1_800_000_000 + 3599), ScriptedMint.issue(finalExpiry: 1_800_086_400),
    ])
    let till = Till(mint)
    #expect(try await till.verify(try mint.token([16], issue: 0)).rejection == .invalid)
    #expect(try await till.payment(try mint.token([16], issue: 1)).value.value == 16)
  }

  @Test(
    "fees are our cost up to a fifth of the value, and never all of it",
    arguments: [
      (UInt64(0), [UInt64(8), 2], [UInt64(2), 8], nil), (100, [8, 2], [1, 8], nil), (1000, [8, 2], [8], nil),
      (1000, [4, 4, 2], nil, .feeTooHigh), (1000, [UInt64](repeating: 1, count: 12), nil, .feeTooHigh),
      (11_000, [16], nil, .feeTooHigh), (1000, [1024], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] + [], nil),
    ] as [(UInt64, [UInt64], [UInt64]?, Rejection?)])
  func fees(ppk: UInt64, amounts: [UInt64], outputs: [UInt64]?, rejection: Rejection?) async throws {
    let till = Till(try ScriptedMint(issues: [ScriptedMint.issue(feePpk: ppk)]))
    let token = try till.mint.token(amounts)
    #expect(try await till.verify(token).rejection == rejection)
    guard rejection == nil else { return }
    let total = amounts.reduce(0, +) - (outputs ?? []).reduce(0, +)
    #expect(total == (UInt64(amounts.count) * ppk + 999) / 1000)
    #expect(await till.settle(try await till.payment(token)).amounts == outputs)
  }

  @Test("a fee of one unit is allowed on the smallest price, and not if nothing is left")
  func smallest() async throws {
    let till = Till(try ScriptedMint(issues: [ScriptedMint.issue(feePpk: 100)]))
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .uses(1))
    let quote = Quote(tariff: tariff, scope: till.quote.scope)
    func verdict(_ amount: UInt64) async throws -> Verdict {
      let offer = PaymentOffer(method: .cashu, bytes: Array(try till.mint.token([amount]).utf8))
      return try await till.verifier.verify(offer, against: quote, reach: .network)
    }
    #expect(try await verdict(2).rejection == nil)
    #expect(try await verdict(1).rejection == .feeTooHigh)
  }

  @Test("version 1 keysets are judged by the fee the mint lists")
  func version1() async throws {
    let till = Till(try ScriptedMint(issues: [ScriptedMint.issue(feePpk: 100, version: .v1)]))
    #expect(await till.settle(try await till.payment(try till.mint.token([8, 2]))).amounts == [1, 8])
  }
}

@Suite("The keysets of the mints")
struct KeysetCacheTests {
  @Test("tokens are judged while the mint is down, once its keysets are known")
  func down() async throws {
    let till = Till(try ScriptedMint())
    let token = try till.mint.token([16])
    till.mint.setDown(true)
    await #expect(throws: Outage.self) { try await till.verify(token) }
    till.clock.advance(.seconds(2))
    till.mint.setDown(false)
    #expect(try await till.verify(token).rejection == nil)
    till.mint.setDown(true)
    #expect(try await till.verify(token, reach: .local).rejection == nil)
  }

  @Test("nothing is asked where only a local answer is wanted")
  func local() async throws {
    let till = Till(try ScriptedMint())
    let token = try till.mint.token([16])
    await #expect(throws: Outage.self) { try await till.verify(token, reach: .local) }
    #expect(till.mint.calls.isEmpty)
  }

  @Test("invented keysets cause one call in ten seconds, and a new keyset is found after that")
  func bounded() async throws {
    let till = Till(try ScriptedMint())
    _ = try await till.verify(try till.mint.token([16]))
    till.mint.forgetCalls()
    let invented = try till.mint.token([16]) { $0.keyset = .short([1, 2, 3, 4, 5, 6, 7, 8]) }
    for _ in 0..<50 { #expect(try await till.verify(invented).rejection == .invalid) }
    #expect(till.mint.calls.isEmpty)
    till.clock.advance(.seconds(11))
    for _ in 0..<50 { #expect(try await till.verify(invented).rejection == .invalid) }
    #expect(till.mint.calls == ["/v1/keysets"])
    till.mint.setIssues([ScriptedMint.issue(), ScriptedMint.issue(feePpk: 7, firstKey: 30)])
    till.clock.advance(.seconds(11))
    #expect(try await till.payment(try till.mint.token([16], issue: 1)).value.value == 16)
  }

  @Test("one call serves all who wait for it")
  func singleFlight() async throws {
    let till = Till(try ScriptedMint())
    let token = try till.mint.token([16])
    await withTaskGroup { group in
      for _ in 0..<40 { group.addTask { _ = try? await till.verify(token) } }
    }
    #expect(till.mint.calls.filter { $0 == "/v1/keysets" }.count == 1)
  }

  @Test("keys that do not make the identifier are not taken")
  func forged() {
    let mint = MintURL("http://a.test")!
    var shelf = KeysetShelf(unit: "sat")
    let issue = ScriptedMint.issue()
    let other = ScriptedMint.issue(firstKey: 50)
    let listing = KeysetJSON.Listing(id: issue.keyset.id, unit: "sat", isActive: true, inputFeePpk: 0)
    #expect(shelf.update([listing], of: mint).map(\.id) == [issue.keyset.id])
    shelf.add(other.keyset.keys, for: listing, of: mint)
    #expect(shelf.active(at: mint) == nil)
    shelf.add(issue.keyset.keys, for: listing, of: mint)
    #expect(shelf.active(at: mint)?.id == issue.keyset.id)
  }

  @Test("an identifier belongs to the first mint that lists it")
  func owners() {
    let (first, second) = (MintURL("http://a.test")!, MintURL("http://b.test")!)
    var shelf = KeysetShelf(unit: "sat")
    let issue = ScriptedMint.issue()
    let listing = KeysetJSON.Listing(id: issue.keyset.id, unit: "sat", isActive: true, inputFeePpk: 0)
    #expect(shelf.update([listing], of: first).count == 1)
    #expect(shelf.update([listing], of: second).isEmpty)
    guard case .unknown = shelf.find(.full(issue.keyset.id), at: second) else {
      Issue.record("found at the second mint")
      return
    }
  }

  @Test("a keyset the mint no longer lists is an input still, and no output")
  func retired() {
    let mint = MintURL("http://a.test")!
    var shelf = KeysetShelf(unit: "sat")
    let issue = ScriptedMint.issue()
    let listing = KeysetJSON.Listing(id: issue.keyset.id, unit: "sat", isActive: true, inputFeePpk: 0)
    _ = shelf.update([listing], of: mint)
    shelf.add(issue.keyset.keys, for: listing, of: mint)
    _ = shelf.update([], of: mint)
    #expect(shelf.active(at: mint) == nil)
    guard case .known = shelf.find(.short(issue.keyset.id.short), at: mint) else {
      Issue.record("forgotten")
      return
    }
  }
}

@Suite("Tokens of many proofs")
struct ManyProofsTests {
  @Test(
    "more proofs than a stored plan can be read back with are refused, whatever the configuration allows",
    arguments: [257, 300, 374])
  func many(count: Int) async throws {
    let till = Till(try ScriptedMint()) { $0.maxProofs = 1000 }
    var number = 0
    let token = try till.mint.token([UInt64](repeating: 1, count: count)) { proof in
      number += 1
      proof.secret = Secret(String(number, radix: 36))
      proof.dleq = nil
      proof.witness = ""
    }
    #expect(try await till.verify(token).rejection == .tooManyProofs)
  }

  @Test("the plan of as many proofs as are taken is read back, with witnesses and the most outputs")
  func plan() throws {
    let keyset = ScriptedMint.issue().keyset
    let inputs = (0..<SwapPlan.mostInputs).map { number in
      SwapPlan.Input(
        amount: 1, keysetID: keyset.id, secret: Secret("\(number)"),
        signature: [UInt8](repeating: 2, count: 33), witness: "")
    }
    let plan = SwapPlan(
      mint: "https://mint.test", unit: "sat", inputs: inputs,
      outputAmounts: [UInt64](repeating: 1, count: 64), outputKeysetID: keyset.id, proof: .unprovable,
      heldSince: Timestamp(seconds: 1))
    #expect(SwapPlan(decoding: plan.encoded()) == plan)
  }
}
