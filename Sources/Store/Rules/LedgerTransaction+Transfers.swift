internal import Gate

extension LedgerTransaction {
  /// Takes all inputs or none.
  func begin(
    _ draft: TransferDraft, term: ClaimTerm, for owner: Owner, at now: Timestamp
  ) throws(Outage) -> Taking {
    if let row = try self.payment(draft.id) { return .standing(try self.standing(of: row, at: now)) }
    var (pieces, payments) = ([PieceRow](), [PaymentRow]())
    for nullifier in Set(draft.pieces) {
      guard let piece = try self.piece(nullifier) else { throw .missingInput(draft.id) }
      if piece.state == .locked, let other = piece.transfer { return .standing(.inFlight(other)) }
      guard piece.state == .held, piece.proceeds.counterpart == draft.counterpart,
        piece.value.unit == draft.value.unit
      else { throw .missingInput(draft.id) }
      pieces.append(piece)
    }
    for id in Set(draft.payments) {
      guard let payment = try self.payment(id) else { throw .missingInput(draft.id) }
      if payment.state == .accepted, let other = payment.redemption { return .standing(.inFlight(other)) }
      guard payment.state == .accepted, payment.bargain.counterpart == draft.counterpart,
        payment.bargain.value.unit == draft.value.unit
      else { throw .missingInput(draft.id) }
      payments.append(payment)
    }
    let sum = (pieces.map(\.value.value) + payments.map(\.bargain.value.value)).reduce(0 as UInt128) {
      $0 + UInt128($1)
    }
    guard sum == UInt128(draft.value.value), sum <= UInt128(Int64.max) else {
      throw Outage(
        .outage, "The transfer's inputs are \(sum), not \(draft.value); nothing was changed.",
        payment: draft.id)
    }
    // Nothing is changed before everything is known to be there: a standing is an answer, and is committed.
    for piece in pieces {
      var locked = piece
      (locked.state, locked.transfer) = (.locked, draft.id)
      try self.replace(piece, with: locked)
    }
    for payment in payments { try self.store(payment.redeeming(in: draft.id, at: now), over: payment) }
    var counterStarts: [UInt64] = []
    for counter in draft.counters { counterStarts.append(try self.advance(counter)) }
    let bargain = Bargain(
      method: draft.method, scope: GrantScope(route: RouteID(""), host: ""), value: draft.value,
      counterpart: draft.counterpart, uses: nil, time: nil)
    let row = PaymentRow(
      id: draft.id, kind: PaymentKind(draft.kind), bargain: bargain, plan: draft.plan,
      counterStarts: counterStarts, state: .reserved, version: 1, term: term.number,
      hold: Hold(owner: owner, end: now + draft.lease), recovery: Recovery(lease: draft.lease),
      ending: Ending(),
      created: now, updated: now)
    try self.store(row, over: nil)
    return .taken(counterStarts: counterStarts)
  }

  /// Books what a transfer did, if it adds up.
  func finish(_ row: PaymentRow, _ effect: TransferEffect, at now: Timestamp) throws(Outage) -> PaymentRow {
    let inputs = try self.spendInputs(of: row, lost: effect.lost, at: now)
    var (kept, exported) = (0 as UInt128, 0 as UInt128)
    for piece in effect.kept { kept += UInt128(try self.book(piece, as: .held, for: row, at: now)) }
    for piece in effect.exported {
      exported += UInt128(try self.book(piece, as: .exported, for: row, at: now))
    }
    guard inputs == kept + UInt128(effect.left) + UInt128(effect.fee) else {
      throw Outage(
        .outage,
        "The transfer spent \(inputs), but kept \(kept), sent \(effect.left) and cost \(effect.fee); "
          + "nothing was changed.", payment: row.id)
    }
    guard exported == (row.kind == .export ? UInt128(effect.left) : 0) else {
      throw Outage(
        .outage, "The transfer sent \(effect.left), but exported \(exported); nothing was changed.",
        payment: row.id)
    }
    return row.transferred(effect, at: now)
  }

  /// The sum of what was spent; payments in `lost` are not.
  private func spendInputs(
    of row: PaymentRow, lost: [PaymentID: String], at now: Timestamp
  ) throws(Outage) -> UInt128 {
    var sum: UInt128 = 0
    for piece in try self.pieces(in: row.id) where piece.state == .locked {
      var spent = piece
      spent.state = .spent
      try self.replace(piece, with: spent)
      sum += UInt128(piece.value.value)
    }
    var unknown = Set(lost.keys)
    for payment in try self.payments(redeemedIn: row.id) where payment.state == .accepted {
      if let note = lost[payment.id] {
        unknown.remove(payment.id)
        try self.store(payment.lost(note: note, at: now), over: payment)
      } else {
        try self.store(payment.redeemed(at: now), over: payment)
        sum += UInt128(payment.bargain.value.value)
      }
    }
    guard unknown.isEmpty else {
      throw Outage(.outage, "The transfer lost a payment that it did not have.", payment: row.id)
    }
    return sum
  }

  /// The transfer did not happen: what it took is free again. A payment has no inputs.
  func releaseInputs(of row: PaymentRow, at now: Timestamp) throws(Outage) {
    guard row.kind.isTransfer else { return }
    for piece in try self.pieces(in: row.id) where piece.state == .locked {
      var held = piece
      held.state = .held
      held.transfer = nil
      try self.replace(piece, with: held)
    }
    for payment in try self.payments(redeemedIn: row.id) where payment.state == .accepted {
      try self.store(payment.redeeming(in: nil, at: now), over: payment)
    }
  }

  /// Puts money into the treasury, once: returns its value, or 0 for money that another row brought.
  func book(
    _ proceeds: Proceeds, as state: PieceRow.State, for row: PaymentRow, at now: Timestamp
  ) throws(Outage) -> UInt64 {
    let piece = PieceRow(
      proceeds, from: row.id, state: state, transfer: state == .exported ? row.id : nil, created: now)
    guard try self.insert(piece) == .known, let known = try self.piece(proceeds.nullifier) else {
      return proceeds.value.value
    }
    var next = known
    if known.state == .spent, known.transfer == row.id {
      // One of its own inputs, which the counterpart never took or which left as it was.
      (next.state, next.transfer) = (state, piece.transfer)
    } else if known.source == nil, state == .held || known.state == .held {
      // A search came upon it before this row was concluded: it was this row's all the time.
      next.source = row.id
      if state == .exported { (next.state, next.transfer) = (state, piece.transfer) }
    } else {
      return 0
    }
    try self.replace(known, with: next)
    return known.value.value
  }
}

extension Outage {
  fileprivate static func missingInput(_ transfer: PaymentID) -> Outage {
    Outage(
      .inFlight, "another transfer has just taken some of the pieces; ask again", retryAfterSeconds: 1,
      payment: transfer)
  }
}
