/// Integers in network order.
extension FixedWidthInteger where Self: UnsignedInteger {
  public var bigEndianBytes: [UInt8] {
    (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> Self(Self.bitWidth - 8 - 8 * $0)) }
  }

  /// Of as many bytes as there are; more than the width drop off at the top.
  public init(bigEndianBytes bytes: some Sequence<UInt8>) {
    self = bytes.reduce(0) { $0 << 8 | Self($1) }
  }
}
