internal import Gate
private import Octets

/// A statement with its name; each session prepares it once, when it is first used.
struct PostgreSQLStatement: Sendable {
  let name: String
  let sql: String
  /// What its writer took for granted: that exactly one row changes.
  let expectation: Expectation

  enum Expectation: Sendable { case anything, oneRow }

  init(_ name: String, _ sql: String, expecting expectation: Expectation = .anything) {
    self.name = name
    self.sql = sql
    self.expectation = expectation
  }

  /// A name would only be in the way of what is run once: migrations, `BEGIN`.
  static func unnamed(_ sql: String) -> PostgreSQLStatement { PostgreSQLStatement("", sql) }
}

/// A statement with its arguments.
struct PostgreSQLCommand: Sendable {
  let statement: PostgreSQLStatement
  let values: [PostgreSQLValue]
  /// Whose compare-and-set this is.
  let payment: PaymentID?

  init(_ statement: PostgreSQLStatement, _ values: [PostgreSQLValue] = [], of payment: PaymentID? = nil) {
    self.statement = statement
    self.values = values
    self.payment = payment
  }
}

/// One argument: BIGINT, TEXT or BYTEA, or an array of the last two, in the protocol's binary form.
enum PostgreSQLValue: Sendable {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])

  init(_ number: Int64?) { self = number.map(PostgreSQLValue.integer) ?? .null }
  init(_ number: UInt32?) { self = number.map { .integer(Int64($0)) } ?? .null }
  init(_ text: String?) { self = text.map(PostgreSQLValue.text) ?? .null }
  init(_ bytes: [UInt8]?) { self = bytes.map(PostgreSQLValue.bytes) ?? .null }
  init(_ moment: Timestamp?) { self.init(moment?.milliseconds) }

  /// The types of array elements, by their numbers in the server's `pg_type.dat`.
  enum Element: UInt32 { case bytea = 17, text = 25 }

  /// As `array_recv` reads it: dimensions, whether there are NULLs, type, count and first index, then each with its length.
  static func array(_ elements: [some Collection<UInt8>], of type: Element) -> PostgreSQLValue {
    var bytes: [UInt8] = []
    for number in [1, 0, type.rawValue, UInt32(clamping: elements.count), 1] {
      bytes += number.bigEndianBytes
    }
    for element in elements {
      bytes += UInt32(clamping: element.count).bigEndianBytes
      bytes += element
    }
    return .bytes(bytes)
  }
}

/// The arguments of one command, one behind the other.
struct PostgreSQLArguments {
  /// Begins with a byte of its own, so that an empty value has an address too; none would be NULL.
  private(set) var bytes: [UInt8] = [0]
  /// Nil is NULL.
  private(set) var offsets: [Int?] = []
  private(set) var lengths: [Int32] = []

  init(_ values: [PostgreSQLValue]) {
    for value in values {
      switch value {
      case .null:
        self.offsets.append(nil)
        self.lengths.append(0)
      case .integer(let number):
        let shifts: [Int64] = [56, 48, 40, 32, 24, 16, 8, 0]
        self.append(shifts.map { UInt8(truncatingIfNeeded: number >> $0) })
      case .text(let text): self.append(text.utf8)
      case .bytes(let bytes): self.append(bytes)
      }
    }
  }

  private mutating func append(_ value: some Collection<UInt8>) {
    self.offsets.append(self.bytes.count)
    self.lengths.append(Int32(clamping: value.count))
    self.bytes.append(contentsOf: value)
  }
}
