@testable import Cashu
import Digest
import Gate
import JSON
import Octets
import Outbound
import Secp256k1
import Synchronization
import Testing

/// A mint in memory that signs and spends like a real one, and fails as told.
final class ScriptedMint: OutboundTransport {
  /// What happens to the next swap.
  enum Fault: Sendable {
    /// There is no connection.
    case notSent
    /// The call is lost on the way there.
    case lostBefore
    /// The mint acts on the call, and its answer is lost.
    case lostAfter
    /// As `lostBefore`, and from then on nobody answers.
    case diesBefore
    /// As `lostAfter`, and from then on nobody answers.
    case diesAfter
    /// The mint dies half way: inputs stay pending for ever.
    case killed
    case reply(status: Int, body: String)
    /// Signs something else than it was asked for.
    case wrongSignatures
    /// Signs as asked, without the proofs of NUT-12.
    case noProofs
  }

  struct Issue: Sendable {
    var keyset: Keyset
    var privateKeys: [UInt64: Scalar]
  }

  private struct State {
    var issues: [Issue]
    var spent: Set<[UInt8]> = []
    var pending: Set<[UInt8]> = []
    var signed: [String: JSON] = [:]
    var faults: [Fault] = []
    var isDown = false
    var restoresLies = false
    /// Proofs it will not take, for no reason it tells.
    var refused: Set<[UInt8]> = []
    /// NUTs that `/v1/info` calls supported.
    var nuts = ["10", "11", "12"]
    var swaps = 0
    var calls: [String] = []
    var swapBodies: [[UInt8]] = []
  }

  let url: MintURL
  private let state: Mutex<State>

  init(_ url: String = "http://mint.test:3338", issues: [Issue] = [ScriptedMint.issue()]) throws {
    self.url = try #require(MintURL(url))
    self.state = Mutex(State(issues: issues))
  }

  /// Keys for 1, 2, 4 … 1024; the private ones are small numbers.
  static func issue(
    unit: String = "sat", feePpk: UInt64 = 0, isActive: Bool = true, finalExpiry: UInt64? = nil,
    version: KeysetID.Version = .v2, firstKey: UInt8 = 1
  ) -> Issue {
    var privateKeys: [UInt64: Scalar] = [:]
    for index in UInt8(0)...10 {
      privateKeys[1 << index] = Scalar([UInt8](repeating: 0, count: 31) + [firstKey + index])
    }
    let keys = privateKeys.mapValues { Point(generatorTimes: $0) }
    let bytes =
      switch version {
      case .v1: Keyset.identifierV1(keys)
      case .v2: Keyset.identifierV2(keys, unit: unit, inputFeePpk: feePpk, finalExpiry: finalExpiry)
      }
    guard let id = KeysetID(bytes),
      let keyset = Keyset(
        id: id, unit: unit, keys: keys, inputFeePpk: feePpk, finalExpiry: finalExpiry, isActive: isActive
      )
    else { preconditionFailure("an identifier made from the keys is right") }
    return Issue(keyset: keyset, privateKeys: privateKeys)
  }

  // MARK: What a test sets and asks

  func fail(_ faults: Fault...) { self.state.withLock { $0.faults += faults } }
  func setDown(_ isDown: Bool) { self.state.withLock { $0.isDown = isDown } }
  func setRestoresLies(_ lies: Bool) { self.state.withLock { $0.restoresLies = lies } }
  func setIssues(_ issues: [Issue]) { self.state.withLock { $0.issues = issues } }
  func spend(_ nullifiers: [Nullifier]) {
    self.state.withLock { $0.spent.formUnion(nullifiers.map(\.bytes)) }
  }
  func refuse(_ nullifiers: [Nullifier]) {
    self.state.withLock { $0.refused = Set(nullifiers.map(\.bytes)) }
  }
  func setNuts(_ nuts: [String]) { self.state.withLock { $0.nuts = nuts } }
  func hasSpent(_ nullifiers: [Nullifier]) -> Bool {
    self.state.withLock { $0.spent.isSuperset(of: nullifiers.map(\.bytes)) }
  }
  func setPending(_ nullifiers: [Nullifier]) {
    self.state.withLock { $0.pending = Set(nullifiers.map(\.bytes)) }
  }
  var calls: [String] { self.state.withLock { $0.calls } }
  var swapBodies: [[UInt8]] { self.state.withLock { $0.swapBodies } }
  /// Of the first issue.
  var keysetID: KeysetID { self.state.withLock { $0.issues[0].keyset.id } }
  /// Swaps that were carried out.
  var swaps: Int { self.state.withLock { $0.swaps } }
  func forgetCalls() { self.state.withLock { $0.calls = [] } }

  /// A token as a wallet would write it.
  func token(
    _ amounts: [UInt64], hasDLEQ: Bool = true, issue index: Int = 0, mint: String? = nil,
    unit: String? = "sat", change: (inout UnverifiedProof) -> Void = { _ in },
    secret: () -> Secret = { Secret(Hex.encode(RandomBytes.make(count: 32))) }
  ) throws -> String {
    let issue = self.state.withLock { $0.issues[index] }
    let proofs = try amounts.map { amount in
      var proof = try Self.proof(amount, of: issue, secret(), hasDLEQ: hasDLEQ)
      change(&proof)
      return proof
    }
    let token = UnverifiedToken(
      entries: [UnverifiedToken.Entry(mint: mint ?? self.url.text, proofs: proofs)], unit: unit
    )
    return try #require(TokenWriter.writeV4(token))
  }

