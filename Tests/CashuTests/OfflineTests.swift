@testable import Cashu
import Digest
import Gate
import Octets
import Testing

/// A till in offline mode, its mint's keysets and features heard, and the calls for them forgotten.
func offlineTill(
  _ mode: CashuConfiguration.Offline, _ mint: ScriptedMint, keys: [LockKey],
  change: (inout CashuConfiguration) -> Void = { _ in }
) async -> Till {
  let till = Till(mint, locks: keys) {
    $0.offline = mode
    change(&$0)
  }
  await till.verifier.desk.keysets.refresh(mint.url)
  mint.forgetCalls()
  return till
}

/// What a verdict comes to, in one word.
func answer(_ till: Till, _ token: String) async throws -> String {
  do {
    switch try await till.verify(token) {
    case .rejected(let rejection): return rejection.rawValue
    case .verified(let payment):
      if let rejection = till.verifier.refusal(of: payment) {
        #expect(await till.settle(payment).rejection == rejection)
        return rejection.rawValue
      }
      switch payment.trust {
      case .settlement: return "online"
      case .reservation(0, .refuse): return "503 outage"
      case .reservation(_, .settle): return "offline, else online"
      case .reservation(_, .refuse): return "offline"
      }
    }
  } catch let outage as Outage {
    return "503 \(outage.code.rawValue)"
  }
}

