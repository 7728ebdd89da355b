import Digest
import JSON
import Octets
import Outbound
import Synchronization

@testable import X402

/// A facilitator and a chain in memory that act like real ones, and fail as told.
final class ScriptedNet: OutboundTransport {
  /// What happens to the next `/settle`.
  enum Fault: Sendable {
    case notSent
    /// The call is lost on the way there.
    case lostBefore
    /// The money moves, and the answer is lost.
    case lostAfter
    /// It answers so, after the money moved or not.
    case reply(status: Int, body: String, moves: Bool)
    /// It was sent to the chain, where it waits until ``ScriptedNet/mine()``.
    case pending(waits: Bool)
    /// The transaction that it sent fails on the chain, and it says so.
    case reverts
  }

  struct Entry: Sendable {
    var topics: [[UInt8]]
    var value: UInt64
  }

  struct Transaction: Sendable {
    var hash: String
    var block: UInt64
    var succeeded: Bool
    var logs: [Entry]
  }

  private struct State {
    var settleFaults: [Fault] = []
    var lastingFault: Fault?
    var isIdempotent = false
    var verifyReplies: [OutboundReply] = []
    var supported: String? = ScriptedNet.supportedBoth
    var isNodeDeaf = false
    var isDeafAfterSettle = false
    var chainID = 84532
    var block: UInt64 = 100
    var time: UInt64 = 1_800_000_000
    var used: Set<[UInt8]> = []
    var transactions: [Transaction] = []
    var waiting: [JSON] = []
    var known: [String] = []
    var calls: [OutboundCall] = []
  }

  static let facilitatorURL = "http://facilitator.test"
  static let secondURL = "http://second.test"
  static let nodeURL = "http://node.test"
  static let supportedBoth = """
    {"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"},\
    {"x402Version":1,"scheme":"exact","network":"base-sepolia"}],"extensions":[],"signers":{}}
    """

  private let state = Mutex(State())

  // MARK: What a test sets and asks

  func fail(_ faults: [Fault]) { self.state.withLock { $0.settleFaults += faults } }
  func failAlways(_ fault: Fault) { self.state.withLock { $0.lastingFault = fault } }
  /// A nonce that it has settled is a success when it is asked for again.
  func rememberSettled() { self.state.withLock { $0.isIdempotent = true } }
  func answerVerify(_ replies: [OutboundReply]) { self.state.withLock { $0.verifyReplies += replies } }
  func setSupported(_ text: String?) { self.state.withLock { $0.supported = text } }
  func setNodeDeaf(_ isDeaf: Bool) { self.state.withLock { $0.isNodeDeaf = isDeaf } }
  func deafenAfterSettle() { self.state.withLock { $0.isDeafAfterSettle = true } }
  func setChainID(_ number: Int) { self.state.withLock { $0.chainID = number } }

  /// Blocks go by.
  func pass(seconds: UInt64) {
    self.state.withLock { state in
      state.time += seconds
      state.block += seconds / 2
    }
  }

  /// What waited comes into a block.
  func mine() {
    self.state.withLock { state in
      for body in state.waiting { _ = Self.execute(body, &state) }
      state.waiting = []
    }
  }

  /// The payer uses the nonce otherwise, in one transaction with these logs of the asset.
  func use(_ authorization: TransferAuthorization, logs: [Entry]) {
    self.state.withLock { state in
      state.used.insert(authorization.from.bytes + authorization.nonce)
      Self.append(logs, succeeded: true, &state)
    }
  }

  /// `/verify`, `/settle` and `/supported` of the first and the second facilitator, and methods of the node.
  var calls: [String] { self.state.withLock { $0.known } }
  func count(_ call: String) -> Int { self.calls.count { $0 == call } }
  var sent: [OutboundCall] { self.state.withLock { $0.calls } }
  /// Transfers that came about.
  var transfers: Int { self.state.withLock { $0.transactions.count { $0.succeeded } } }
  var lastTransaction: String? { self.state.withLock { $0.transactions.last?.hash } }

  // MARK: The transport

  func send(_ call: OutboundCall) async -> OutboundReply {
    self.state.withLock { state in
      state.calls.append(call)
      for (base, prefix) in [(Self.facilitatorURL, ""), (Self.secondURL, "second")]
      where call.url.hasPrefix(base) {
        let path = String(call.url.dropFirst(base.count))
        state.known.append(prefix + path)
        return Self.facilitator(path, call.verb, &state)
      }
      guard call.url == Self.nodeURL, case .post(let body) = call.verb, let json = try? JSONReader.read(body)
      else {
        return .silent(.notSent)
      }
      state.known.append(json["method"]?.string ?? "")
      guard !state.isNodeDeaf else { return .silent(.timedOut) }
      return Self.ok(
        .record(["jsonrpc": .string("2.0"), "id": .unsigned(1), "result": Self.node(json, state)]))
    }
  }

  private static func ok(_ json: JSON) -> OutboundReply {
    .answered(status: 200, body: JSONWriter.write(json), retryAfterSeconds: nil)
  }

  static func reply(_ status: Int, _ body: String) -> OutboundReply {
    .answered(status: status, body: Array(body.utf8), retryAfterSeconds: nil)
  }

  // MARK: The facilitator

