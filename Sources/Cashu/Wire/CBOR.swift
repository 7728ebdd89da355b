/// One item of CBOR (RFC 8949), as far as wallets use it.
package enum CBOR: Sendable, Equatable {
  case unsigned(UInt64)
  case negative(UInt64)
  case bytes([UInt8])
  case text(String)
  case array([CBOR])
  case map([Member])
  case bool(Bool)
  /// `null` and `undefined`: some wallets write them for an absent member (the vectors of NUT-18 do).
  case absent
  /// A float or another simple value; no field of ours holds one.
  case other

  package struct Member: Sendable, Equatable {
    package var key: CBOR
    package var value: CBOR

    package init(key: CBOR, value: CBOR) {
      self.key = key
      self.value = value
    }
  }

  /// The member of a map under a text key; nil for an absent one and for anything that is no map.
  package subscript(_ name: String) -> CBOR? {
    guard case .map(let members) = self, let member = members.first(where: { $0.key == .text(name) }) else {
      return nil
    }
    return member.value == .absent ? nil : member.value
  }

  package var unsigned: UInt64? { if case .unsigned(let value) = self { value } else { nil } }
  package var bytes: [UInt8]? { if case .bytes(let value) = self { value } else { nil } }
  package var text: String? { if case .text(let value) = self { value } else { nil } }
  package var array: [CBOR]? { if case .array(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
}

/// Reads exactly one item and nothing after it.
///
/// Tokens come from strangers, so: definite lengths only (every wallet measured writes them), no tags, no
/// repeated key in any map, text must be UTF-8, and bounds on depth and on the number of items. A declared
/// length is believed only as far as bytes are there, so memory is proportional to the input.
package struct CBORReader {
  package struct Malformed: Error, Equatable {
    package let reason: Reason

    package enum Reason: Sendable, Equatable {
      case truncated, trailing, tooDeep, tooManyItems, unsupported, repeatedKey, notUTF8
    }
  }

  /// A token nests six levels (map, `t`, entry, `p`, proof, `d`); the rest is room for fields not known yet.
  static let maxDepth = 12
  /// 32 proofs of a V4 token with every known field are 32 × 25 items; the rest is room for other fields.
  static let maxItems = 4096

  private let input: [UInt8]
  private var position = 0
  private var itemsLeft = Self.maxItems

  private init(_ input: [UInt8]) { self.input = input }

  package static func read(_ input: [UInt8]) throws(Malformed) -> CBOR {
    var reader = CBORReader(input)
    let item = try reader.item(depth: 0)
    guard reader.position == input.count else { throw Malformed(reason: .trailing) }
    return item
  }

  private mutating func item(depth: Int) throws(Malformed) -> CBOR {
    guard depth < Self.maxDepth else { throw Malformed(reason: .tooDeep) }
    guard self.itemsLeft > 0 else { throw Malformed(reason: .tooManyItems) }
    self.itemsLeft -= 1
    guard let head = try self.take(1).first else { throw Malformed(reason: .truncated) }
    let (major, additional) = (head >> 5, head & 31)
    if major == 7 { return try self.simple(additional) }
    let argument = try self.argument(additional)
    switch major {
    case 0: return .unsigned(argument)
    case 1: return .negative(argument)
    case 2: return .bytes(Array(try self.take(argument)))
    case 3: return .text(try self.text(argument))
    case 4: return .array(try self.array(argument, depth: depth))
    case 5: return .map(try self.map(argument, depth: depth))
    default: throw Malformed(reason: .unsupported)
    }
  }

  /// RFC 8949 §3: 0–23 stand for themselves, 24–27 for 1, 2, 4 or 8 bytes that follow; 31 is an indefinite
  /// length.
  private mutating func argument(_ additional: UInt8) throws(Malformed) -> UInt64 {
    switch additional {
    case 0...23: return UInt64(additional)
    case 24...27: return try self.take(UInt64(1) << (additional - 24)).reduce(0) { $0 << 8 | UInt64($1) }
    default: throw Malformed(reason: .unsupported)
    }
  }

  /// RFC 8949 §3.3.
  private mutating func simple(_ additional: UInt8) throws(Malformed) -> CBOR {
    switch additional {
    case 20: return .bool(false)
    case 21: return .bool(true)
    case 22, 23: return .absent
    case 25...27:
      _ = try self.take(UInt64(1) << (additional - 24))
      return .other
    default: throw Malformed(reason: .unsupported)
    }
  }

  private mutating func text(_ count: UInt64) throws(Malformed) -> String {
    guard let text = String(validating: try self.take(count), as: UTF8.self) else {
      throw Malformed(reason: .notUTF8)
    }
    return text
  }

  private mutating func array(_ count: UInt64, depth: Int) throws(Malformed) -> [CBOR] {
    try self.checkRoom(for: count)
    var items: [CBOR] = []
    for _ in 0..<count { items.append(try self.item(depth: depth + 1)) }
    return items
  }

  private mutating func map(_ count: UInt64, depth: Int) throws(Malformed) -> [CBOR.Member] {
    try self.checkRoom(for: count)
    var members: [CBOR.Member] = []
    var names: Set<[UInt8]> = []
    for _ in 0..<count {
      let key = try self.item(depth: depth + 1)
      switch key {
      case .text, .unsigned, .negative, .bytes: break
      default: throw Malformed(reason: .unsupported)
      }
      // Compared in their shortest form, so that a longer one of the same number is a repetition too.
      guard names.insert(CBORWriter.write(key)).inserted else { throw Malformed(reason: .repeatedKey) }
      members.append(CBOR.Member(key: key, value: try self.item(depth: depth + 1)))
    }
    return members
  }

  /// Each item takes at least a byte.
  private func checkRoom(for count: UInt64) throws(Malformed) {
    guard count <= UInt64(self.input.count - self.position) else { throw Malformed(reason: .truncated) }
    guard count <= UInt64(self.itemsLeft) else { throw Malformed(reason: .tooManyItems) }
  }

  private mutating func take(_ count: UInt64) throws(Malformed) -> ArraySlice<UInt8> {
    guard count <= UInt64(self.input.count - self.position) else { throw Malformed(reason: .truncated) }
    let slice = self.input[self.position..<(self.position + Int(count))]
    self.position += Int(count)
    return slice
  }
}

/// Writes CBOR with definite lengths and the shortest heads.
enum CBORWriter {
  static func write(_ item: CBOR) -> [UInt8] {
    var out: [UInt8] = []
    self.append(item, to: &out)
    return out
  }

  private static func append(_ item: CBOR, to out: inout [UInt8]) {
    switch item {
    case .unsigned(let value): self.head(0, value, to: &out)
    case .negative(let value): self.head(1, value, to: &out)
    case .bytes(let bytes):
      self.head(2, UInt64(bytes.count), to: &out)
      out += bytes
    case .text(let text):
      self.head(3, UInt64(text.utf8.count), to: &out)
      out += text.utf8
    case .array(let items):
      self.head(4, UInt64(items.count), to: &out)
      for item in items { self.append(item, to: &out) }
    case .map(let members):
      self.head(5, UInt64(members.count), to: &out)
      for member in members {
        self.append(member.key, to: &out)
        self.append(member.value, to: &out)
      }
    case .bool(let value): out.append(value ? 0xF5 : 0xF4)
    case .absent, .other: out.append(0xF6)
    }
  }

  private static func head(_ major: UInt8, _ value: UInt64, to out: inout [UInt8]) {
    let (additional, byteCount): (UInt8, Int) =
      switch value {
      case 0...23: (UInt8(value), 0)
      case 24...0xFF: (24, 1)
      case 0x100...0xFFFF: (25, 2)
      case 0x1_0000...0xFFFF_FFFF: (26, 4)
      default: (27, 8)
      }
    out.append(major << 5 | additional)
    for index in (0..<byteCount).reversed() {
      out.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
    }
  }
}

extension CBOR {
  /// A map with text keys in the order given; members without a value are left out.
  static func record(_ members: KeyValuePairs<String, CBOR?>) -> CBOR {
    .map(members.compactMap { name, value in value.map { Member(key: .text(name), value: $0) } })
  }
}