@Suite("Offline: which locks are taken")
struct LockTableTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var title: String
    /// Where locks are preferred, and where they are required.
    var preferred: String
    var required: String
    var lock: @Sendable (_ ours: Lock, _ theirs: String) -> Lock
    var testDescription: String { self.title }

    init(
      _ title: String, _ preferred: String, _ required: String,
      _ lock: @escaping @Sendable (_ ours: Lock, _ theirs: String) -> Lock
    ) {
      self.title = title
      self.preferred = preferred
      self.required = required
      self.lock = lock
    }

    static func taken(_ title: String, _ lock: @escaping @Sendable (Lock, String) -> Lock) -> Row {
      Row(title, "offline, else online", "offline", lock)
    }

    static func refused(_ title: String, _ lock: @escaping @Sendable (Lock, String) -> Lock) -> Row {
      Row(title, "wrong_lock", "wrong_lock", lock)
    }

    static func tags(_ title: String, _ tags: String) -> Row {
      .refused(title) { lock, theirs in
        lock.with { $0.tags = tags.replacing("THEIRS", with: theirs) }
      }
    }
  }

  static let hour: Int64 = 3600

  static let rows: [Row] = [
    .taken("sigflag SIG_INPUTS") { lock, _ in lock },
    .taken("an empty list of tags") { lock, _ in lock.with { $0.tags = "[]" } },
    .taken("no tags") { lock, _ in lock.with { $0.tags = nil } },
    .taken("the key in upper case") { lock, _ in lock.with { $0.key = $0.key.uppercased() } },
    .taken("the other point of the same x") { lock, _ in
      lock.with { $0.key = ($0.key.hasPrefix("03") ? "02" : "03") + $0.key.dropFirst(2) }
    },
    .taken("a space at the end") { lock, _ in lock.with { $0.tail = " " } },
    .taken("a stock wallet's locktime of a day") { lock, _ in
      lock.with { $0.tags = "[[\"locktime\",\"\(Lock.now + 24 * Self.hour)\"],[\"sigflag\",\"SIG_INPUTS\"]]" }
    },
    .taken("a locktime in two hours, refunded to the payer") { lock, theirs in
      lock.with { $0.tags = "[[\"locktime\",\"\(Lock.now + 2 * Self.hour)\"],[\"refund\",\"\(theirs)\"]]" }
    },
    Row("a locktime a second too near", "online", "wrong_lock") { lock, _ in
      lock.with { $0.tags = "[[\"locktime\",\"\(Lock.now + 2 * Self.hour - 1)\"]]" }
    },
    .refused("another key") { lock, theirs in lock.with { $0.key = theirs } },
    .refused("the key twice, ours first") { lock, theirs in
      lock.with { $0.extra = ",\"data\":\"\(theirs)\"" }
    },
    .refused("the key twice, ours last") { lock, theirs in
      lock.with {
        $0.extra = ",\"data\":\"\($0.key)\""
        $0.key = theirs
      }
    },
    .refused("the key twice, one name escaped") { lock, theirs in
      lock.with { $0.extra = ",\"d\\u0061ta\":\"\(theirs)\"" }
    },
    .tags("a second key that may sign", "[[\"pubkeys\",\"THEIRS\"]]"),
    .tags("two of two must sign", "[[\"pubkeys\",\"THEIRS\"],[\"n_sigs\",\"2\"]]"),
    .tags("two of one must sign", "[[\"n_sigs\",\"2\"]]"),
    .tags("one must sign, said aloud", "[[\"n_sigs\",\"1\"]]"),
    .tags("a locktime that has passed", "[[\"locktime\",\"1\"]]"),
    .tags("a locktime that has passed, with a refund", "[[\"locktime\",\"1\"],[\"refund\",\"THEIRS\"]]"),
    .tags("a locktime of this second", "[[\"locktime\",\"\(Lock.now)\"]]"),
    .tags("a locktime of letters", "[[\"locktime\",\"abc\"]]"),
    .tags("a locktime with a sign", "[[\"locktime\",\"+9999999999\"]]"),
    .tags("a locktime with a zero in front", "[[\"locktime\",\"09999999999\"]]"),
    .tags("a locktime with a space", "[[\"locktime\",\" 9999999999\"]]"),
    .tags("a locktime that no clock reaches", "[[\"locktime\",\"99999999999999999999\"]]"),
    .tags("a locktime that is a number", "[[\"locktime\",1]]"),
    .tags("a far locktime that is a number", "[[\"locktime\",9999999999]]"),
    .tags("two values of one locktime", "[[\"locktime\",\"9999999999\",\"1\"]]"),
    .tags("a locktime without a value", "[[\"locktime\"]]"),
    .tags("two locktimes, far and past", "[[\"locktime\",\"9999999999\"],[\"locktime\",\"1\"]]"),
    .tags("an unknown flag", "[[\"sigflag\",\"SIG_FOO\"]]"),
    .tags("all must be signed", "[[\"sigflag\",\"SIG_ALL\"]]"),
    .tags("the flag twice", "[[\"sigflag\",\"SIG_INPUTS\"],[\"sigflag\",\"SIG_ALL\"]]"),
    .tags("an unknown tag", "[[\"foo\",\"bar\"]]"),
    .tags("refund signatures", "[[\"n_sigs_refund\",\"1\"]]"),
    .tags("a refund key that is none", "[[\"refund\",\"garbage\"]]"),
    .tags("a refund without a key", "[[\"refund\"]]"),
    .tags("an empty tag", "[[]]"),
    .tags("a tag that is no list", "[\"sigflag\"]"),
    .tags("tags that are no list", "{\"sigflag\":\"SIG_INPUTS\"}"),
    .tags("tags that are null", "null"),
    .refused("the kind in lower case") { lock, _ in lock.with { $0.kind = "\"p2pk\"" } },
    // U+212A: Swift calls it equal to K (Unicode, canonical equivalence), a mint does not.
    .refused("the kind with a Kelvin sign") { lock, _ in lock.with { $0.kind = "\"P2P\u{212A}\"" } },
    .refused("the kind with an escaped Kelvin sign") { lock, _ in
      lock.with { $0.kind = "\"P2P\\u212a\"" }
    },
    .refused("a hash lock on our key") { lock, _ in lock.with { $0.kind = "\"HTLC\"" } },
    .refused("a kind that is no text") { lock, _ in lock.with { $0.kind = "[\"P2PK\"]" } },
    .refused("a secret of 513 bytes") { lock, _ in
      lock.with { $0.nonceLength += 513 - $0.secret().utf8.count }
    },
    .taken("a secret of 512 bytes") { lock, _ in
      lock.with { $0.nonceLength += 512 - $0.secret().utf8.count }
    },
    .refused("a secret of a thousand bytes") { lock, _ in lock.with { $0.nonceLength = 850 } },
    .refused("the key without its first byte") { lock, _ in lock.with { $0.key = String($0.key.dropFirst(2)) }
    },
    .refused("a byte after the key") { lock, _ in lock.with { $0.key += "00" } },
    .refused("a member that nobody knows") { lock, _ in lock.with { $0.extra = ",\"x\":1" } },
    .refused("a third element") { lock, _ in lock.with { $0.tail = ",1]" }.cut() },
    .refused("a line after it") { lock, _ in lock.with { $0.tail = "\n[]" } },
  ]

  @Test("a proof that its mint signed is taken or refused by its lock alone", arguments: Self.rows)
  func row(row: Row) async throws {
    let mint = try ScriptedMint()
    let (ours, theirs) = (LockKey.random(), LockKey.random())
    let token = try mint.token([8, 2], secret: row.lock(Lock(ours), Hex.encode(theirs.compressed)).secret)
    for (mode, expected) in [(.preferred, row.preferred), (.required, row.required)]
      as [(CashuConfiguration.Offline, String)]
    {
      let till = await offlineTill(mode, mint, keys: [ours])
      #expect(try await answer(till, token) == expected, "\(mode)")
      #expect(mint.calls.isEmpty, "\(mode)")
    }
    let online = Till(mint)
    #expect(try await answer(online, token) == "wrong_lock", "without a key no lock is ours")
  }

  @Test("what is taken can be spent by us: the mint takes our witness", arguments: Self.rows)
  func spendable(row: Row) async throws {
    guard row.preferred != "wrong_lock" else { return }
    let mint = try ScriptedMint()
    let (ours, theirs) = (LockKey.random(), LockKey.random())
    let till = await offlineTill(.preferred, mint, keys: [ours])
    let token = try mint.token([8, 2], secret: row.lock(Lock(ours), Hex.encode(theirs.compressed)).secret)
    let payment = try await till.payment(token)
    #expect(await till.settle(payment).amounts == [2, 8])
    #expect(mint.hasSpent(payment.nullifiers))
  }
}

