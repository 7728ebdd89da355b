internal import JSON
internal import Outbound
internal import Synchronization

/// The questions we put to an EVM node (Ethereum JSON-RPC); it is never asked to change anything.
final class ChainClient: Sendable {
  struct Head: Sendable, Equatable {
    var number: UInt64
    /// Seconds since 1970, as the block says.
    var time: UInt64
  }

  struct Log: Sendable, Equatable {
    var address: Address
    var topics: [[UInt8]]
    var data: [UInt8]
    var transaction: String
  }

  struct Receipt: Sendable, Equatable {
    var succeeded: Bool
    var block: UInt64
    var logs: [Log]
  }

  /// The node gave no usable answer, or is one of another chain.
  struct Silent: Error, Equatable {}

  /// A receipt of a multicall may be long; what has more logs is not judged.
  private static let maxLogs = 1000

  let url: String
  private let chainID: UInt64
  private let timeout: Duration
  private let transport: any OutboundTransport
  private let isRightChain = Mutex(false)

  init(url: String, chainID: UInt64, timeout: Duration, transport: any OutboundTransport) {
    self.url = url
    self.chainID = chainID
    self.timeout = timeout
    self.transport = transport
  }

  /// A node of another chain would call every nonce unused: it is not believed in anything.
  private func checkChain() async throws(Silent) {
    guard !self.isRightChain.withLock({ $0 }) else { return }
    let answer = try await self.call("eth_chainId", [])
    guard answer.string.flatMap({ UInt256(hex: $0) })?.uint64 == self.chainID else { throw Silent() }
    self.isRightChain.withLock { $0 = true }
  }

  func head() async throws(Silent) -> Head {
    try await self.checkChain()
    let block = try await self.call("eth_getBlockByNumber", [.string("latest"), .bool(false)])
    guard let number = Self.number(block["number"]), let time = Self.number(block["timestamp"]) else {
      throw Silent()
    }
    return Head(number: number, time: time)
  }

  /// `eth_call` in the state after `block`; one word.
  func word(_ data: [UInt8], of contract: Address, at block: UInt64) async throws(Silent) -> UInt256 {
    let call = JSON.record(["to": .string(contract.lowercased), "data": .string(HexText.text(data))])
    let answer = try await self.call("eth_call", [call, .string(Self.quantity(block))])
    guard let bytes = answer.string.flatMap({ HexText.bytes($0) }), bytes.count == UInt256.byteCount,
      let word = UInt256(bytes: bytes)
    else { throw Silent() }
    return word
  }

  /// Nil for a transaction that is in no block (yet).
  func receipt(of transaction: String) async throws(Silent) -> Receipt? {
    guard let hash = HexText.bytes(transaction), hash.count == 32 else { return nil }
    try await self.checkChain()
    let answer = try await self.call("eth_getTransactionReceipt", [.string(HexText.text(hash))])
    if answer == .null { return nil }
    guard let status = Self.number(answer["status"]), let block = Self.number(answer["blockNumber"]) else {
      throw Silent()
    }
    return Receipt(succeeded: status == 1, block: block, logs: try Self.logs(answer["logs"]))
  }

  /// - Parameter topics: from the first on, all of them.
  func logs(of contract: Address, topics: [[UInt8]], blocks: ClosedRange<UInt64>) async throws(Silent)
    -> [Log]
  {
    let filter = JSON.record([
      "address": .string(contract.lowercased), "fromBlock": .string(Self.quantity(blocks.lowerBound)),
      "toBlock": .string(Self.quantity(blocks.upperBound)),
      "topics": .array(topics.map { .string(HexText.text($0)) }),
    ])
    let logs = try Self.logs(try await self.call("eth_getLogs", [filter]))
    // What was not asked for proves nothing.
    return logs.filter { $0.address == contract && $0.topics.starts(with: topics) }
  }

  private func call(_ method: String, _ parameters: [JSON]) async throws(Silent) -> JSON {
    let body = JSON.record([
      "jsonrpc": .string("2.0"), "id": .unsigned(1), "method": .string(method), "params": .array(parameters),
    ])
    let call = OutboundCall(.post(JSONWriter.write(body)), self.url, timeout: self.timeout)
    guard case .answered(200, let bytes, _) = await self.transport.send(call),
      let answer = try? JSONReader.read(bytes), answer["error"] == nil,
      let result = answer.members?.first(where: { $0.name == "result" })?.value
    else { throw Silent() }
    return result
  }

  private static func quantity(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

  private static func number(_ json: JSON?) -> UInt64? {
    json?.string.flatMap { UInt256(hex: $0) }?.uint64
  }

  private static func logs(_ json: JSON?) throws(Silent) -> [Log] {
    guard let items = json?.array, items.count <= self.maxLogs else { throw Silent() }
    let logs = items.compactMap { item -> Log? in
      guard let address = item["address"]?.string.flatMap({ Address($0) }),
        let topics = item["topics"]?.array?.compactMap({ $0.string.flatMap { HexText.bytes($0) } }),
        let data = item["data"]?.string.flatMap({ HexText.bytes($0) }),
        let transaction = item["transactionHash"]?.string
      else { return nil }
      return Log(address: address, topics: topics, data: data, transaction: transaction)
    }
    guard logs.count == items.count else { throw Silent() }
    return logs
  }
}