  private static func proof(
    _ amount: UInt64, of issue: Issue, _ secret: Secret, hasDLEQ: Bool
  ) throws -> UnverifiedProof {
    let r = try #require(Scalar(reducing: RandomBytes.make(count: 32)))
    let k = try #require(issue.privateKeys[amount])
    let B_ = try #require(Blinding.blind(secret, factor: r))
    let dleq = self.prove(k, B_: B_)
    let C = try #require(Blinding.unblind(B_.times(k), factor: r, mintKey: Point(generatorTimes: k)))
    return UnverifiedProof(
      amount: amount,
      keyset: .full(issue.keyset.id),
      secret: secret,
      signature: C.compressed,
      dleq: hasDLEQ ? UnverifiedDLEQ(e: dleq.e.bytes, s: dleq.s.bytes, r: r.bytes) : nil
    )
  }

  /// NUT-12, the mint's side; `k` is small, so `e·k` is a sum.
  private static func prove(_ k: Scalar, B_: Point) -> DLEQ {
    while true {
      guard let nonce = Scalar(reducing: RandomBytes.make(count: 32)),
        let e = Scalar(
          DLEQ.hash([Point(generatorTimes: nonce), B_.times(nonce), Point(generatorTimes: k), B_.times(k)])
        )
      else { continue }
      var s = nonce
      for _ in 0..<k.bytes[31] { s = s.adding(e.bytes) ?? s }
      return DLEQ(e: e, s: s)
    }
  }

  // MARK: The mint

  func send(_ call: OutboundCall) async -> OutboundReply {
    guard call.url.hasPrefix(self.url.text) else { return .silent(.notSent) }
    let path = String(call.url.dropFirst(self.url.text.count))
    return self.state.withLock { state in
      state.calls.append(path)
      guard !state.isDown else { return .silent(.notSent) }
      guard case .post(let body) = call.verb else { return Self.get(path, &state) }
      guard let json = try? JSONReader.read(body) else { return Self.answer(422, "{\"detail\":[]}") }
      switch path {
      case "/v1/swap":
        state.swapBodies.append(body)
        return Self.swap(json, state.faults.isEmpty ? nil : state.faults.removeFirst(), &state)
      case "/v1/restore": return Self.restore(json, state)
      case "/v1/checkstate": return Self.states(json, state)
      default: return Self.answer(404, "{\"detail\":\"Not Found\"}")
      }
    }
  }

  private static func answer(_ status: Int, _ body: String) -> OutboundReply {
    .answered(status: status, body: Array(body.utf8), retryAfterSeconds: nil)
  }

  private static func answer(_ json: JSON) -> OutboundReply {
    .answered(status: 200, body: JSONWriter.write(json), retryAfterSeconds: nil)
  }

  private static func error(_ code: Int) -> OutboundReply {
    self.answer(400, "{\"detail\":\"no\",\"code\":\(code)}")
  }

  private static func get(_ path: String, _ state: inout State) -> OutboundReply {
    if path == "/v1/info" {
      let nuts = state.nuts.map { JSON.Member(name: $0, value: .record(["supported": .bool(true)])) }
      return self.answer(.record(["name": .string("scripted"), "nuts": .object(nuts)]))
    }
    let rows = state.issues.map { issue in
      JSON.record([
        "id": .string(issue.keyset.id.description), "unit": .string(issue.keyset.unit),
        "active": .bool(issue.keyset.isActive), "input_fee_ppk": .unsigned(issue.keyset.inputFeePpk),
        "final_expiry": issue.keyset.finalExpiry.map { .unsigned($0) },
        "keys": .object(
          issue.keyset.keys.map {
            JSON.Member(name: String($0.key), value: .string(Hex.encode($0.value.compressed)))
          }
        ),
      ])
    }
    return self.answer(.record(["keysets": .array(rows)]))
  }

  private static func swap(_ json: JSON, _ fault: Fault?, _ state: inout State) -> OutboundReply {
    switch fault {
    case .notSent: return .silent(.notSent)
    case .lostBefore: return .silent(.timedOut)
    case .reply(let status, let body): return self.answer(status, body)
    case .killed:
      for input in json["inputs"]?.array ?? [] { state.pending.insert(self.nullifier(input)) }
      return .silent(.disconnected)
    case .lostAfter:
      _ = self.execute(json, &state)
      return .silent(.disconnected)
    case .diesBefore:
      state.isDown = true
      return .silent(.disconnected)
    case .diesAfter:
      _ = self.execute(json, &state)
      state.isDown = true
      return .silent(.disconnected)
    case .wrongSignatures:
      _ = self.execute(json, &state)
      let lies = (json["outputs"]?.array ?? []).map(self.lie)
      return self.answer(.record(["signatures": .array(lies)]))
    case .noProofs:
      _ = self.execute(json, &state)
      let signatures = (json["outputs"]?.array ?? []).compactMap { output in
        state.signed[output["B_"]?.string ?? ""].map { signature in
          JSON.record(["amount": signature["amount"], "id": signature["id"], "C_": signature["C_"]])
        }
      }
      return self.answer(.record(["signatures": .array(signatures)]))
    case nil: return self.execute(json, &state)
    }
  }

