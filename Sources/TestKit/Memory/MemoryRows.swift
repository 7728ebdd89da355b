internal import Gate
internal import Store

/// All rows, as one value: a transaction that fails is a copy thrown away.
struct MemoryRows: Sendable {
  struct UseKey: Hashable, Sendable {
    var serial: Serial
    var number: UInt32
  }

  struct StoredGrant: Sendable {
    var record: GrantRecord
    var revoked: Timestamp?
  }

  var payments: [PaymentID: PaymentRow] = [:]
  var nullifiers: [Nullifier: PaymentID] = [:]
  var counters: [String: UInt64] = [:]
  var grants: [Serial: StoredGrant] = [:]
  var uses: [UseKey: UseRow] = [:]
  var proceeds: [Nullifier: Proceeds] = [:]
  var facts: [String: String] = [:]
}

extension UseRow {
  var key: MemoryRows.UseKey { MemoryRows.UseKey(serial: self.serial, number: self.number) }
}
