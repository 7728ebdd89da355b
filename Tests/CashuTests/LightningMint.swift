@testable import Cashu
import Digest
import Gate
import JSON
import Octets
import Outbound
import Secp256k1
import Synchronization
import Testing

/// The Lightning side of a ``ScriptedMint`` (NUT-04, NUT-05, NUT-08, NUT-20), which fails as told. Other calls go on to it.
final class LightningMint: OutboundTransport {
  enum Fault: Sendable {
    case notSent
    /// The call is lost on the way there.
    case lostBefore
    /// The mint acts on the call, and its answer is lost.
    case lostAfter
    /// As `lostAfter`, and from then on nobody answers.
    case diesAfter
    /// The payment is taken, and is not through before ``settlePending()``.
    case pending
    case refused(Int)
    /// More change than was overpaid.
    case generous
  }

  private struct Melt {
    var amount: UInt64
    var state = "UNPAID"
    var inputs: [[UInt8]] = []
    var paid: UInt64 = 0
    var outputs: [JSON] = []
  }

  private struct Mint {
    var amount: UInt64
    var state = "UNPAID"
    var publicKey: String?
  }

  private struct State {
    var melts: [String: Melt] = [:]
    var mints: [String: Mint] = [:]
    var signed: [String: JSON] = [:]
    var faults: [Fault] = []
    var lightningFee: UInt64 = 0
    var feeReserve: UInt64 = 2
    var quotedBeside: UInt64 = 0
    var signsQuotes = true
    var form: QuoteKey.Form?
    var expiry: UInt64?
    var posts = 0
  }

  let mint: ScriptedMint
  private let issue: ScriptedMint.Issue
  private let state = Mutex(State())

  init(feePpk: UInt64 = 0) throws {
    self.issue = ScriptedMint.issue(feePpk: feePpk)
    self.mint = try ScriptedMint(issues: [self.issue])
  }

  func fail(_ faults: Fault...) { self.state.withLock { $0.faults += faults } }
  func setLightningFee(_ fee: UInt64, reserve: UInt64) {
    self.state.withLock { ($0.lightningFee, $0.feeReserve) = (fee, reserve) }
  }
  /// The mint wants so much more than the invoice is over.
  func setQuotedBeside(_ amount: UInt64) { self.state.withLock { $0.quotedBeside = amount } }
  func setSignsQuotes(_ signs: Bool) { self.state.withLock { $0.signsQuotes = signs } }
  /// The only form of signature that is taken.
  func setForm(_ form: QuoteKey.Form) { self.state.withLock { $0.form = form } }
  func setExpiry(_ expiry: UInt64) { self.state.withLock { $0.expiry = expiry } }
  /// Somebody pays every invoice of the mint.
  func payInvoices() {
    self.state.withLock { state in
      for id in state.mints.keys where state.mints[id]?.state == "UNPAID" { state.mints[id]?.state = "PAID" }
    }
  }
  /// Somebody pays the invoice of one quote.
  func payInvoice(of quote: String) { self.state.withLock { $0.mints[quote]?.state = "PAID" } }
  /// Somebody else has the money of every paid quote.
  func issueElsewhere() {
    self.state.withLock { state in for id in state.mints.keys { state.mints[id]?.state = "ISSUED" } }
  }
  func settlePending() async {
    let ids = self.state.withLock { state in state.melts.filter { $0.value.state == "PENDING" }.map(\.key) }
    for id in ids { self.state.withLock { _ = self.settle(id, &$0) } }
  }
  /// Calls that would have moved money.
  var posts: Int { self.state.withLock { $0.posts } }
  var meltStates: [String] { self.state.withLock { $0.melts.values.map(\.state) } }

  func send(_ call: OutboundCall) async -> OutboundReply {
    let path = String(call.url.dropFirst(self.mint.url.text.count))
    var body = JSON.null
    if case .post(let bytes) = call.verb { body = (try? JSONReader.read(bytes)) ?? .null }
    let parts = path.split(separator: "/").map(String.init)
    // Whoever is down answers nothing at all.
    guard
      case .answered = await self.mint.send(
        OutboundCall(.get, self.mint.url.text + "/v1/keysets", timeout: .seconds(1)))
    else {
      return .silent(.notSent)
    }
    switch parts.dropFirst().joined(separator: "/") {
    case "melt/quote/bolt11" where body != .null: return self.quoteMelt(body)
    case "mint/quote/bolt11": return self.quoteMint(body)
    case "melt/bolt11": return await self.melt(body)
    case "mint/bolt11": return self.mint(body)
    case "restore": return await self.restore(call, body)
    case let rest where rest.hasPrefix("melt/quote/"): return self.meltQuote(parts[parts.count - 1])
    case let rest where rest.hasPrefix("mint/quote/"): return self.mintQuote(parts[parts.count - 1])
    default: return await self.mint.send(call)
    }
  }

