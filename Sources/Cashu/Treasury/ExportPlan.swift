internal import Gate
internal import JSON

/// Everything that one export is made of. Secret.
struct ExportPlan: Sendable, Equatable {
  enum Way: Sendable, Equatable {
    /// The inputs leave as they are held, with their proofs of NUT-12; no mint is asked.
    case asHeld([UnverifiedProof])
    /// They are swapped, and the outputs of these amounts leave.
    case swapped(leaving: [UInt64])
  }

  /// Its inputs are the pieces taken; without outputs when they leave as they are.
  var swap: SwapPlan
  var way: Way

  /// The pieces as they are. Nil without any.
  init?(asHeld pieces: [HeldPiece], at mint: MintURL, unit: Amount.Unit) {
    guard let keysetID = pieces.first?.input.keysetID else { return nil }
    self.swap = SwapPlan(
      mint: mint.text, unit: unit.name, inputs: pieces.map(\.input), outputAmounts: [],
      outputKeysetID: keysetID, proof: .provable, heldSince: nil)
    self.way = .asHeld(pieces.map(\.proof))
  }

  /// Nil when the keyset's keys cannot make the amounts.
  init?(
    _ amount: UInt64, from pieces: [HeldPiece], at mint: MintURL, unit: Amount.Unit, keyset: Keyset
  ) {
    guard let sum = PieceChoice.sum(pieces), let fee = PieceChoice.fee(of: pieces),
      let cost = Money.sum([amount, fee]),
      cost <= sum, let leaving = keyset.split(amount), let staying = keyset.split(sum - cost)
    else { return nil }
    self.swap = SwapPlan(
      mint: mint.text, unit: unit.name, inputs: pieces.map(\.input),
      outputAmounts: (leaving + staying).sorted(),
      outputKeysetID: keyset.id, proof: .provable, heldSince: nil)
    self.way = .swapped(leaving: leaving.sorted())
  }

  /// What the book writes down when the outputs are there: the first of each leaving amount leaves, the rest stays.
  func effect(of outputs: [Proceeds]) -> TransferEffect {
    switch self.way {
    case .asHeld(let proofs):
      let left = proofs.map { Proceeds($0, of: self.swap.mint, in: Amount.Unit(self.swap.unit)) }
      return TransferEffect(kept: [], exported: left, left: Self.sum(left), fee: 0)
    case .swapped(let leaving):
      var waiting = leaving
      var kept: [Proceeds] = []
      var exported: [Proceeds] = []
      for output in outputs {
        if let index = waiting.firstIndex(of: output.value.value) {
          waiting.remove(at: index)
          exported.append(output)
        } else {
          kept.append(output)
        }
      }
      let inputs = self.swap.inputs.reduce(0) { $0 + $1.amount }
      let left = Self.sum(exported)
      return TransferEffect(kept: kept, exported: exported, left: left, fee: inputs - left - Self.sum(kept))
    }
  }

  private static func sum(_ proceeds: [Proceeds]) -> UInt64 { proceeds.reduce(0) { $0 + $1.value.value } }

  func encoded() -> [UInt8] {
    let way: (leaving: CBOR?, proofs: CBOR?) =
      switch self.way {
      case .asHeld(let proofs): (nil, .array(proofs.map { .bytes(JSONWriter.write(ProofJSON.write($0))) }))
      case .swapped(let leaving): (.array(leaving.map { .unsigned($0) }), nil)
      }
    return CBORWriter.write(
      .record([
        PlanKind.member: .text(PlanKind.export.rawValue),
        "s": .bytes(self.swap.encoded()),
        "l": way.leaving,
        "p": way.proofs,
      ])
    )
  }

  /// Nil for bytes that no version of ours wrote.
  init?(decoding bytes: [UInt8]) {
    guard let root = try? CBORReader.read(bytes), root[PlanKind.member]?.text == PlanKind.export.rawValue,
      let swap = root["s"]?.bytes.flatMap(SwapPlan.init(decoding:))
    else { return nil }
    self.swap = swap
    if let items = root["l"]?.array {
      let leaving = items.compactMap(\.unsigned)
      guard leaving.count == items.count else { return nil }
      self.way = .swapped(leaving: leaving)
    } else {
      let items = root["p"]?.array ?? []
      let proofs = items.compactMap { item in
        item.bytes.flatMap { try? JSONReader.read($0) }.flatMap { try? ProofJSON.read($0) }
      }
      guard proofs.count == swap.inputs.count else { return nil }
      self.way = .asHeld(proofs)
    }
  }
}
