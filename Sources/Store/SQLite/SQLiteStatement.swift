private import GRDBSQLite
internal import Gate

/// A prepared statement of SQLite's, which the connection owns that lent it.
@safe struct SQLiteStatement {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { unsafe self.handle = handle }

  /// Runs it to its end; `visit` sees each row.
  func run(_ arguments: [SQLiteValue], _ visit: (SQLiteRow) -> Void) throws(Outage) {
    // One more, so that there is an address also where nothing needs a place: null would be NULL.
    let byteCount = arguments.reduce(1) { $0 + $1.byteCount }
    // SQLite reads texts and bytes from here while it steps, and copies none of them.
    let failure = unsafe withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 1) { scratch in
      // Also ends the lock that a statement holds which has failed.
      defer {
        unsafe sqlite3_reset(self.handle)
        unsafe sqlite3_clear_bindings(self.handle)
      }
      do throws(Outage) {
        unsafe try self.bind(arguments, in: scratch)
        while try self.step() == .row { visit(self.row()) }
        return Outage?.none
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  private enum Step { case row, done }

  private func step() throws(Outage) -> Step {
    switch unsafe sqlite3_step(self.handle) {
    case SQLITE_ROW: return .row
    case SQLITE_DONE: return .done
    default: throw self.outage()
    }
  }

  // MARK: Arguments

  private func bind(_ arguments: [SQLiteValue], in scratch: UnsafeMutableRawBufferPointer) throws(Outage) {
    precondition(
      unsafe Int(sqlite3_bind_parameter_count(self.handle)) == arguments.count,
      "A statement has as many arguments as places for them.")
    guard var free = scratch.baseAddress else { return }
    for (index, argument) in arguments.enumerated() {
      let result = unsafe self.bind(argument, at: Int32(index + 1), in: free)
      guard result == SQLITE_OK else { throw self.outage() }
      unsafe free += argument.byteCount
    }
  }

  private func bind(_ argument: SQLiteValue, at place: Int32, in free: UnsafeMutableRawPointer) -> Int32 {
    switch argument {
    case .null: return unsafe sqlite3_bind_null(self.handle, place)
    case .integer(let number): return unsafe sqlite3_bind_int64(self.handle, place, number)
    case .text(var text):
      return text.withUTF8 { utf8 in
        if let source = utf8.baseAddress {
          unsafe free.copyMemory(from: source, byteCount: utf8.count)
        }
        return unsafe sqlite3_bind_text(
          self.handle, place, free.assumingMemoryBound(to: CChar.self), Int32(utf8.count), nil)
      }
    case .bytes(let bytes):
      return unsafe bytes.withUnsafeBytes { bytes in
        if let source = bytes.baseAddress {
          unsafe free.copyMemory(from: source, byteCount: bytes.count)
        }
        return unsafe sqlite3_bind_blob(self.handle, place, free, Int32(bytes.count), nil)
      }
    }
  }

  // MARK: Answers

  private func row() -> SQLiteRow {
    SQLiteRow((0..<(unsafe sqlite3_column_count(self.handle))).map(self.value(at:)))
  }

  private func value(at column: Int32) -> SQLiteValue {
    switch unsafe sqlite3_column_type(self.handle, column) {
    case SQLITE_NULL: return .null
    case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(self.handle, column))
    case SQLITE_BLOB:
      let start = unsafe sqlite3_column_blob(self.handle, column)
      return unsafe .bytes([UInt8](self.bytes(of: column, from: start)))
    // No column of ours is REAL; as text it fails the type check of whoever reads it as a number.
    default:
      let start = unsafe sqlite3_column_text(self.handle, column)
      return unsafe .text(String(decoding: self.bytes(of: column, from: start), as: UTF8.self))
    }
  }

  /// Asked for after the value itself, which may be converted first
  /// (<https://sqlite.org/c3ref/column_blob.html>).
  private func bytes(of column: Int32, from start: UnsafeRawPointer?) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(self.handle, column)))
  }

  /// Only SQLite's own text: the arguments may be secrets.
  private func outage() -> Outage {
    let database = unsafe sqlite3_db_handle(self.handle)
    let text = unsafe sqlite3_errmsg(database).map { unsafe String(cString: $0) } ?? "no text"
    return Outage(
      .outage, "The store failed: SQLite \(unsafe sqlite3_extended_errcode(database)), \(text).")
  }
}

extension SQLiteValue {
  fileprivate var byteCount: Int {
    switch self {
    case .null, .integer: 0
    case .text(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    }
  }
}
