internal import Gate

/// How many uses in flight of one grant are looked at for lost ones; more are found when these are done.
private let maxUsesInFlightSeen = 256

/// What can be said of a grant before its uses are looked at.
private enum GrantState {
  case done(UseOutcome)
  case counts(GrantRecord, uses: UInt32)
}

extension LedgerReader {
  /// Asked after repeats: those were counted before, even if the time has ended since.
  fileprivate func state(for request: UseRequest, at now: Timestamp) throws(Outage) -> GrantState {
    guard let grant = try self.grant(request.serial) else { return .done(.missing) }
    guard grant.revoked == .valid else { return .done(.revoked) }
    if let end = grant.end, end <= now { return .done(.expired) }
    guard let uses = grant.uses else { return .done(.time(grant)) }
    return .counts(grant, uses: uses)
  }

  fileprivate func repeated(_ request: UseRequest, at now: Timestamp) throws(Outage) -> UseRow? {
    guard let key = request.request, let use = try self.latestUse(of: request.serial, by: key) else {
      return nil
    }
    return use.isRepeated(by: key, at: now, self.liveness(of:)) ? use : nil
  }

  /// What a take would find; changes nothing.
  func look(_ request: UseRequest, at now: Timestamp) throws(Outage) -> UseOutcome {
    if let outcome = try self.repetition(of: request, at: now) { return outcome.0 }
    switch try self.state(for: request, at: now) {
    case .done(let outcome): return outcome
    case .counts(let grant, let uses):
      if grant.usesTaken < uses { return .available(grant) }
      return try self.lookAtUsesInFlight(of: grant, at: now)
    }
  }

  /// All uses are taken: what those in flight may still become.
  private func lookAtUsesInFlight(of grant: GrantRecord, at now: Timestamp) throws(Outage) -> UseOutcome {
    var outcome = UseOutcome.exhausted
    for use in try self.usesInFlight(of: grant.serial, limit: maxUsesInFlightSeen) {
      switch use.loss(at: now, self.liveness(of:)) {
      case .deliverAgain: return .available(grant)
      case .stuck: continue
      case nil: outcome = .delivering(grant)
      }
    }
    return outcome
  }

  fileprivate func repetition(
    of request: UseRequest, at now: Timestamp
  ) throws(Outage) -> (UseOutcome, UseRow)? {
    guard let use = try self.repeated(request, at: now), let grant = try self.grant(request.serial) else {
      return nil
    }
    return grant.revoked == .valid ? (.repeated(grant), use) : nil
  }
}

extension LedgerTransaction {
  func take(_ request: UseRequest, for owner: Owner, at now: Timestamp) throws(Outage) -> UseOutcome {
    if let (outcome, use) = try self.repetition(of: request, at: now) {
      var next = use
      next.repeats += 1
      try self.replace(use, with: next)
      return outcome
    }
    // Whoever asks for no more than a repeat may not take another use.
    guard request.intent != .again else { return .exhausted }
    switch try self.state(for: request, at: now) {
    case .done(let outcome): return outcome
    case .counts(let grant, let uses):
      let hold = Hold(owner: owner, end: now + request.lease)
      if let lost = try self.lostUse(of: grant, request: request.request, hold: hold, at: now) { return lost }
      return try self.nextUse(of: grant, uses: uses, request: request.request, hold: hold, at: now)
    }
  }

  /// A use whose owner was lost, given out again; those lost twice become stuck on the way.
  private func lostUse(
    of grant: GrantRecord, request: RequestKey?, hold: Hold, at now: Timestamp
  ) throws(Outage) -> UseOutcome? {
    for use in try self.usesInFlight(of: grant.serial, limit: maxUsesInFlightSeen) {
      switch use.loss(at: now, self.liveness(of:)) {
      case nil: continue
      case .stuck:
        var next = use
        next.state = .stuck
        try self.replace(use, with: next)
      case .deliverAgain:
        let next = use.delivering(request, hold: hold, at: now)
        try self.replace(use, with: next)
        return .taken(TakenUse(next), grant)
      }
    }
    return nil
  }

  private func nextUse(
    of grant: GrantRecord, uses: UInt32, request: RequestKey?, hold: Hold, at now: Timestamp
  ) throws(Outage) -> UseOutcome {
    guard grant.usesTaken < uses else {
      // Those lost twice are stuck by now, so whatever is in flight is being delivered.
      let isDelivering = try !self.usesInFlight(of: grant.serial, limit: 1).isEmpty
      return isDelivering ? .delivering(grant) : .exhausted
    }
    var after = grant
    after.usesTaken += 1
    let use: UseRow
    if let returned = try self.returnedUse(of: grant.serial) {
      use = returned.delivering(request, hold: hold, at: now)
      try self.replace(returned, with: use)
    } else {
      // None is returned, so the numbers below `usesTaken` are those that were given out.
      use = UseRow(
        serial: grant.serial, number: grant.usesTaken, state: .delivering, attempt: 1, request: request,
        repeats: 0,
        hold: hold, taken: now, redelivered: nil)
      try self.insert(use)
    }
    try self.setUsesTaken(of: grant.serial, from: grant.usesTaken, to: after.usesTaken)
    return .taken(TakenUse(use), after)
  }

  func report(_ taken: TakenUse, _ delivery: UseDelivery) throws(Outage) {
    guard let use = try self.use(taken.number, of: taken.serial),
      let next = use.reported(delivery, attempt: taken.attempt)
    else { return }
    try self.replace(use, with: next)
    guard next.state == .granted, let grant = try self.grant(taken.serial), grant.usesTaken > 0 else {
      return
    }
    try self.setUsesTaken(of: grant.serial, from: grant.usesTaken, to: grant.usesTaken - 1)
  }
}

extension LedgerReader {
  /// Nil unless the window is full: whoever floods a full meter costs no write.
  func fullMeter(_ event: MeterEvent, at now: Timestamp) throws(Outage) -> MeterReading? {
    guard event.limit > 0 else { return .full(until: now + event.window) }
    guard let row = try self.meter(event.meter), row.end > now, row.count >= event.limit else { return nil }
    return .full(until: row.end)
  }
}

extension LedgerTransaction {
  /// A row for each client would grow without bound, so each new one forgets two that have ended.
  func count(_ event: MeterEvent, at now: Timestamp) throws(Outage) -> MeterReading {
    let ceiling = event.limit == .max ? event.limit : event.limit + 1
    let row = try self.count(event.meter, at: now, until: now + event.window, ceiling: ceiling)
    if row.count == 1 { try self.forgetMeters(at: now, limit: 2) }
    return row.count <= event.limit ? .counted(left: event.limit - row.count) : .full(until: row.end)
  }
}

extension TakenUse {
  init(_ use: UseRow) {
    self.init(serial: use.serial, number: use.number, attempt: use.attempt)
  }
}
