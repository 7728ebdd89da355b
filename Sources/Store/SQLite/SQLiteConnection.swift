private import FoundationEssentials
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
struct SQLiteConnection {
  let database: Database

  func rows(_ sql: String, _ arguments: [SQLiteValue] = []) throws(Outage) -> [SQLiteRow] {
    do {
      let statement = try self.database.cachedStatement(sql: sql)
      let cursor = try Row.fetchCursor(statement, arguments: Self.bind(arguments))
      var rows: [SQLiteRow] = []
      while let row = try cursor.next() {
        rows.append(SQLiteRow(row.databaseValues.map(SQLiteValue.init)))
      }
      return rows
    } catch {
      throw Outage(store: error)
    }
  }

  func row(_ sql: String, _ arguments: [SQLiteValue] = []) throws(Outage) -> SQLiteRow? {
    try self.rows(sql, arguments).first
  }

  /// Returns how many rows changed.
  @discardableResult
  func run(_ sql: String, _ arguments: [SQLiteValue] = []) throws(Outage) -> Int {
    do {
      try self.database.cachedStatement(sql: sql).execute(arguments: Self.bind(arguments))
      return self.database.changesCount
    } catch {
      throw Outage(store: error)
    }
  }

  private static func bind(_ arguments: [SQLiteValue]) -> StatementArguments {
    // As optionals: GRDB's other initialiser reads a key path per value, a third of a claim's time.
    StatementArguments(arguments.map { Optional<any DatabaseValueConvertible>($0.databaseValue) })
  }
}

extension SQLiteValue {
  fileprivate init(_ value: DatabaseValue) {
    self =
      switch value.storage {
      case .null: .null
      case .int64(let number): .integer(number)
      // No column of ours is REAL; as text it fails the type check of whoever reads it as a number.
      case .double(let number): .text("\(number)")
      case .string(let text): .text(text)
      case .blob(let data): .bytes([UInt8](data))
      }
  }

  fileprivate var databaseValue: DatabaseValue {
    switch self {
    case .null: .null
    case .integer(let number): number.databaseValue
    case .text(let text): text.databaseValue
    case .bytes(let bytes): Data(bytes).databaseValue
    }
  }
}
