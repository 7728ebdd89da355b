internal import Gate
internal import Store

/// One transaction on a copy of the rows.
final class MemoryTransaction: LedgerTransaction {
  var rows: MemoryRows
  private let dead: Set<Owner>

  init(_ rows: MemoryRows, dead: Set<Owner>) {
    self.rows = rows
    self.dead = dead
  }

  func liveness(of owner: Owner) -> OwnerLiveness { self.dead.contains(owner) ? .dead : .alive }

  // MARK: Payments

  func payment(_ id: PaymentID) -> PaymentRow? { self.rows.payments[id] }
  func holder(of nullifier: Nullifier) -> PaymentID? { self.rows.nullifiers[nullifier] }

  func ownersInFlight() -> [Owner] { Array(Set(self.rows.payments.values.compactMap(\.hold?.owner))) }

  func duePayments(at now: Timestamp, dead: [Owner], limit: Int) -> [DuePayment] {
    self.rows.payments.values
      .filter { row in
        if let hold = row.hold { return hold.end <= now || dead.contains(hold.owner) }
        return row.state == .unknown && (row.recovery.due ?? now) <= now
      }
      .sorted { $0.updated < $1.updated }
      .prefix(limit)
      .map { DuePayment(payment: $0.id, method: $0.bargain.method) }
  }

  func holder(of name: PaymentName) -> PaymentID? {
    self.rows.payments.values.first { $0.payer.name == name }?.id
  }

  func acceptedPayments(of counterpart: String, limit: Int) -> [PaymentRow] {
    let found = self.rows.payments.values.filter {
      $0.state == .accepted && $0.redemption == nil && $0.bargain.counterpart == counterpart
    }
    return Array(found.sorted { $0.created < $1.created }.prefix(limit))
  }

  func payments(redeemedIn transfer: PaymentID) -> [PaymentRow] {
    self.rows.payments.values.filter { $0.redemption == transfer }
  }

  func insert(_ payment: PaymentRow) throws(Outage) {
    guard self.rows.payments[payment.id] == nil, self.isNameFree(for: payment) else {
      throw .conflict(payment.id)
    }
    self.rows.payments[payment.id] = payment
  }

  private func isNameFree(for payment: PaymentRow) -> Bool {
    payment.payer.name.flatMap { self.holder(of: $0) }.map { $0 == payment.id } ?? true
  }

  func replace(_ old: PaymentRow, with new: PaymentRow) throws(Outage) {
    guard let stored = self.rows.payments[old.id], stored.state == old.state, stored.version == old.version,
      self.isNameFree(for: new)
    else {
      throw .conflict(old.id)
    }
    self.rows.payments[old.id] = new
  }

  func delete(_ payment: PaymentID) {
    self.rows.payments[payment] = nil
    self.rows.nullifiers = self.rows.nullifiers.filter { $0.value != payment }
  }

  func bind(_ nullifiers: Set<Nullifier>, to payment: PaymentID) throws(Outage) {
    for nullifier in nullifiers {
      guard self.rows.nullifiers[nullifier, default: payment] == payment else { throw .conflict(payment) }
      self.rows.nullifiers[nullifier] = payment
    }
  }

  func free(_ payment: PaymentID, except kept: Set<Nullifier>) {
    self.rows.nullifiers = self.rows.nullifiers.filter { $0.value != payment || kept.contains($0.key) }
  }

  func advance(_ counter: CounterRequest) -> UInt64 {
    let start = self.rows.counters[counter.name, default: 0]
    self.rows.counters[counter.name] = start + UInt64(counter.count)
    return start
  }

  func raise(_ counter: String, to next: UInt64) {
    self.rows.counters[counter] = max(next, self.rows.counters[counter, default: 0])
  }

  // MARK: Grants and uses

  func grant(_ serial: Serial) -> GrantRecord? { self.rows.grants[serial]?.record }

  func insert(_ grant: GrantRecord, at now: Timestamp) {
    self.rows.grants[grant.serial] = .init(record: grant)
  }

  func replace(_ old: GrantRecord, with new: GrantRecord) throws(Outage) {
    guard let stored = self.rows.grants[old.serial]?.record, stored.uses == old.uses, stored.end == old.end,
      stored.unused == old.unused
    else { throw .conflict(old.payment) }
    self.rows.grants[old.serial]?.record.uses = new.uses
    self.rows.grants[old.serial]?.record.end = new.end
    self.rows.grants[old.serial]?.record.unused = new.unused
  }

