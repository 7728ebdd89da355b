internal import Gate
internal import Store

/// All rows, as one value: a transaction that fails is a copy thrown away.
struct MemoryRows: Sendable {
  struct UseKey: Hashable, Sendable {
    var serial: Serial
    var number: UInt32
  }

  struct Place: Hashable, Sendable {
    var counterpart: String
    var unit: Amount.Unit
  }

  struct StoredGrant: Sendable {
    var record: GrantRecord
    var revoked: Timestamp?
    var usesForgotten: UInt32 = 0
  }

  struct StoredInvoice: Sendable {
    var invoice: Invoice
    var updated: Timestamp
  }

  struct StoredLease: Sendable {
    var lease: Lease
    /// Which machine of its grant, from 0.
    var number: Int
  }

  var payments: [PaymentID: PaymentRow] = [:]
  var nullifiers: [Nullifier: PaymentID] = [:]
  var counters: [String: UInt64] = [:]
  var grants: [Serial: StoredGrant] = [:]
  var uses: [UseKey: UseRow] = [:]
  var pieces: [Nullifier: PieceRow] = [:]
  var exposures: [Place: Int64] = [:]
  var meters: [String: MeterRow] = [:]
  var invoices: [String: StoredInvoice] = [:]
  var leases: [WorkloadID: StoredLease] = [:]
  var facts: [String: String] = [:]
}

extension UseRow {
  var key: MemoryRows.UseKey { MemoryRows.UseKey(serial: self.serial, number: self.number) }
}
