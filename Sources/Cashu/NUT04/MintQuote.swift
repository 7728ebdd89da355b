internal import JSON
internal import Outbound

/// A mint's promise to sign ecash for a paid invoice (NUT-04, NUT-23).
struct MintQuote: Sendable, Equatable {
  enum State: String, Sendable {
    case unpaid = "UNPAID"
    case paid = "PAID"
    /// The ecash has been signed.
    case issued = "ISSUED"
  }

  /// Letters the mint chose. Where the quote has no key, whoever knows them can take the money.
  var id: String
  /// BOLT 11.
  var request: String
  var state: State
  /// Seconds since 1970; nil where the mint tells none.
  var expiry: UInt64?
  /// The key that must sign for the money (NUT-20); absent from mints without it.
  var publicKey: String?

  /// Nil for any other answer. Mints before `state` said `paid`.
  init?(_ json: JSON) {
    guard let id = json["quote"]?.string, MeltQuote.isName(id), let request = json["request"]?.string,
      let state = json["state"]?.string.flatMap(State.init(rawValue:))
        ?? json["paid"]?.bool.map({ $0 ? .paid : .unpaid })
    else { return nil }
    self.id = id
    self.request = request
    self.state = state
    self.expiry = json["expiry"]?.unsigned
    self.publicKey = json["pubkey"]?.string
  }
}

extension MintClient {
  /// NUT-04: `POST /v1/mint/quote/bolt11`. A mint without NUT-20 pays no heed to the key.
  func mintQuote(_ amount: UInt64, unit: String, publicKey: String) async -> MintAnswer<MintQuote> {
    let body = JSON.record([
      "amount": .unsigned(amount), "unit": .string(unit), "pubkey": .string(publicKey),
    ])
    return MintAnswer(await self.post("/v1/mint/quote/bolt11", body)) { MintQuote($0) }
  }

  /// NUT-04: `GET /v1/mint/quote/bolt11/{id}`.
  func mintQuote(_ id: String) async -> MintAnswer<MintQuote> {
    MintAnswer(await self.get("/v1/mint/quote/bolt11/\(id)")) { MintQuote($0) }
  }

  /// NUT-04: `POST /v1/mint/bolt11`, with a body made once.
  func mint(_ body: [UInt8]) async -> MintAnswer<[BlindSignature]> {
    let call = OutboundCall(.post(body), self.url.text + "/v1/mint/bolt11", timeout: self.timeouts.swap)
    return MintAnswer(await self.transport.send(call)) { answer in
      guard let items = answer["signatures"]?.array else { return nil }
      let signatures = items.compactMap(BlindSignature.init)
      return signatures.count == items.count ? signatures : nil
    }
  }
}
