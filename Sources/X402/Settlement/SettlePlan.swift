internal import Gate
internal import JSON
internal import Octets

/// Everything that one settlement is made of, so that after a crash the same body is sent again and the chain
/// is asked the right question. Stored before the first call; it holds the payer's signature.
struct SettlePlan: Sendable, Equatable {
  /// What the chain keeps of a payment.
  enum Mark: Sendable, Equatable {
    /// `authorizationState(from, nonce)` of the asset.
    case authorization(from: Address, nonce: [UInt8], validBefore: UInt256)
    /// A bit of `nonceBitmap(owner, …)` of Permit2.
    case permit(owner: Address, nonce: UInt256, deadline: UInt256)
    /// Nothing that we can read.
    case none
  }

  /// What was done so far.
  struct Trace: Sendable, Equatable {
    /// Who was asked last, by its address.
    var facilitator: String?
    /// Calls of `/settle`.
    var sends = 0
    var sentAt: Timestamp?
    var firstSentAt: Timestamp?
    /// The chain's newest block just before the first call: what is older is not of ours.
    var block: UInt64?
    /// As the facilitator called them, one of a call at most.
    var transactions: [String] = []
    /// A call may have been acted on, and the answers do not tell by which transaction.
    var isUnheard = false
  }

  var version: X402Configuration.Version
  var network: String
  var asset: String
  var payTo: String
  var value: UInt64
  var mark: Mark
  var payer: String?
  /// Of `/verify` and `/settle`, byte for byte.
  var body: [UInt8]
  var trace = Trace()

  private static let form: UInt64 = 1

  func encoded() -> [UInt8] {
    JSONWriter.write(
      .record([
        "form": .unsigned(Self.form), "version": .unsigned(self.version.rawValue),
        "network": .string(self.network), "asset": .string(self.asset), "payTo": .string(self.payTo),
        "value": .unsigned(self.value), "mark": Self.json(self.mark), "payer": self.payer.map { .string($0) },
        "body": .string(String(decoding: self.body, as: UTF8.self)),
        "facilitator": self.trace.facilitator.map { .string($0) },
        "sends": .unsigned(UInt64(self.trace.sends)),
        "sentAt": self.trace.sentAt.map { .unsigned(UInt64(max(0, $0.milliseconds))) },
        "firstSentAt": self.trace.firstSentAt.map { .unsigned(UInt64(max(0, $0.milliseconds))) },
        "block": self.trace.block.map { .unsigned($0) },
        "transactions": .array(self.trace.transactions.map { .string($0) }),
        "unheard": .bool(self.trace.isUnheard),
      ])
    )
  }

  private static func json(_ mark: Mark) -> JSON? {
    switch mark {
    case .authorization(let from, let nonce, let validBefore):
      .record([
        "from": .string(from.lowercased), "nonce": .string(HexText.text(nonce)),
        "validBefore": .string(validBefore.hex),
      ])
    case .permit(let owner, let nonce, let deadline):
      .record([
        "owner": .string(owner.lowercased), "nonce": .string(nonce.hex), "deadline": .string(deadline.hex),
      ])
    case .none: nil
    }
  }
}

extension SettlePlan {
  /// Nil for bytes that no version of ours wrote.
  init?(decoding bytes: [UInt8]) {
    guard let json = try? JSONReader.read(bytes), json["form"]?.unsigned == Self.form,
      let version = json["version"]?.unsigned.flatMap(X402Configuration.Version.init(rawValue:)),
      let network = json["network"]?.string, let asset = json["asset"]?.string,
      let payTo = json["payTo"]?.string, let value = json["value"]?.unsigned,
      let mark = Self.mark(json["mark"]), let body = json["body"]?.string, let sends = json["sends"]?.unsigned
    else { return nil }
    self.init(
      version: version, network: network, asset: asset, payTo: payTo, value: value, mark: mark,
      payer: json["payer"]?.string, body: Array(body.utf8),
      trace: Trace(
        facilitator: json["facilitator"]?.string, sends: Int(clamping: sends),
        sentAt: json["sentAt"]?.unsigned.map { Timestamp(milliseconds: Int64(clamping: $0)) },
        firstSentAt: json["firstSentAt"]?.unsigned.map { Timestamp(milliseconds: Int64(clamping: $0)) },
        block: json["block"]?.unsigned,
        transactions: json["transactions"]?.array?.compactMap(\.string) ?? [],
        isUnheard: json["unheard"]?.bool ?? true)
    )
  }

  private static func mark(_ json: JSON?) -> Mark? {
    guard let json else { return Mark.none }
    if let from = json["from"]?.string.flatMap({ Address($0) }),
      let nonce = json["nonce"]?.string.flatMap({ HexText.bytes($0) }), nonce.count == UInt256.byteCount,
      let validBefore = json["validBefore"]?.string.flatMap({ UInt256(hex: $0) })
    {
      return .authorization(from: from, nonce: nonce, validBefore: validBefore)
    }
    if let owner = json["owner"]?.string.flatMap({ Address($0) }),
      let nonce = json["nonce"]?.string.flatMap({ UInt256(hex: $0) }),
      let deadline = json["deadline"]?.string.flatMap({ UInt256(hex: $0) })
    {
      return .permit(owner: owner, nonce: nonce, deadline: deadline)
    }
    return nil
  }
}