  func setUsesTaken(of serial: Serial, from old: UInt32, to new: UInt32) throws(Outage) {
    guard self.rows.grants[serial]?.record.usesTaken == old else { throw .conflict(nil) }
    self.rows.grants[serial]?.record.usesTaken = new
  }

  func revoke(_ serial: Serial, at now: Timestamp) {
    guard var grant = self.rows.grants[serial], grant.revoked == nil else { return }
    grant.revoked = now
    grant.record.revoked = .revoked
    self.rows.grants[serial] = grant
  }

  func revocations(at now: Timestamp, limit: Int) -> [Serial] {
    self.rows.grants.values
      .filter { grant in grant.revoked != nil && (grant.record.end.map { $0 > now } ?? true) }
      .sorted { ($0.revoked ?? now) > ($1.revoked ?? now) }
      .prefix(limit)
      .map(\.record.serial)
  }

  func use(_ number: UInt32, of serial: Serial) -> UseRow? {
    self.rows.uses[.init(serial: serial, number: number)]
  }

  func latestUse(of serial: Serial, by request: RequestKey) -> UseRow? {
    self.uses(of: serial)
      .filter { $0.request == request }
      .max { ($0.taken, $0.number) < ($1.taken, $1.number) }
  }

  func usesInFlight(of serial: Serial, limit: Int) -> [UseRow] {
    Array(
      self.uses(of: serial).filter { $0.state == .delivering }.sorted { $0.hold.end < $1.hold.end }.prefix(
        limit))
  }

  func returnedUse(of serial: Serial) -> UseRow? {
    self.uses(of: serial).filter { $0.state == .granted }.min { $0.number < $1.number }
  }

  func insert(_ use: UseRow) throws(Outage) {
    guard self.rows.uses[use.key] == nil else { throw .conflict(nil) }
    self.rows.uses[use.key] = use
  }

  func replace(_ old: UseRow, with new: UseRow) throws(Outage) {
    guard self.rows.uses[old.key] == old else { throw .conflict(nil) }
    self.rows.uses[old.key] = new
  }

  private func uses(of serial: Serial) -> [UseRow] { self.rows.uses.values.filter { $0.serial == serial } }

  // MARK: Lists and facts

  func payments(in state: PaymentState?, limit: Int) -> [PaymentRow] {
    let found = self.rows.payments.values.filter { state == nil || $0.state == state }
    return Array(found.sorted { $0.updated > $1.updated }.prefix(limit))
  }

  func lostUses(_ kind: LostUse.Kind, limit: Int) -> [LostUse] {
    let found = self.rows.uses.values.filter { use in
      switch kind {
      case .redelivered: use.redelivered != nil
      case .stuck: use.state == .stuck
      }
    }
    return found.sorted { $0.taken > $1.taken }.prefix(limit).compactMap { use in
      self.rows.grants[use.serial].map { LostUse(payment: $0.record.payment, use: use) }
    }
  }

  func fact(_ key: String) -> String? { self.rows.facts[key] }
  func setFact(_ key: String, to value: String) { self.rows.facts[key] = value }

  func prune(before moment: Timestamp, limit: Int) -> Int {
    let bound = Set(self.rows.nullifiers.values)
    let uses = self.rows.uses.values.filter {
      $0.state == .spent && $0.redelivered == nil && $0.taken < moment
    }
    let payments = self.rows.payments.values.filter {
      $0.state == .rejected && $0.updated < moment && !bound.contains($0.id)
    }
    for use in uses.prefix(limit) {
      self.rows.uses[use.key] = nil
      self.rows.grants[use.serial]?.usesForgotten += 1
    }
    for payment in payments.prefix(limit) { self.rows.payments[payment.id] = nil }
    let invoices = self.rows.invoices.values.filter {
      $0.invoice.state == .closed(.expired) && $0.updated < moment
    }
    for invoice in invoices.prefix(limit) { self.rows.invoices[invoice.invoice.id] = nil }
    let leases = self.pruneLeases(before: moment, limit: limit)
    return min(limit, uses.count) + min(limit, payments.count) + min(limit, invoices.count) + leases
  }
}