  private static func answer(_ json: JSON) -> OutboundReply {
    .answered(status: 200, body: JSONWriter.write(json), retryAfterSeconds: nil)
  }

  private static func error(_ code: Int) -> OutboundReply {
    .answered(status: 400, body: Array("{\"detail\":\"no\",\"code\":\(code)}".utf8), retryAfterSeconds: nil)
  }

  // MARK: Melt

  private func quoteMelt(_ body: JSON) -> OutboundReply {
    guard let invoice = try? Bolt11(body["request"]?.string ?? ""), let amount = invoice.amount(in: "sat")
    else {
      return Self.error(20000)
    }
    return self.state.withLock { state in
      let id = "melt-\(state.melts.count)"
      state.melts[id] = Melt(amount: amount + state.quotedBeside)
      return Self.answer(Self.json(id, state))
    }
  }

  private func meltQuote(_ id: String) -> OutboundReply {
    self.state.withLock { $0.melts[id] == nil ? Self.error(20007) : Self.answer(Self.json(id, $0)) }
  }

  private static func json(_ id: String, _ state: State, change: [JSON]? = nil) -> JSON {
    .record([
      "quote": .string(id), "amount": .unsigned(state.melts[id]?.amount ?? 0),
      "fee_reserve": .unsigned(state.feeReserve), "state": .string(state.melts[id]?.state ?? ""),
      "expiry": .unsigned(2_000_000_000),
      "payment_preimage": state.melts[id]?.state == "PAID" ? .string("abcd") : nil,
      "change": change.map { .array($0) },
    ])
  }

  private func melt(_ body: JSON) async -> OutboundReply {
    let fault = self.state.withLock { $0.faults.isEmpty ? nil : $0.faults.removeFirst() }
    switch fault {
    case .notSent: return .silent(.notSent)
    case .lostBefore: return .silent(.timedOut)
    case .refused(let code): return Self.error(code)
    case .lostAfter:
      _ = self.execute(body, nil)
      return .silent(.disconnected)
    case .diesAfter:
      _ = self.execute(body, nil)
      self.mint.setDown(true)
      return .silent(.disconnected)
    case .pending, .generous, nil: return self.execute(body, fault)
    }
  }

  private func execute(_ body: JSON, _ fault: Fault?) -> OutboundReply {
    let inputs = (body["inputs"]?.array ?? []).map {
      Point.hashToCurve(Array(($0["secret"]?.string ?? "").utf8)).compressed
    }
    guard inputs.allSatisfy({ !self.mint.hasSpent([Nullifier($0)]) }) else { return Self.error(11001) }
    let paid = (body["inputs"]?.array ?? []).reduce(0 as UInt64) { $0 + ($1["amount"]?.unsigned ?? 0) }
    let id = body["quote"]?.string ?? ""
    return self.state.withLock { state in
      guard let melt = state.melts[id] else { return Self.error(20007) }
      guard melt.state == "UNPAID" else { return Self.error(20006) }
      guard paid >= melt.amount + state.feeReserve else { return Self.error(11000) }
      state.posts += 1
      state.melts[id] = Melt(
        amount: melt.amount, state: "PENDING", inputs: inputs, paid: paid,
        outputs: body["outputs"]?.array ?? [])
      if case .pending = fault {
        self.mint.setPending(inputs.map { Nullifier($0) })
        return Self.answer(Self.json(id, state))
      }
      if case .generous = fault { state.melts[id]?.paid += 64 }
      let change = self.settle(id, &state)
      return Self.answer(Self.json(id, state, change: change))
    }
  }

  @discardableResult
  private func settle(_ id: String, _ state: inout State) -> [JSON] {
    guard let melt = state.melts[id] else { return [] }
    state.melts[id]?.state = "PAID"
    self.mint.setPending([])
    self.mint.spend(melt.inputs.map { Nullifier($0) })
    let fee = Fees.total(ppk: melt.inputs.map { _ in self.issue.keyset.inputFeePpk }) ?? 0
    let rest = melt.paid - melt.amount - state.lightningFee - fee
    let amounts = self.issue.keyset.split(rest) ?? []
    return zip(melt.outputs, amounts).compactMap { self.sign($0, amount: $1, &state) }
  }

