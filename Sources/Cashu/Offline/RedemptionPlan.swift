internal import Gate

/// One swap of the proofs of many payments that were accepted on trust. Secret.
struct RedemptionPlan: Sendable, Equatable {
  /// A payment, and how many of the swap's inputs are its proofs.
  struct Member: Sendable, Equatable {
    var payment: PaymentID
    var inputCount: Int
  }

  /// The inputs are those of the members, in their order.
  var swap: SwapPlan
  var members: [Member]

  /// Nil when the mint's fee would leave nothing, or its keys do not make the rest.
  init?(_ batch: [RedemptionCandidate], at mint: MintURL, unit: Amount.Unit, keyset: Keyset, fee: UInt64) {
    let inputs = batch.flatMap(\.inputs)
    guard let sum = Money.sum(inputs.map(\.amount)), fee < sum, let amounts = keyset.split(sum - fee) else {
      return nil
    }
    self.swap = SwapPlan(
      mint: mint.text, unit: unit.name, inputs: inputs, outputAmounts: amounts.sorted(),
      outputKeysetID: keyset.id, proof: .provable, heldSince: nil)
    self.members = batch.map { Member(payment: $0.payment, inputCount: $0.inputs.count) }
  }

  var value: UInt64 { self.swap.inputs.reduce(0) { $0 + $1.amount } }

  /// Who brought the inputs at these places.
  func payments(at inputs: [Int]) -> Set<PaymentID> {
    var payments: Set<PaymentID> = []
    var start = 0
    for member in self.members {
      let range = start..<start + member.inputCount
      if inputs.contains(where: range.contains) { payments.insert(member.payment) }
      start = range.upperBound
    }
    return payments
  }

  func encoded() -> [UInt8] {
    let members = self.members.map { member in
      CBOR.record(["p": .text(member.payment.text), "n": .unsigned(UInt64(member.inputCount))])
    }
    return CBORWriter.write(
      .record([
        PlanKind.member: .text(PlanKind.redemption.rawValue),
        "s": .bytes(self.swap.encoded()),
        "m": .array(members),
      ])
    )
  }

  /// Nil for bytes that no version of ours wrote.
  init?(decoding bytes: [UInt8]) {
    guard let root = try? CBORReader.read(bytes), root[PlanKind.member]?.text == PlanKind.redemption.rawValue,
      let swap = root["s"]?.bytes.flatMap(SwapPlan.init(decoding:)),
      let items = root["m"]?.array
    else { return nil }
    self.swap = swap
    self.members = items.compactMap { item in
      guard let payment = item["p"]?.text, let count = item["n"]?.unsigned.flatMap({ Int(exactly: $0) })
      else {
        return nil
      }
      return Member(payment: PaymentID(payment), inputCount: count)
    }
    guard self.members.count == items.count,
      self.members.reduce(0, { $0 + $1.inputCount }) == swap.inputs.count
    else { return nil }
  }
}