extension Lock {
  /// Its last bracket is the tail's.
  fileprivate func cut() -> Lock { self.with { $0.kind = "\"P2PK\",{}" } }
}

@Suite("Offline: what is believed before the mint is asked")
struct TrustTests {
  let key = LockKey.random()

  @Test("a lock to us with proofs is a reservation up to the mint's limit, without a call")
  func trusted() async throws {
    let mint = try ScriptedMint()
    let till = await offlineTill(.required, mint, keys: [self.key]) { $0.mints[0].exposure = 77 }
    let payment = try await till.payment(try mint.token([8, 2], secret: Lock(self.key).secret))
    #expect(payment.trust == .reservation(limit: 77, beyond: .refuse))
    #expect(payment.value == Amount(10, .sat))
    #expect(payment.nullifiers.count == 2)
    try till.verifier.admit(payment, from: nil)
    #expect(mint.calls.isEmpty)
  }

  @Test(
    "unlocked, or without proofs, it is redeemed while the payer waits, or refused",
    arguments: [
      (CashuConfiguration.Offline.off, false, false, "online"), (.off, true, true, "online"),
      (.preferred, true, true, "offline, else online"), (.preferred, true, false, "online"),
      (.preferred, false, true, "online"), (.preferred, false, false, "online"),
      (.required, true, true, "offline"), (.required, true, false, "invalid"),
      (.required, false, true, "wrong_lock"), (.required, false, false, "wrong_lock"),
    ])
  func modes(mode: CashuConfiguration.Offline, isLocked: Bool, isProved: Bool, expected: String) async throws
  {
    let mint = try ScriptedMint()
    let till = await offlineTill(mode, mint, keys: [self.key])
    let token =
      isLocked
      ? try mint.token([16], hasDLEQ: isProved, secret: Lock(self.key).secret)
      : try mint.token([16], hasDLEQ: isProved)
    #expect(try await answer(till, token) == expected)
  }

  @Test("one plain proof among locked ones makes the token a plain one")
  func mixed() async throws {
    let mint = try ScriptedMint()
    var token = try TokenReader.read(try mint.token([8], secret: Lock(self.key).secret).utf8)
    token.entries[0].proofs += try TokenReader.read(try mint.token([8]).utf8).entries[0].proofs
    let text = TokenWriter.writeV3(token)
    #expect(try await answer(offlineTill(.preferred, mint, keys: [self.key]), text) == "online")
    #expect(try await answer(offlineTill(.required, mint, keys: [self.key]), text) == "wrong_lock")
  }