  private func sign(_ output: JSON, amount: UInt64, _ state: inout State) -> JSON? {
    guard let text = output["B_"]?.string, let B_ = Hex.decode(text).flatMap({ Point(compressed: $0) }),
      let k = self.issue.privateKeys[amount]
    else { return nil }
    let signature = JSON.record([
      "amount": .unsigned(amount), "id": .string(self.issue.keyset.id.description),
      "C_": .string(Hex.encode(B_.times(k).compressed)),
    ])
    state.signed[text] = signature
    return signature
  }

  // MARK: Mint

  private func quoteMint(_ body: JSON) -> OutboundReply {
    guard let amount = body["amount"]?.unsigned else { return Self.error(11006) }
    return self.state.withLock { state in
      let id = "mint-\(state.mints.count)"
      state.mints[id] = Mint(amount: amount, publicKey: state.signsQuotes ? body["pubkey"]?.string : nil)
      return Self.answer(Self.mintJSON(id, state))
    }
  }

  private func mintQuote(_ id: String) -> OutboundReply {
    self.state.withLock { $0.mints[id] == nil ? Self.error(20007) : Self.answer(Self.mintJSON(id, $0)) }
  }

  private static func mintJSON(_ id: String, _ state: State) -> JSON {
    let amount = (state.mints[id]?.amount ?? 0) + state.quotedBeside
    return .record([
      "quote": .string(id), "request": .string(MadeInvoice.sats(amount, salt: id.utf8.count)),
      "state": .string(state.mints[id]?.state ?? ""), "expiry": state.expiry.map { .unsigned($0) },
      "pubkey": state.mints[id]?.publicKey.map { .string($0) },
    ])
  }

  private func mint(_ body: JSON) -> OutboundReply {
    let fault = self.state.withLock { $0.faults.isEmpty ? nil : $0.faults.removeFirst() }
    switch fault {
    case .notSent: return .silent(.notSent)
    case .lostBefore: return .silent(.timedOut)
    case .lostAfter, .diesAfter:
      _ = self.issueOutputs(body)
      if case .diesAfter = fault { self.mint.setDown(true) }
      return .silent(.disconnected)
    case .refused(let code): return Self.error(code)
    case .pending, .generous, nil: return self.issueOutputs(body)
    }
  }

  private func issueOutputs(_ body: JSON) -> OutboundReply {
    self.state.withLock { state in
      let id = body["quote"]?.string ?? ""
      guard let mint = state.mints[id] else { return Self.error(20007) }
      guard mint.state == "PAID" else { return Self.error(mint.state == "ISSUED" ? 20002 : 20001) }
      guard mint.publicKey.map({ self.isSigned(body, by: $0, state.form) }) ?? (body["signature"] == nil)
      else {
        return Self.error(20008)
      }
      state.posts += 1
      state.mints[id]?.state = "ISSUED"
      let signatures = (body["outputs"]?.array ?? []).compactMap {
        self.sign($0, amount: $0["amount"]?.unsigned ?? 0, &state)
      }
      return Self.answer(.record(["signatures": .array(signatures)]))
    }
  }

  private func isSigned(_ body: JSON, by publicKey: String, _ form: QuoteKey.Form?) -> Bool {
    let outputs = (body["outputs"]?.array ?? []).compactMap { output -> BlindedMessage? in
      guard let B_ = output["B_"]?.string.flatMap({ Hex.decode($0) }).flatMap({ Point(compressed: $0) })
      else { return nil }
      return BlindedMessage(amount: output["amount"]?.unsigned ?? 0, keysetID: self.issue.keyset.id, B_: B_)
    }
    let signature = body["signature"]?.string.flatMap { Hex.decode($0) } ?? []
    let key = Array((Hex.decode(publicKey) ?? []).dropFirst())
    return QuoteKey.Form.allCases.contains { candidate in
      let message = QuoteKey.message(body["quote"]?.string ?? "", outputs, candidate)
      return (form ?? candidate) == candidate
        && Curve.shared.isSignature(signature, of: SHA256.hash(message), by: key)
    }
  }

  // MARK: Restore

  private func restore(_ call: OutboundCall, _ body: JSON) async -> OutboundReply {
    guard case .answered(200, let bytes, _) = await self.mint.send(call),
      let inner = try? JSONReader.read(bytes)
    else {
      return .silent(.notSent)
    }
    return self.state.withLock { state in
      let own = (body["outputs"]?.array ?? []).filter { state.signed[$0["B_"]?.string ?? ""] != nil }
      let signatures = own.compactMap { state.signed[$0["B_"]?.string ?? ""] }
      return Self.answer(
        .record([
          "outputs": .array((inner["outputs"]?.array ?? []) + own),
          "signatures": .array((inner["signatures"]?.array ?? []) + signatures),
        ]))
    }
  }
}
