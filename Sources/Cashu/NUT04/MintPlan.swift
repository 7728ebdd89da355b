internal import JSON

/// Everything that taking the ecash of one paid quote is made of (NUT-04). Secret.
struct MintPlan: Sendable, Equatable {
  /// The configured address.
  var mint: String
  var unit: String
  /// The mint's name of the quote.
  var quote: String
  /// What the quote's key is made from (NUT-20); nil where the quote has none.
  var keyName: String?
  /// Ascending.
  var outputAmounts: [UInt64]
  var outputKeysetID: KeysetID

  private static let version: UInt64 = 1

  func encoded() -> [UInt8] {
    CBORWriter.write(
      .record([
        "v": .unsigned(Self.version),
        "m": .text(self.mint),
        "u": .text(self.unit),
        "q": .text(self.quote),
        "n": self.keyName.map { .text($0) },
        "o": .array(self.outputAmounts.map { .unsigned($0) }),
        "k": .bytes(self.outputKeysetID.bytes),
      ])
    )
  }
}

extension MintPlan {
  /// Nil for bytes that no version of ours wrote.
  init?(decoding bytes: [UInt8]) {
    guard let root = try? CBORReader.read(bytes), root["v"]?.unsigned == Self.version,
      let mint = root["m"]?.text, let unit = root["u"]?.text, let quote = root["q"]?.text,
      let items = root["o"]?.array, case let amounts = items.compactMap(\.unsigned),
      amounts.count == items.count,
      let keysetID = root["k"]?.bytes.flatMap({ KeysetID($0) })
    else { return nil }
    self.init(
      mint: mint, unit: unit, quote: quote, keyName: root["n"]?.text, outputAmounts: amounts,
      outputKeysetID: keysetID)
  }

  /// The bytes of the call. Nil when a key cannot be made.
  func body(_ outputs: [BlindedMessage], seed: TreasurySeed, _ form: QuoteKey.Form) -> [UInt8]? {
    var signature: String?
    if let keyName {
      guard let key = QuoteKey(seed: seed, name: keyName) else { return nil }
      signature = key.signature(for: self.quote, outputs, form)
    }
    return JSONWriter.write(
      .record([
        "quote": .string(self.quote), "outputs": .array(outputs.map(\.json)),
        "signature": signature.map { .string($0) },
      ]))
  }
}
