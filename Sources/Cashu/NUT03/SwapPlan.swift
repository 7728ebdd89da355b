internal import Gate
internal import Octets

/// Everything that one swap is made of (NUT-03), so that after a crash the same bytes are sent again.
///
/// The ledger stores it before the first call and adds the number at which its outputs' counter starts.
/// Secret.
struct SwapPlan: Sendable, Equatable {
  /// A proof to be spent.
  struct Input: Sendable, Equatable {
    var amount: UInt64
    var keysetID: KeysetID
    var secret: Secret
    var signature: [UInt8]
    var witness: String?
  }

  /// More cannot be read back: ``CBORReader`` takes 4096 items, and an input is up to eleven.
  static let mostInputs = 256

  /// The configured address.
  var mint: String
  var unit: String
  var inputs: [Input]
  /// Ascending, as NUT-03 asks for the payer's privacy.
  var outputAmounts: [UInt64]
  var outputKeysetID: KeysetID
  var proof: MintBudget.Proof
  /// When the mint first held the inputs and gave nothing good for them.
  var heldSince: Timestamp?

  /// Of the counter that the outputs take their numbers from (NUT-13: one per keyset).
  var counterName: String { "cashu:\(self.outputKeysetID)" }

  /// The `Y` of each input.
  var nullifiers: [[UInt8]] { self.inputs.map { Point.hashToCurve($0.secret.utf8).compressed } }

  private static let version: UInt64 = 1

  func encoded() -> [UInt8] {
    return CBORWriter.write(
      .record([
        "v": .unsigned(Self.version),
        "m": .text(self.mint),
        "u": .text(self.unit),
        "k": .bytes(self.outputKeysetID.bytes),
        "o": .array(self.outputAmounts.map { .unsigned($0) }),
        "i": .array(self.inputs.map(\.cbor)),
        "p": .bool(self.proof == .provable),
        "n": self.heldSince.map { .unsigned(UInt64(max(0, $0.milliseconds))) },
      ])
    )
  }
}

extension SwapPlan {
  /// Nil for bytes that no version of ours wrote.
  init?(decoding bytes: [UInt8]) {
    guard let root = try? CBORReader.read(bytes), root["v"]?.unsigned == Self.version,
      let mint = root["m"]?.text, let unit = root["u"]?.text, let isProvable = root["p"]?.bool,
      let keysetID = root["k"]?.bytes.flatMap({ KeysetID($0) }),
      let amounts = root["o"]?.array.map({ $0.compactMap(\.unsigned) }),
      let inputs = root["i"]?.array.map({ $0.compactMap(Input.init(_:)) }),
      amounts.count == root["o"]?.array?.count, inputs.count == root["i"]?.array?.count
    else { return nil }
    self.init(
      mint: mint,
      unit: unit,
      inputs: inputs,
      outputAmounts: amounts,
      outputKeysetID: keysetID,
      proof: isProvable ? .provable : .unprovable,
      heldSince: root["n"]?.unsigned.map { Timestamp(milliseconds: Int64(clamping: $0)) }
    )
  }
}

extension SwapPlan.Input {
  /// As every plan stores it.
  var cbor: CBOR {
    .record([
      "a": .unsigned(self.amount),
      "i": .bytes(self.keysetID.bytes),
      "s": .text(self.secret.text),
      "c": .bytes(self.signature),
      "w": self.witness.map { .text($0) },
    ])
  }

  init?(_ item: CBOR) {
    guard let amount = item["a"]?.unsigned, let keysetID = item["i"]?.bytes.flatMap({ KeysetID($0) }),
      let secret = item["s"]?.text, let signature = item["c"]?.bytes
    else { return nil }
    self.init(
      amount: amount, keysetID: keysetID, secret: Secret(secret), signature: signature,
      witness: item["w"]?.text)
  }

  /// As a call of the mint names it.
  var proof: UnverifiedProof {
    UnverifiedProof(
      amount: self.amount, keyset: .full(self.keysetID), secret: self.secret, signature: self.signature,
      witness: self.witness)
  }
}
