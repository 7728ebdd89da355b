internal import Gate

/// One row, or a few, that bodies are known to look at.
private enum Look: Hashable {
  case grant(Serial)
  case inFlight(Serial)
  case returned(Serial)
  case latest(Serial, RequestKey)
  case number(Serial, UInt32)

  static func all(of use: ExpectedRows.ExpectedUse) -> [Look] {
    switch use {
    case .taking(let serial, let request):
      [.grant(serial), .inFlight(serial), .returned(serial)] + (request.map { [.latest(serial, $0)] } ?? [])
    case .reporting(let serial, let number): [.grant(serial), .number(serial, number)]
    }
  }
}

extension PostgreSQLTransaction {
  /// Fills the cache in one round trip; the grants are locked.
  func look(at uses: [ExpectedRows.ExpectedUse]) throws(Outage) {
    // Many may take uses of the same grant.
    let looks = Array(Set(uses.flatMap(Look.all(of:))))
    let answers = try self.results(looks.map(Self.command(for:)))
    for (look, answer) in zip(looks, answers) { try self.note(answer, to: look) }
    for use in uses where self.cache.grants[use.serial] == nil { self.forgetGrant(use.serial) }
  }

  private static func command(for look: Look) -> PostgreSQLCommand {
    switch look {
    case .grant(let serial): PostgreSQLCommand(Self.selectGrant, [.bytes(serial.bytes)])
    case .inFlight(let serial):
      PostgreSQLCommand(
        Self.selectUsesInFlight, [.bytes(serial.bytes), .integer(Int64(RowCache.KnownUses.maxInFlight))])
    case .returned(let serial): PostgreSQLCommand(Self.selectReturnedUse, [.bytes(serial.bytes)])
    case .latest(let serial, let request):
      PostgreSQLCommand(Self.selectUseByRequest, [.bytes(serial.bytes), .text(request.text)])
    case .number(let serial, let number):
      PostgreSQLCommand(Self.selectUse, [.bytes(serial.bytes), .integer(Int64(number))])
    }
  }

  private func note(_ answer: PostgreSQLResult, to look: Look) throws(Outage) {
    func use() throws(Outage) -> UseRow? {
      try answer.first.map { row throws(Outage) in try UseRow(row) }
    }
    switch look {
    case .grant(let serial):
      guard let row = answer.first else { return }
      self.cache.grants[serial] = try GrantRecord(row)
    case .inFlight(let serial):
      let rows = try answer.rows.map { row throws(Outage) in try UseRow(row) }
      self.cache.uses[serial, default: RowCache.KnownUses()].inFlight = rows
    case .returned(let serial):
      self.cache.uses[serial, default: RowCache.KnownUses()].returned = .some(try use())
    case .latest(let serial, let request):
      self.cache.uses[serial, default: RowCache.KnownUses()].latest[request] = .some(try use())
    case .number(let serial, let number):
      self.cache.uses[serial, default: RowCache.KnownUses()].byNumber[number] = .some(try use())
    }
  }
}

extension ExpectedRows.ExpectedUse {
  var serial: Serial {
    switch self {
    case .taking(let serial, _), .reporting(let serial, _): serial
    }
  }
}