  private static func facilitator(_ path: String, _ verb: OutboundCall.Verb, _ state: inout State)
    -> OutboundReply
  {
    guard case .post(let bytes) = verb else {
      return state.supported.map { self.reply(200, $0) } ?? .silent(.notSent)
    }
    guard let body = try? JSONReader.read(bytes) else { return self.reply(400, "{}") }
    switch path {
    case "/verify":
      if !state.verifyReplies.isEmpty { return state.verifyReplies.removeFirst() }
      return self.reply(200, "{\"isValid\":true,\"payer\":\"0x00\"}")
    case "/settle":
      if state.isDeafAfterSettle { state.isNodeDeaf = true }
      let fault = state.settleFaults.isEmpty ? state.lastingFault : state.settleFaults.removeFirst()
      return self.settle(body, fault, &state)
    default: return self.reply(404, "{}")
    }
  }

  private static func settle(_ body: JSON, _ fault: Fault?, _ state: inout State) -> OutboundReply {
    let network = body["paymentRequirements"]?["network"]
    func answer(_ success: Bool, _ reason: String?, _ transaction: String) -> OutboundReply {
      self.ok(
        .record([
          "success": .bool(success), "errorReason": reason.map { .string($0) },
          "transaction": .string(transaction), "network": network,
        ]))
    }
    switch fault {
    case nil:
      if state.isIdempotent, let settled = state.transactions.last(where: { $0.succeeded }) {
        return answer(true, nil, settled.hash)
      }
      let transaction = self.execute(body, &state)
      return answer(
        transaction.succeeded, transaction.succeeded ? nil : "transaction_failed", transaction.hash)
    case .notSent: return .silent(.notSent)
    case .lostBefore: return .silent(.timedOut)
    case .lostAfter:
      _ = self.execute(body, &state)
      return .silent(.disconnected)
    case .reply(let status, let text, let moves):
      if moves { _ = self.execute(body, &state) }
      return self.reply(status, text)
    case .pending(let waits):
      if waits {
        state.waiting.append(body)
        return answer(false, "settlement_pending", "0x" + Hex.encode(SHA256.hash(Array("waits".utf8))))
      }
      return answer(false, "settlement_pending", self.execute(body, &state).hash)
    case .reverts:
      return answer(false, "transaction_failed", self.append([], succeeded: false, &state).hash)
    }
  }

  // MARK: The chain

  /// `transferWithAuthorization`: once for each nonce.
  @discardableResult
  private static func execute(_ body: JSON, _ state: inout State) -> Transaction {
    guard let item = body["paymentPayload"]?["payload"]?["authorization"],
      let authorization = TransferAuthorization(item)
    else { return self.append([], succeeded: false, &state) }
    let isNew = state.used.insert(authorization.from.bytes + authorization.nonce).inserted
    return self.append(isNew ? self.logs(of: authorization) : [], succeeded: isNew, &state)
  }

  static func logs(of authorization: TransferAuthorization, to: Address? = nil) -> [Entry] {
    [
      Entry(
        topics: [ChainJudge.authorizationUsed, authorization.from.word, authorization.nonce], value: 0),
      Entry(
        topics: [ChainJudge.transfer, authorization.from.word, (to ?? authorization.to).word],
        value: authorization.value.uint64 ?? 0),
    ]
  }

  @discardableResult
  private static func append(_ logs: [Entry], succeeded: Bool, _ state: inout State) -> Transaction {
    state.block += 1
    state.time += 2
    let hash = "0x" + Hex.encode(SHA256.hash(Array("transaction \(state.transactions.count)".utf8)))
    let transaction = Transaction(hash: hash, block: state.block, succeeded: succeeded, logs: logs)
    state.transactions.append(transaction)
    return transaction
  }

  private static func quantity(_ number: UInt64) -> JSON { .string("0x" + String(number, radix: 16)) }

  private static func node(_ call: JSON, _ state: State) -> JSON {
    let first = call["params"]?.array?.first
    switch call["method"]?.string {
    case "eth_chainId": return self.quantity(UInt64(state.chainID))
    case "eth_getBlockByNumber":
      return .record(["number": self.quantity(state.block), "timestamp": self.quantity(state.time)])
    case "eth_call":
      let data = first?["data"]?.string.flatMap { HexText.bytes($0) } ?? []
      let isUsed = state.used.contains(Array(data.dropFirst(4 + 12)))
      return .string(UInt256(isUsed ? 1 : 0).hex)
    case "eth_getTransactionReceipt":
      guard let found = state.transactions.first(where: { $0.hash == first?.string }) else { return .null }
      return .record([
        "status": .string(found.succeeded ? "0x1" : "0x0"), "blockNumber": self.quantity(found.block),
        "logs": .array(found.logs.map { self.log($0, found) }),
      ])
    case "eth_getLogs":
      let topics = first?["topics"]?.array?.compactMap { $0.string.flatMap { HexText.bytes($0) } } ?? []
      let from = first?["fromBlock"]?.string.flatMap { UInt256(hex: $0) }?.uint64 ?? 0
      let logs = state.transactions.filter { $0.block >= from }.flatMap { transaction in
        transaction.logs.filter { $0.topics.starts(with: topics) }.map { self.log($0, transaction) }
      }
      return .array(logs)
    default: return .null
    }
  }

  private static func log(_ entry: Entry, _ transaction: Transaction) -> JSON {
    .record([
      "address": .string("0x036cbd53842c5426634e7929541ec2318f3dcf7e"),
      "topics": .array(entry.topics.map { .string(HexText.text($0)) }),
      "data": .string(entry.value == 0 ? "0x" : UInt256(entry.value).hex),
      "transactionHash": .string(transaction.hash),
    ])
  }
}
