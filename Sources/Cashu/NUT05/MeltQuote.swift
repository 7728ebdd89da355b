internal import JSON
internal import Octets
internal import Outbound

/// A mint's offer to pay an invoice (NUT-05, NUT-23): what it takes, and how far it is.
package struct MeltQuote: Sendable, Equatable {
  package enum State: String, Sendable {
    case unpaid = "UNPAID"
    case pending = "PENDING"
    case paid = "PAID"
  }

  /// Letters the mint chose; whoever knows them can ask for the quote's state.
  package var id: String
  /// Without fees.
  package var amount: UInt64
  /// The most that Lightning may cost; what is left of it comes back (NUT-08).
  package var feeReserve: UInt64
  package var state: State
  /// Seconds since 1970; nil where the mint tells none.
  package var expiry: UInt64?
  /// The payee's receipt, once paid.
  package var preimage: String?

  /// Longer names are not written into a URL.
  static let maxNameBytes = 256

  /// Nil for any other answer. Mints before `state` said `paid`.
  init?(_ json: JSON) {
    guard let id = json["quote"]?.string, Self.isName(id), let amount = json["amount"]?.unsigned,
      let feeReserve = json["fee_reserve"]?.unsigned, let state = Self.state(json)
    else { return nil }
    self.id = id
    self.amount = amount
    self.feeReserve = feeReserve
    self.state = state
    self.expiry = json["expiry"]?.unsigned
    self.preimage = json["payment_preimage"]?.string
  }

  static func state(_ json: JSON) -> State? {
    json["state"]?.string.flatMap(State.init(rawValue:)) ?? json["paid"]?.bool.map { $0 ? .paid : .unpaid }
  }

  /// A quote's name goes into a path, so only letters that need no escape there.
  static func isName(_ text: String) -> Bool {
    (1...self.maxNameBytes).contains(text.utf8.count)
      && text.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
  }
}

/// The answer to a melt: the quote's state, and signatures on blank outputs (NUT-05, NUT-08).
struct MeltReply: Sendable {
  var state: MeltQuote.State
  var preimage: String?
  /// For the first blank outputs, in their order; the mint chose the amounts.
  var change: [BlindSignature]

  /// Nil for any other answer.
  init?(_ json: JSON) {
    guard let state = MeltQuote.state(json) else { return nil }
    let items = json["change"]?.array ?? []
    let change = items.compactMap(BlindSignature.init)
    guard change.count == items.count else { return nil }
    self.state = state
    self.preimage = json["payment_preimage"]?.string
    self.change = change
  }
}

extension MintClient {
  /// NUT-05: `POST /v1/melt/quote/bolt11`.
  func meltQuote(invoice: String, unit: String) async -> MintAnswer<MeltQuote> {
    let body = JSON.record(["request": .string(invoice), "unit": .string(unit)])
    return MintAnswer(await self.post("/v1/melt/quote/bolt11", body)) { MeltQuote($0) }
  }

  /// NUT-05: `GET /v1/melt/quote/bolt11/{id}`.
  func meltQuote(_ id: String) async -> MintAnswer<MeltQuote> {
    MintAnswer(await self.get("/v1/melt/quote/bolt11/\(id)")) { MeltQuote($0) }
  }

  /// NUT-05: `POST /v1/melt/bolt11`, with a body made once.
  func melt(_ body: [UInt8]) async -> MintAnswer<MeltReply> {
    let call = OutboundCall(.post(body), self.url.text + "/v1/melt/bolt11", timeout: self.timeouts.melt)
    return MintAnswer(await self.transport.send(call)) { MeltReply($0) }
  }
}
