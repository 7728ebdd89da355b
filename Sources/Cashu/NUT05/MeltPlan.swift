internal import Gate

/// Everything that one melt is made of (NUT-05), so that after a crash it can be found out what became of it.
///
/// Secret.
struct MeltPlan: Sendable, Equatable {
  /// The configured address.
  var mint: String
  var unit: String
  var inputs: [SwapPlan.Input]
  /// The mint's name of the quote.
  var quote: String
  /// What the invoice is over.
  var amount: UInt64
  /// Outputs without amounts, for what comes back (NUT-08).
  var blanks: UInt32
  var outputKeysetID: KeysetID
  /// When the mint first held the inputs and gave nothing good for them.
  var heldSince: Timestamp?

  var counterName: String { CounterName.outputs(of: self.outputKeysetID) }

  var nullifiers: [[UInt8]] { self.inputs.map { Point.hashToCurve($0.secret.utf8).compressed } }

  /// So many outputs hold any change up to `overpaid` (NUT-08: ⌈log₂⌉, at least one when there is any).
  static func blanks(for overpaid: UInt64) -> UInt32 {
    guard overpaid > 1 else { return UInt32(overpaid) }
    return UInt32(UInt64.bitWidth - (overpaid - 1).leadingZeroBitCount)
  }

  func encoded() -> [UInt8] {
    CBORWriter.write(
      .record([
        PlanKind.member: .text(PlanKind.melt.rawValue),
        "m": .text(self.mint),
        "u": .text(self.unit),
        "i": .array(self.inputs.map(\.cbor)),
        "q": .text(self.quote),
        "a": .unsigned(self.amount),
        "b": .unsigned(UInt64(self.blanks)),
        "k": .bytes(self.outputKeysetID.bytes),
        "n": self.heldSince.map { .unsigned(UInt64(max(0, $0.milliseconds))) },
      ])
    )
  }

  /// Nil for bytes that no version of ours wrote.
  init?(decoding bytes: [UInt8]) {
    guard let root = try? CBORReader.read(bytes), root[PlanKind.member]?.text == PlanKind.melt.rawValue,
      let mint = root["m"]?.text, let unit = root["u"]?.text,
      let items = root["i"]?.array, case let inputs = items.compactMap(SwapPlan.Input.init(_:)),
      inputs.count == items.count, let quote = root["q"]?.text, let amount = root["a"]?.unsigned,
      let blanks = root["b"]?.unsigned.flatMap({ UInt32(exactly: $0) }),
      let keysetID = root["k"]?.bytes.flatMap({ KeysetID($0) })
    else { return nil }
    self.init(
      mint: mint, unit: unit, inputs: inputs, quote: quote, amount: amount, blanks: blanks,
      outputKeysetID: keysetID,
      heldSince: root["n"]?.unsigned.map { Timestamp(milliseconds: Int64(clamping: $0)) })
  }

  init(
    mint: String, unit: String, inputs: [SwapPlan.Input], quote: String, amount: UInt64, blanks: UInt32,
    outputKeysetID: KeysetID, heldSince: Timestamp? = nil
  ) {
    self.mint = mint
    self.unit = unit
    self.inputs = inputs
    self.quote = quote
    self.amount = amount
    self.blanks = blanks
    self.outputKeysetID = outputKeysetID
    self.heldSince = heldSince
  }
}
