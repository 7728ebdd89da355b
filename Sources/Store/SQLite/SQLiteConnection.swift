internal import GRDB
internal import Gate

/// One column, in the four forms SQLite has for us.
enum SQLiteValue: Sendable {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])

  init(_ number: Int64?) { self = number.map(SQLiteValue.integer) ?? .null }
  init(_ number: UInt32?) { self = number.map { .integer(Int64($0)) } ?? .null }
  init(_ text: String?) { self = text.map(SQLiteValue.text) ?? .null }
  init(_ bytes: [UInt8]?) { self = bytes.map(SQLiteValue.bytes) ?? .null }
  init(_ moment: Timestamp?) { self.init(moment?.milliseconds) }
}

/// A row read; a column of another type than the schema's is a damaged file, so an ``Outage`` and never a
/// trap.
struct SQLiteRow {
  private let columns: [SQLiteValue]

  init(_ columns: [SQLiteValue]) { self.columns = columns }

  func optionalInteger(_ index: Int) throws(Outage) -> Int64? {
    switch self.columns[index] {
    case .integer(let number): number
    case .null: nil
    case .text, .bytes: throw .damaged
    }
  }

  func optionalText(_ index: Int) throws(Outage) -> String? {
    switch self.columns[index] {
    case .text(let text): text
    case .null: nil
    case .integer, .bytes: throw .damaged
    }
  }

  func optionalBytes(_ index: Int) throws(Outage) -> [UInt8]? {
    switch self.columns[index] {
    case .bytes(let bytes): bytes
    case .null: nil
    case .integer, .text: throw .damaged
    }
  }

  func integer(_ index: Int) throws(Outage) -> Int64 { try Self.present(self.optionalInteger(index)) }
  func text(_ index: Int) throws(Outage) -> String { try Self.present(self.optionalText(index)) }
  func bytes(_ index: Int) throws(Outage) -> [UInt8] { try Self.present(self.optionalBytes(index)) }

  func optionalCount(_ index: Int) throws(Outage) -> UInt32? {
    guard let number = try self.optionalInteger(index) else { return nil }
    return try Self.present(UInt32(exactly: number))
  }

  func count(_ index: Int) throws(Outage) -> UInt32 { try Self.present(self.optionalCount(index)) }
  func unsigned(_ index: Int) throws(Outage) -> UInt64 {
    try Self.present(UInt64(exactly: self.integer(index)))
  }
  func moment(_ index: Int) throws(Outage) -> Timestamp { Timestamp(milliseconds: try self.integer(index)) }

  func optionalMoment(_ index: Int) throws(Outage) -> Timestamp? {
    try self.optionalInteger(index).map { Timestamp(milliseconds: $0) }
  }

  func serial(_ index: Int) throws(Outage) -> Serial { try Self.present(self.optionalSerial(index)) }

  func optionalSerial(_ index: Int) throws(Outage) -> Serial? {
    guard let bytes = try self.optionalBytes(index) else { return nil }
    guard bytes.count == Serial.byteCount else { throw .damaged }
    return Serial(bytes)
  }

  /// Nil for NULL; text that cannot have been stored is a damaged file.
  func optionalStored<T: StoredText>(_ index: Int) throws(Outage) -> T? {
    guard let text = try self.optionalText(index) else { return nil }
    return try Self.present(T(storedText: text))
  }

  static func present<T>(_ value: T?) throws(Outage) -> T {
    guard let value else { throw .damaged }
    return value
  }
}

extension Outage {
  static let damaged = Outage(
    .outage, "The store holds a value that it cannot have written; is the file damaged?")

  /// Only SQLite's own text: the statement's arguments may be secrets.
  init(store error: any Error) {
    if let error = error as? DatabaseError {
      self.init(
        .outage,
        "The store failed: SQLite \(error.extendedResultCode.rawValue), \(error.message ?? "no text").")
    } else {
      self.init(.outage, "The store failed: \(type(of: error)).")
    }
  }
}

/// Statements on one SQLite connection, prepared once each; errors are outages.
///
/// GRDB prepares and keeps them; they are bound and stepped here, without its values and cursors, which cost more than
/// SQLite's own work. No row is observed, so GRDB need not see them run.
struct SQLiteConnection {
  let database: Database

  func rows(_ sql: String, _ arguments: [SQLiteValue] = []) throws(Outage) -> [SQLiteRow] {
    var rows: [SQLiteRow] = []
    try self.statement(sql).run(arguments) { rows.append($0) }
    return rows
  }

  func row(_ sql: String, _ arguments: [SQLiteValue] = []) throws(Outage) -> SQLiteRow? {
    var first: SQLiteRow?
    try self.statement(sql).run(arguments) { row in if first == nil { first = row } }
    return first
  }

  /// Returns how many rows changed.
  @discardableResult
  func run(_ sql: String, _ arguments: [SQLiteValue]) throws(Outage) -> Int {
    try self.statement(sql).run(arguments) { _ in }
    return self.database.changesCount
  }

  /// What moves transactions or the schema, of which GRDB keeps account.
  func run(_ sql: String) throws(Outage) {
    do {
      try self.database.cachedStatement(sql: sql).execute()
    } catch {
      throw Outage(store: error)
    }
  }

  private func statement(_ sql: String) throws(Outage) -> SQLiteStatement {
    do {
      return unsafe SQLiteStatement(try self.database.cachedStatement(sql: sql).sqliteStatement)
    } catch {
      throw Outage(store: error)
    }
  }
}
