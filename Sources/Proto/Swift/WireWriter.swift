/// Writes protobuf's wire format (protobuf.dev/programming-guides/encoding) into memory that was measured before.
///
/// Tags are single bytes: no field of ours has a number over 15.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int) { self.bytes.reserveCapacity(capacity) }

  /// A field of bytes, with its tag and length.
  static func length(ofBytes count: Int) -> Int { 1 + self.length(ofVarint: UInt64(count)) + count }

  static func length(ofVarint value: UInt64) -> Int { max(1, (64 - value.leadingZeroBitCount + 6) / 7) }

  /// The head of a nested message of `length` bytes.
  mutating func open(_ tag: UInt8, length: Int) { self.varint(tag, UInt64(length)) }

  mutating func bytes(_ tag: UInt8, _ value: some Collection<UInt8>) {
    self.open(tag, length: value.count)
    self.bytes.append(contentsOf: value)
  }

  mutating func varint(_ tag: UInt8, _ value: UInt64) {
    self.bytes.append(tag)
    var rest = value
    while rest > 0x7F {
      self.bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    self.bytes.append(UInt8(rest))
  }
}
