/// Reads exactly one JSON text: bounded in depth and in the number of values, and without repeated member
/// names.
///
/// A second member of the same name is how a token shows one owner to us and another to the mint, so it is an
/// error and not a choice. Foundation's decoder keeps one of the two, and rounds numbers above 2⁵³ on the
/// way.
package struct JSONReader {
  package struct Malformed: Error, Equatable {
    package let reason: Reason

    package enum Reason: Sendable, Equatable {
      case truncated, trailing, unexpected, tooDeep, tooManyValues, repeatedName, badString, badNumber
    }
  }

  /// How much one text may hold.
  package struct Bounds: Sendable {
    package var depth: Int
    package var values: Int

    package init(depth: Int, values: Int) {
      self.depth = depth
      self.values = values
    }

    /// The deepest answer of a mint (`/v1/info`) has eight levels; a mint with 200 keysets of 64 keys answers with
    /// 13 000 values.
    package static let usual = Bounds(depth: 16, values: 20_000)
  }

  static let maxValues = Bounds.usual.values

  private let input: [UInt8]
  private let maxDepth: Int
  private var position = 0
  private var valuesLeft: Int

  private init(_ input: [UInt8], _ bounds: Bounds) {
    self.input = input
    self.maxDepth = bounds.depth
    self.valuesLeft = bounds.values
  }

  package static func read(_ input: [UInt8], bounds: Bounds = .usual) throws(Malformed) -> JSON {
    var reader = JSONReader(input, bounds)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == input.count else { throw Malformed(reason: .trailing) }
    return value
  }

  private mutating func value(depth: Int) throws(Malformed) -> JSON {
    guard depth < self.maxDepth else { throw Malformed(reason: .tooDeep) }
    guard self.valuesLeft > 0 else { throw Malformed(reason: .tooManyValues) }
    self.valuesLeft -= 1
    self.skipSpace()
    switch try self.peek() {
    case UInt8(ascii: "{"): return .object(try self.object(depth: depth))
    case UInt8(ascii: "["): return .array(try self.array(depth: depth))
    case UInt8(ascii: "\""): return .string(try self.string())
    case UInt8(ascii: "t"): return try self.word("true", .bool(true))
    case UInt8(ascii: "f"): return try self.word("false", .bool(false))
    case UInt8(ascii: "n"): return try self.word("null", .null)
    default: return try self.number()
    }
  }

  private mutating func object(depth: Int) throws(Malformed) -> [JSON.Member] {
    var members: [JSON.Member] = []
    var names: Set<[UInt8]> = []
    self.position += 1
    self.skipSpace()
    if try self.skip(UInt8(ascii: "}")) { return members }
    while true {
      self.skipSpace()
      guard try self.peek() == UInt8(ascii: "\"") else { throw Malformed(reason: .unexpected) }
      let name = try self.string()
      guard names.insert(Array(name.utf8)).inserted else { throw Malformed(reason: .repeatedName) }
      self.skipSpace()
      guard try self.skip(UInt8(ascii: ":")) else { throw Malformed(reason: .unexpected) }
      members.append(JSON.Member(name: name, value: try self.value(depth: depth + 1)))
      self.skipSpace()
      if try self.skip(UInt8(ascii: "}")) { return members }
      guard try self.skip(UInt8(ascii: ",")) else { throw Malformed(reason: .unexpected) }
    }
  }

  private mutating func array(depth: Int) throws(Malformed) -> [JSON] {
    var values: [JSON] = []
    self.position += 1
    self.skipSpace()
    if try self.skip(UInt8(ascii: "]")) { return values }
    while true {
      values.append(try self.value(depth: depth + 1))
      self.skipSpace()
      if try self.skip(UInt8(ascii: "]")) { return values }
      guard try self.skip(UInt8(ascii: ",")) else { throw Malformed(reason: .unexpected) }
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(Malformed) -> JSON {
    for index in 0..<word.utf8CodeUnitCount {
      guard unsafe try self.skip(word.utf8Start[index]) else { throw Malformed(reason: .unexpected) }
    }
    return value
  }

  /// RFC 8259 §6.
  private mutating func number() throws(Malformed) -> JSON {
    let start = self.position
    if try self.peek() == UInt8(ascii: "-") { self.position += 1 }
    let whole = try self.digits()
    guard whole.count == 1 || whole.first != UInt8(ascii: "0") else { throw Malformed(reason: .badNumber) }
    if self.isNext(".") {
      self.position += 1
      _ = try self.digits()
    }
    if self.isNext("e") || self.isNext("E") {
      self.position += 1
      if self.isNext("+") || self.isNext("-") { self.position += 1 }
      _ = try self.digits()
    }
    let text = String(decoding: self.input[start..<self.position], as: UTF8.self)
    return UInt64(text).map { .unsigned($0) } ?? .number(text)
  }

  private mutating func digits() throws(Malformed) -> ArraySlice<UInt8> {
    let digits = self.input[self.position...].prefix { $0 >= 0x30 && $0 <= 0x39 }
    guard !digits.isEmpty else {
      throw Malformed(reason: self.position == self.input.count ? .truncated : .unexpected)
    }
    self.position = digits.endIndex
    return digits
  }

  private func isNext(_ character: Unicode.Scalar) -> Bool {
    self.position < self.input.count && self.input[self.position] == UInt8(ascii: character)
  }

  private mutating func string() throws(Malformed) -> String {
    var bytes: [UInt8] = []
    self.position += 1
    while true {
      let byte = try self.peek()
      self.position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Malformed(reason: .badString) }
        return text
      case UInt8(ascii: "\\"): bytes += String(try self.escape()).utf8
      case 0..<0x20: throw Malformed(reason: .badString)
      default: bytes.append(byte)
      }
    }
  }

  /// RFC 8259 §7. A lone surrogate has no UTF-8 form and is refused.
  private mutating func escape() throws(Malformed) -> Unicode.Scalar {
    let byte = try self.peek()
    self.position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw Malformed(reason: .badString)
    }
    let first = try self.codeUnit()
    guard first & 0xFC00 == 0xD800 else { return try self.scalar(first) }
    guard try self.skip(UInt8(ascii: "\\")), try self.skip(UInt8(ascii: "u")) else {
      throw Malformed(reason: .badString)
    }
    let second = try self.codeUnit()
    guard second & 0xFC00 == 0xDC00 else { throw Malformed(reason: .badString) }
    return try self.scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
  }

  private func scalar(_ value: UInt32) throws(Malformed) -> Unicode.Scalar {
    guard let scalar = Unicode.Scalar(value) else { throw Malformed(reason: .badString) }
    return scalar
  }

  private mutating func codeUnit() throws(Malformed) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = try self.peek()
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw Malformed(reason: .badString)
      }
      value = value << 4 | UInt32(digit)
      self.position += 1
    }
    return value
  }

  private func peek() throws(Malformed) -> UInt8 {
    guard self.position < self.input.count else { throw Malformed(reason: .truncated) }
    return self.input[self.position]
  }

  private mutating func skip(_ byte: UInt8) throws(Malformed) -> Bool {
    guard try self.peek() == byte else { return false }
    self.position += 1
    return true
  }

  private mutating func skipSpace() {
    while self.position < self.input.count, [0x20, 0x0A, 0x0D, 0x09].contains(self.input[self.position]) {
      self.position += 1
    }
  }
}