  @Test(
    "a forged proof, another keyset, mint or unit, a repeated proof and huge amounts have their own codes")
  func faults() async throws {
    let mint = try ScriptedMint(issues: [
      ScriptedMint.issue(), ScriptedMint.issue(unit: "usd", firstKey: 20),
      ScriptedMint.issue(finalExpiry: UInt64(Lock.now) + 3000, firstKey: 40),
    ])
    let till = await offlineTill(.required, mint, keys: [self.key])
    let secret = Lock(self.key).secret
    let zero = [UInt8](repeating: 0, count: 32)
    func answered(_ token: String) async throws -> String { try await answer(till, token) }
    #expect(
      try await answered(try mint.token([16], change: { $0.dleq?.e[31] ^= 1 }, secret: secret)) == "invalid")
    #expect(
      try await answered(
        try mint.token([16], change: { $0.dleq = UnverifiedDLEQ(e: zero, s: zero, r: zero) }, secret: secret))
        == "invalid")
    #expect(
      try await answered(
        try mint.token([16], change: { $0.secret = Lock(self.key).secret() }, secret: secret)) == "invalid")
    #expect(
      try await answered(try mint.token([16], change: { $0.amount = 32 }, secret: secret)) == "invalid")
    #expect(
      try await answered(
        try mint.token([16], change: { $0.keyset = .short([1, 2, 3, 4, 5, 6, 7, 8]) }, secret: secret))
        == "invalid")
    #expect(try await answered(try mint.token([16], issue: 1, secret: secret)) == "wrong_unit")
    #expect(try await answered(try mint.token([16], unit: "usd", secret: secret)) == "wrong_unit")
    #expect(try await answered(try mint.token([16], issue: 2, secret: secret)) == "invalid")
    #expect(
      try await answered(try mint.token([16], mint: "http://evil.test", secret: secret)) == "wrong_mint")
    #expect(try await answered(try mint.token([8], secret: secret)) == "too_little")
    #expect(
      try await answered(try mint.token([16, 1], change: { $0.amount = 1 << 63 }, secret: secret))
        == "malformed")
    #expect(
      try await answered(try mint.token([16], change: { $0.amount = 1 << 63 }, secret: secret)) == "invalid")
    var twice = try TokenReader.read(try mint.token([8], secret: secret).utf8)
    twice.entries[0].proofs += twice.entries[0].proofs
    #expect(try await answered(TokenWriter.writeV3(twice)) == "malformed")
    #expect(!mint.calls.contains("/v1/swap"))
  }

  @Test(
    "a mint that does not say it enforces locks and proves signatures is asked first",
    arguments: ["10", "11", "12"])
  func features(missing: String) async throws {
    let mint = try ScriptedMint()
    mint.setNuts(["10", "11", "12"].filter { $0 != missing })
    let token = try mint.token([16], secret: Lock(self.key).secret)
    #expect(try await answer(offlineTill(.preferred, mint, keys: [self.key]), token) == "online")
    #expect(try await answer(offlineTill(.required, mint, keys: [self.key]), token) == "503 outage")
  }

  @Test("locks to an older key are taken, the newest is asked for")
  func rotation() async throws {
    let mint = try ScriptedMint()
    let old = LockKey.random()
    let till = await offlineTill(.required, mint, keys: [self.key, old])
    for key in [self.key, old] {
      #expect(try await answer(till, try mint.token([16], secret: Lock(key).secret)) == "offline")
    }
    let request = try #require(till.request)
    #expect(request.lock == PaymentRequest.Lock(kind: "P2PK", data: Hex.encode(self.key.compressed)))
    let without = await offlineTill(.required, mint, keys: [self.key])
    #expect(try await answer(without, try mint.token([16], secret: Lock(old).secret)) == "wrong_lock")
  }

  @Test("the request asks for a lock in both offline modes, without tags, and for none in the other")
  func request() async throws {
    let mint = try ScriptedMint()
    let lock = PaymentRequest.Lock(kind: "P2PK", data: Hex.encode(self.key.compressed))
    #expect(await offlineTill(.preferred, mint, keys: [self.key]).request?.lock == lock)
    #expect(await offlineTill(.required, mint, keys: [self.key]).request?.lock == lock)
    #expect(await offlineTill(.off, mint, keys: [self.key]).request?.lock == nil)
  }

  @Test("a mint that is silent for half an hour gets no more locks that end")
  func silence() async throws {
    let mint = try ScriptedMint()
    let till = await offlineTill(.required, mint, keys: [self.key])
    let keysets = till.verifier.desk.keysets
    mint.setDown(true)
    await keysets.refresh(mint.url)
    let far = "[[\"locktime\",\"\(Lock.now + 86_400)\"]]"
    func token(_ tags: String) throws -> String {
      try mint.token([16], secret: Lock(self.key, tags: tags).secret)
    }
    till.clock.advance(.seconds(29 * 60))
    await keysets.refresh(mint.url)
    #expect(try await answer(till, try token(far)) == "offline")
    till.clock.advance(.seconds(60))
    #expect(try await answer(till, try token(far)) == "503 outage")
    #expect(try await answer(till, try token("[]")) == "offline")
    mint.setDown(false)
    await keysets.refresh(mint.url)
    #expect(try await answer(till, try token(far)) == "offline")
  }

  @Test("an open breaker sends payers to the mint, or away")
  func breaker() async throws {
    let mint = try ScriptedMint()
    let token = try mint.token([16], secret: Lock(self.key).secret)
    for (mode, open, closed) in [
      (.preferred, "online", "offline, else online"), (.required, "503 outage", "offline"),
    ] as [(CashuConfiguration.Offline, String, String)] {
      let till = await offlineTill(mode, mint, keys: [self.key])
      till.verifier.desk.breakers.failed(mint.url, at: till.clock.now())
      #expect(try await answer(till, token) == open)
      till.clock.advance(.seconds(61))
      till.verifier.desk.breakers.redeemed(mint.url, at: till.clock.now())
      #expect(try await answer(till, token) == closed)
    }
  }

  @Test("beyond the limit it is swapped at once with our witness, within the mint's budget")
  func beyond() async throws {
    let mint = try ScriptedMint()
    let till = await offlineTill(.preferred, mint, keys: [self.key]) { $0.mints[0].swapsPerMinute = 1 }
    let first = try await till.payment(try mint.token([16], secret: Lock(self.key).secret))
    #expect(await till.settle(first).amounts == [16])
    let second = try await till.payment(try mint.token([16], secret: Lock(self.key).secret))
    #expect(await till.settle(second).name == "not sent, mint_budget")
  }

  @Test("locked tokens are swapped online with our witness where offline is off")
  func online() async throws {
    let mint = try ScriptedMint()
    let till = await offlineTill(.off, mint, keys: [self.key])
    let payment = try await till.payment(try mint.token([8, 2], secret: Lock(self.key).secret))
    #expect(payment.trust == .settlement)
    #expect(await till.settle(payment).amounts == [2, 8])
  }

  @Test("the same swap is the same bytes after a lost answer")
  func lost() async throws {
    let mint = try ScriptedMint()
    let till = await offlineTill(.off, mint, keys: [self.key])
    let payment = try await till.payment(try mint.token([8, 2], secret: Lock(self.key).secret))
    mint.fail(.diesBefore)
    let start = till.reserve(payment)
    #expect(await till.settle(payment, start: start).name == "unknown")
    mint.setDown(false)
    #expect(await till.recover(payment, start: start).amounts == [2, 8])
    #expect(mint.swapBodies.count == 2)
    #expect(mint.swapBodies[0] == mint.swapBodies[1])
  }
}

extension Till {
  /// What a 402 of this till asks for.
  var request: PaymentRequest? {
    let text = self.verifier.challenge(for: self.quote.tariff)?.text(
      for: Challenge.Occasion(resource: "/", reason: ""))
    return text?.fields.first { $0.name == "x-cashu" }.flatMap { try? PaymentRequest(decoding: $0.value) }
  }
}
