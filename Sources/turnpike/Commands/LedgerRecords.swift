internal import Gate
internal import Store
internal import Telemetry

// The ledger's rows as commands print them; no secret is in them.

extension PaymentSummary {
  var json: JSONText {
    .object([
      ("kind", .string(self.kind.rawValue)), ("id", .string(self.id.text)),
      ("state", .string(self.state.rawValue)),
      ("method", .string(self.bargain.method.name)), ("value", .unsigned(self.bargain.value.value)),
      ("unit", .string(self.bargain.value.unit.name)), ("counterpart", .string(self.bargain.counterpart)),
      ("route", .string(self.bargain.scope.route.text)), ("host", .string(self.bargain.scope.host)),
      ("payer", .optional(self.payer.address)),
      ("transaction", .optional(self.ending.receipt?.transaction)),
      ("rejection", .optional(self.ending.rejection?.rawValue)), ("note", .optional(self.ending.note)),
      ("attempts", .unsigned(UInt64(self.recovery.attempts))), ("due", .moment(self.recovery.due)),
      ("leaseEnd", .moment(self.leaseEnd)), ("grant", self.grant?.json ?? .null),
      ("created", .moment(self.created)), ("updated", .moment(self.updated)),
    ])
  }

  /// What a person looks for first, one a line.
  var text: String {
    var lines = [
      "payment   \(self.id.text)", "state     \(self.state.rawValue)",
      "value     \(self.bargain.value.text) by \(self.bargain.method.name) of \(self.bargain.counterpart)",
      "route     \(self.bargain.scope.route.text)\(self.bargain.scope.host.isEmpty ? "" : " on \(self.bargain.scope.host)")",
    ]
    if self.kind.isTransfer { lines.insert("kind      \(self.kind.rawValue)", at: 1) }
    if let payer = self.payer.address { lines.append("payer     \(payer)") }
    if let transaction = self.ending.receipt?.transaction { lines.append("on chain  \(transaction)") }
    if let redemption = self.redemption { lines.append("redeemed  in transfer \(redemption)") }
    if let rejection = self.ending.rejection { lines.append("rejected  \(rejection.rawValue)") }
    if let note = self.ending.note { lines.append("note      \(note)") }
    if self.recovery.attempts > 0 {
      lines.append("asked     \(self.recovery.attempts) times without an answer")
    }
    if let due = self.recovery.due { lines.append("due       \(due.text)") }
    if let end = self.leaseEnd { lines.append("leased    until \(end.text)") }
    if let grant = self.grant { lines.append("grant     \(grant.text)") }
    lines += ["created   \(self.created.text)", "updated   \(self.updated.text)"]
    return lines.joined(separator: "\n")
  }
}

extension GrantRecord {
  var json: JSONText {
    .object([
      ("serial", .string(self.serial.description)),
      ("uses", self.uses.map { .unsigned(UInt64($0)) } ?? .null),
      ("usesTaken", .unsigned(UInt64(self.usesTaken))), ("end", .moment(self.end)),
      ("revoked", .flag(self.revoked == .revoked)),
    ])
  }

  var text: String {
    var words = [self.serial.description]
    if let uses = self.uses { words.append("\(self.usesTaken) of \(uses) uses taken") }
    if let end = self.end { words.append("until \(end.text)") }
    if self.revoked == .revoked { words.append("revoked") }
    return words.joined(separator: ", ")
  }
}

extension LostUse {
  var json: JSONText {
    .object([
      ("kind", .string("use")), ("id", .string("\(self.use.serial)/\(self.use.number)")),
      ("payment", .string(self.payment.text)), ("state", .string(self.use.state.rawValue)),
      ("serial", .string(self.use.serial.description)), ("number", .unsigned(UInt64(self.use.number))),
      ("attempt", .unsigned(UInt64(self.use.attempt))), ("repeats", .unsigned(UInt64(self.use.repeats))),
      ("request", .optional(self.use.request?.text)), ("taken", .moment(self.use.taken)),
      ("redelivered", .moment(self.use.redelivered)),
    ])
  }
}

extension Timestamp {
  /// RFC 3339, UTC.
  var text: String { LogTime.text(self.milliseconds) }
}

extension JSONText {
  static func moment(_ moment: Timestamp?) -> JSONText { .optional(moment?.text) }
}
