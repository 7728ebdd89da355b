internal import CPostgreSQL
internal import Gate

/// The answer to one command, in the protocol's binary form.
///
/// Owns libpq's `PGresult` and is used by the session's thread only.
@safe final class PostgreSQLResult {
  private let handle: OpaquePointer
  let count: Int

  init(owning handle: OpaquePointer) {
    unsafe self.handle = handle
    self.count = Int(unsafe PQntuples(handle))
  }

  deinit { unsafe PQclear(self.handle) }

  /// How many rows an `INSERT`, `UPDATE` or `DELETE` changed.
  var changed: Int { Int(unsafe String(cString: PQcmdTuples(self.handle))) ?? 0 }

  /// `COMMIT`, or `ROLLBACK` where a failed transaction was to be committed.
  var tag: String { unsafe String(cString: PQcmdStatus(self.handle)) }

  var rows: [PostgreSQLRow] { (0..<self.count).map { PostgreSQLRow(result: self, index: $0) } }
  var first: PostgreSQLRow? { self.count == 0 ? nil : PostgreSQLRow(result: self, index: 0) }

  /// Reads one column of one row; nil for NULL.
  fileprivate func value<R>(
    _ row: Int, _ column: Int, _ type: PostgreSQLType, _ body: (UnsafeRawBufferPointer) -> R?
  ) throws(Outage) -> R? {
    let columns = unsafe Int(PQnfields(self.handle))
    precondition(column < columns, "The statement has fewer columns.")
    let (row, column) = (Int32(row), Int32(column))
    if unsafe PQgetisnull(self.handle, row, column) == 1 { return nil }
    guard unsafe PQftype(self.handle, column) == type.rawValue else { throw PostgreSQLError.damaged.outage }
    let length = Int(unsafe PQgetlength(self.handle, row, column))
    let bytes = unsafe UnsafeRawBufferPointer(start: PQgetvalue(self.handle, row, column), count: length)
    guard let value = unsafe body(bytes) else { throw PostgreSQLError.damaged.outage }
    return value
  }
}

/// The types of our columns, by their fixed object ids (`pg_type.dat`).
private enum PostgreSQLType: UInt32 {
  case bytea = 17
  case bigint = 20
  case text = 25
}

/// A row read; a column of another type than the schema's is a damaged store, so an ``Outage`` and never a
/// trap.
struct PostgreSQLRow {
  fileprivate let result: PostgreSQLResult
  fileprivate let index: Int

  func optionalInteger(_ column: Int) throws(Outage) -> Int64? {
    unsafe try self.result.value(self.index, column, .bigint) { bytes in
      guard bytes.count == 8 else { return nil }
      return Int64(bitPattern: unsafe bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }
  }

  func optionalText(_ column: Int) throws(Outage) -> String? {
    unsafe try self.result.value(self.index, column, .text) { unsafe String(decoding: $0, as: UTF8.self) }
  }

  func optionalBytes(_ column: Int) throws(Outage) -> [UInt8]? {
    unsafe try self.result.value(self.index, column, .bytea) { unsafe Array($0) }
  }

  func integer(_ column: Int) throws(Outage) -> Int64 { try Self.present(self.optionalInteger(column)) }
  func text(_ column: Int) throws(Outage) -> String { try Self.present(self.optionalText(column)) }
  func bytes(_ column: Int) throws(Outage) -> [UInt8] { try Self.present(self.optionalBytes(column)) }

  func optionalCount(_ column: Int) throws(Outage) -> UInt32? {
    guard let number = try self.optionalInteger(column) else { return nil }
    return try Self.present(UInt32(exactly: number))
  }

  func count(_ column: Int) throws(Outage) -> UInt32 { try Self.present(self.optionalCount(column)) }

  func unsigned(_ column: Int) throws(Outage) -> UInt64 {
    try Self.present(UInt64(exactly: self.integer(column)))
  }

  /// A sum of money, which may be beyond 64 bits, as text.
  func sum(_ column: Int) throws(Outage) -> Int128 { try Self.present(Int128(self.text(column))) }

  func moment(_ column: Int) throws(Outage) -> Timestamp { Timestamp(milliseconds: try self.integer(column)) }

  func optionalMoment(_ column: Int) throws(Outage) -> Timestamp? {
    try self.optionalInteger(column).map { Timestamp(milliseconds: $0) }
  }

  func serial(_ column: Int) throws(Outage) -> Serial { try Self.present(self.optionalSerial(column)) }

  func optionalSerial(_ column: Int) throws(Outage) -> Serial? {
    guard let bytes = try self.optionalBytes(column) else { return nil }
    guard bytes.count == Serial.byteCount else { throw PostgreSQLError.damaged.outage }
    return Serial(bytes)
  }

  /// Nil for NULL; text that cannot have been stored is a damaged store.
  func optionalStored<T: StoredText>(_ column: Int) throws(Outage) -> T? {
    guard let text = try self.optionalText(column) else { return nil }
    return try Self.present(T(storedText: text))
  }

  static func present<T>(_ value: T?) throws(Outage) -> T {
    guard let value else { throw PostgreSQLError.damaged.outage }
    return value
  }
}
