internal import Gate
internal import Octets

/// What the chain says of one payment.
enum ChainFinding: Sendable, Equatable {
  /// Our money arrived, by this transaction.
  case paid(transaction: String)
  /// It was used for something else, or cancelled: it will never be ours.
  case usedOtherwise
  /// Not used, and too late to be: nothing moved and nothing will.
  case overUnused
  /// Not used yet. `reverted`: a transaction that the facilitator named is in a block, and failed.
  case unused(reverted: Bool)
  /// Used, and it does not show by what.
  case unclear(String)
  /// The node does not tell.
  case silent
}

/// Reads on the chain what became of a payment (a used nonce alone proves nothing, as the
/// payer may have cancelled it, used it for somebody else, or a stranger may have sent ours).
struct ChainJudge: Sendable {
  /// Nodes refuse longer searches.
  private static let blocksPerSearch: UInt64 = 2000
  private static let maxSearches: UInt64 = 25

  static let transfer = Keccak256.hash("Transfer(address,address,uint256)".utf8)
  static let authorizationUsed = Keccak256.hash("AuthorizationUsed(address,bytes32)".utf8)
  static let authorizationCanceled = Keccak256.hash("AuthorizationCanceled(address,bytes32)".utf8)
  static let authorizationState = Array(Keccak256.hash("authorizationState(address,bytes32)".utf8).prefix(4))
  static let nonceBitmap = Array(Keccak256.hash("nonceBitmap(address,uint256)".utf8).prefix(4))

  let chain: ChainClient
  let expiryMargin: Duration

  /// The chain as it is before a payment is sent. Nil when the node does not tell.
  func note(_ plan: SettlePlan) async -> (block: UInt64, isUsed: Bool)? {
    do throws(ChainClient.Silent) {
      let head = try await self.chain.head()
      return (head.number, try await self.isUsed(plan, at: head.number) ?? false)
    } catch { return nil }
  }

  func find(_ plan: SettlePlan) async -> ChainFinding {
    do throws(ChainClient.Silent) { return try await self.search(plan) } catch { return .silent }
  }

  private func search(_ plan: SettlePlan) async throws(ChainClient.Silent) -> ChainFinding {
    let head = try await self.chain.head()
    var isReverted = false
    for transaction in plan.trace.transactions {
      guard let receipt = try await self.chain.receipt(of: transaction) else { continue }
      if receipt.succeeded, receipt.block >= plan.trace.block ?? 0, self.pays(receipt, plan) == .pays {
        return .paid(transaction: transaction)
      }
      isReverted = isReverted || !receipt.succeeded
    }
    guard let isUsed = try await self.isUsed(plan, at: head.number) else {
      return .unclear("this kind of payment leaves no mark that can be read")
    }
    guard isUsed else {
      // The contract compares with the block's own time, so that of the wall decides nothing.
      let margin = UInt64(clamping: self.expiryMargin.inMilliseconds / 1000)
      let end = plan.mark.end?.uint64?.addingReportingOverflow(margin)
      guard let end, !end.overflow, head.time >= end.partialValue else {
        return .unused(reverted: isReverted)
      }
      return .overUnused
    }
    guard case .authorization(let from, let nonce, _) = plan.mark, let asset = Address(plan.asset) else {
      return .unclear("the nonce is used, and a permit's use does not tell for whom")
    }
    guard let first = plan.trace.block, first <= head.number else {
      return .unclear("the nonce is used, and where to look for its use was not noted")
    }
    let topic = [from.word, nonce]
    if let used = try await self.firstLog(
      [Self.authorizationUsed] + topic, of: asset, from: first, to: head.number)
    {
      guard let receipt = try await self.chain.receipt(of: used.transaction), receipt.succeeded else {
        return .unclear("the nonce is used, and its transaction has no receipt")
      }
      switch self.pays(receipt, plan) {
      case .pays: return .paid(transaction: used.transaction)
      case .paysNot: return .usedOtherwise
      case .mixed: return .unclear("the nonce is used in \(used.transaction), among others of the same payer")
      }
    }
    let canceled = try await self.firstLog(
      [Self.authorizationCanceled] + topic, of: asset, from: first, to: head.number)
    return canceled == nil ? .unclear("the nonce is used, and no log says by what") : .usedOtherwise
  }

  private func firstLog(
    _ topics: [[UInt8]], of asset: Address, from first: UInt64, to last: UInt64
  ) async throws(ChainClient.Silent) -> ChainClient.Log? {
    var start = first
    for _ in 0..<Self.maxSearches {
      let end = min(last, start + Self.blocksPerSearch - 1)
      if let log = try await self.chain.logs(of: asset, topics: topics, blocks: start...end).first {
        return log
      }
      guard end < last else { return nil }
      start = end + 1
    }
    return nil
  }

  private enum Payment { case pays, paysNot, mixed }

  /// Whether this transaction moved our money.
  ///
  /// One transaction may use several authorisations of one payer, and tokens differ in whether the transfer
  /// is logged before or after its use; so the two are not paired by order. There must be as many transfers
  /// to us of just this value as there are authorisations used: else one transfer could be shown for two
  /// payments.
  private func pays(_ receipt: ChainClient.Receipt, _ plan: SettlePlan) -> Payment {
    guard let asset = Address(plan.asset), let payTo = Address(plan.payTo), let from = plan.mark.payer else {
      return .paysNot
    }
    let logs = receipt.logs.filter { $0.address == asset }
    let transfers = logs.count {
      $0.topics == [Self.transfer, from.word, payTo.word] && $0.data == UInt256(plan.value).bytes
    }
    let uses = logs.count { $0.topics.starts(with: [Self.authorizationUsed, from.word]) }
    if case .authorization(_, let nonce, _) = plan.mark,
      !logs.contains(where: { $0.topics == [Self.authorizationUsed, from.word, nonce] })
    {
      return .paysNot
    }
    if transfers == 0 { return .paysNot }
    return transfers >= uses ? .pays : .mixed
  }

  /// Nil where the chain keeps no mark that we can read.
  private func isUsed(_ plan: SettlePlan, at block: UInt64) async throws(ChainClient.Silent) -> Bool? {
    switch plan.mark {
    case .authorization(let from, let nonce, _):
      guard let asset = Address(plan.asset) else { return nil }
      let word = try await self.chain.word(Self.authorizationState + from.word + nonce, of: asset, at: block)
      return word != UInt256(0)
    case .permit(let owner, let nonce, _):
      guard let permit2 = Permit2Transfer.permit2 else { return nil }
      // The word is all but the last byte of the nonce, the bit is the last byte.
      let position = [0] + nonce.bytes.dropLast()
      let word = try await self.chain.word(Self.nonceBitmap + owner.word + position, of: permit2, at: block)
      let bit = Int(nonce.bytes[31])
      return word.bytes[31 - bit / 8] & (1 << UInt8(bit % 8)) != 0
    case .none: return nil
    }
  }
}

extension SettlePlan.Mark {
  var payer: Address? {
    switch self {
    case .authorization(let from, _, _): from
    case .permit(let owner, _, _): owner
    case .none: nil
    }
  }

  /// The second before which it must be in a block.
  var end: UInt256? {
    switch self {
    case .authorization(_, _, let validBefore): validBefore
    case .permit(_, _, let deadline): deadline
    case .none: nil
    }
  }
}