  /// A signature in form: for the right amount, under the right keyset, of something else.
  private static func lie(_ output: JSON) -> JSON {
    let proof = String(repeating: "1", count: 64)
    return .record([
      "amount": output["amount"], "id": output["id"],
      "C_": .string("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
      "dleq": .record(["e": .string(proof), "s": .string(proof)]),
    ])
  }

  private static func nullifier(_ input: JSON) -> [UInt8] {
    Point.hashToCurve(Array((input["secret"]?.string ?? "").utf8)).compressed
  }

  /// NUT-11, SIG_INPUTS, for locks to one key that do not end.
  private static func isUnlocked(_ input: JSON) -> Bool {
    let secret = Secret(input["secret"]?.string ?? "")
    guard case .lock(let lock) = SpendingCondition(of: secret) else { return !secret.mayBeLocked }
    guard let text = input["witness"]?.string, let witness = try? JSONReader.read(Array(text.utf8)),
      let signature = witness["signatures"]?.array?.first?.string.flatMap({ Hex.decode($0) })
    else { return false }
    return Curve.shared.isSignature(signature, of: SHA256.hash(secret.utf8), by: lock.xOnly)
  }

  private static func execute(_ json: JSON, _ state: inout State) -> OutboundReply {
    let inputs = json["inputs"]?.array ?? []
    let outputs = json["outputs"]?.array ?? []
    var paid: UInt64 = 0
    var ppk: [UInt64] = []
    for input in inputs {
      guard let issue = state.issues.first(where: { $0.keyset.id.description == input["id"]?.string }) else {
        return self.error(12001)
      }
      let Y = self.nullifier(input)
      if state.spent.contains(Y) { return self.error(11001) }
      if state.pending.contains(Y) { return self.error(11002) }
      guard let amount = input["amount"]?.unsigned, let k = issue.privateKeys[amount],
        let C = input["C"]?.string, let point = Point(compressed: Y),
        Hex.encode(point.times(k).compressed) == C
      else { return self.error(10001) }
      guard !state.refused.contains(Y), self.isUnlocked(input) else { return self.error(11000) }
      paid += amount
      ppk.append(issue.keyset.inputFeePpk)
    }
    var asked: UInt64 = 0
    for output in outputs {
      if state.signed[output["B_"]?.string ?? ""] != nil { return self.error(11003) }
      asked += output["amount"]?.unsigned ?? 0
    }
    guard let fee = Fees.total(ppk: ppk), paid == asked + fee else { return self.error(11000) }
    var signatures: [JSON] = []
    for output in outputs {
      guard let issue = state.issues.first(where: { $0.keyset.id.description == output["id"]?.string }),
        issue.keyset.isActive
      else { return self.error(12002) }
      guard let amount = output["amount"]?.unsigned, let k = issue.privateKeys[amount],
        let text = output["B_"]?.string, let B_ = Hex.decode(text).flatMap({ Point(compressed: $0) })
      else { return self.error(11006) }
      let dleq = self.prove(k, B_: B_)
      let signature = JSON.record([
        "amount": .unsigned(amount), "id": .string(issue.keyset.id.description),
        "C_": .string(Hex.encode(B_.times(k).compressed)),
        "dleq": .record(["e": .string(Hex.encode(dleq.e.bytes)), "s": .string(Hex.encode(dleq.s.bytes))]),
      ])
      state.signed[text] = signature
      signatures.append(signature)
    }
    state.swaps += 1
    for input in inputs { state.spent.insert(self.nullifier(input)) }
    return self.answer(.record(["signatures": .array(signatures)]))
  }

  private static func restore(_ json: JSON, _ state: State) -> OutboundReply {
    let known = (json["outputs"]?.array ?? []).filter { state.signed[$0["B_"]?.string ?? ""] != nil }
    // In another order than asked, as the specification allows.
    let outputs = Array(known.reversed())
    let signatures = outputs.compactMap {
      state.restoresLies ? self.lie($0) : state.signed[$0["B_"]?.string ?? ""]
    }
    return self.answer(.record(["outputs": .array(outputs), "signatures": .array(signatures)]))
  }

  private static func states(_ json: JSON, _ state: State) -> OutboundReply {
    let states = (json["Ys"]?.array ?? []).compactMap(\.string).map { Y in
      let bytes = Hex.decode(Y) ?? []
      let name = state.spent.contains(bytes) ? "SPENT" : state.pending.contains(bytes) ? "PENDING" : "UNSPENT"
      return JSON.record(["Y": .string(Y), "state": .string(name)])
    }
    return self.answer(.record(["states": .array(states)]))
  }
}
